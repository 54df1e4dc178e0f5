#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace netcompute::data {

/// A row of a table, as people find it: rows are counted without the header, lines with it, both
/// from 1.
struct RowPlace {
    std::uint64_t row = 0;
    std::uint64_t line = 0;
};

/// `train.csv: line 5 (row 4), column "Age"`.
[[nodiscard]] std::string describe_place(std::string_view table, RowPlace place,
                                         std::string_view column);

/// `train.csv: column "Age"`.
[[nodiscard]] std::string describe_column(std::string_view table, std::string_view column);

/// The text between quotes, shortened after 60 bytes, with "?" for control characters: it comes
/// from a stranger's table.
[[nodiscard]] std::string quote(std::string_view text);

/// "1 field", "7 fields".
[[nodiscard]] std::string counted(std::uint64_t count, std::string_view singular);

/// `"a", "b" and 7 more`: at most `shown_max` of them.
[[nodiscard]] std::string quote_list(std::span<const std::string> texts, std::size_t shown_max);

}  // namespace netcompute::data
