#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace netcompute::data {

/// Which of two numbers before a year is the day, as in 3/4/2024.
enum class DateOrder { Unclear, DayFirst, MonthFirst };

struct ParsedDate {
    double days = 0;  ///< Since 1970-01-01, with the time of day as a fraction; as UTC.
    /// What this date tells of its table's: 31/3/2024 can be DayFirst only.
    DateOrder order = DateOrder::Unclear;
    bool needs_order = false;  ///< It is another date in the other order.
};

/// Reads 2024-03-31, 2024/3/31, 31.3.2024, 31/3/2024 and 3/31/2024, all also with a time behind a
/// blank or T: 12:30, 12:30:05.25, and Z or an offset such as +02:00. Nothing for what is no date
/// of the years 1000 to 9999, or not in that order.
[[nodiscard]] std::optional<ParsedDate> parse_date(std::string_view text,
                                                   DateOrder order = DateOrder::Unclear);

/// "2024-03-31", or with a time "2024-03-31 12:30:05".
[[nodiscard]] std::string date_text(double days);

/// 1 to 12; 0 (Monday) to 6; hours from 0 to below 24.
struct DateParts {
    double month = 1;
    double weekday = 0;
    double hour = 0;
};
[[nodiscard]] DateParts date_parts(double days);

}  // namespace netcompute::data
