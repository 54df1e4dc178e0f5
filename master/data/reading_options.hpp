#pragma once

#include "data/dialect.hpp"
#include "data/text_encoding.hpp"

#include <array>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::data {

/// What a column is.
enum class ColumnKind {
    Number,
    Category,        ///< Words that stand for classes; numbers too, where they were given as these.
    Text,            ///< As it is written; nothing is learned from it.
    Date,            ///< 2024-03-31, 31.3.2024, 31/3/2024 or 3/31/2024; also with a time.
    DateDayFirst,    ///< Where the day comes before the month: 3/4/2024 is in April.
    DateMonthFirst,  ///< The other way around: 3/4/2024 is in March.
    Boolean,         ///< true and false, in any case.
    Id,              ///< Names the rows.
    Ignore,          ///< Is passed over.
};

/// As params say them, in the order of ColumnKind.
inline constexpr std::array<std::string_view, 9> column_kind_names{
    "number",           "category", "text", "date",  "date_day_first",
    "date_month_first", "boolean",  "id",   "ignore"};

[[nodiscard]] constexpr std::string_view column_kind_name(ColumnKind kind) {
    return column_kind_names[static_cast<std::size_t>(kind)];
}
[[nodiscard]] std::optional<ColumnKind> find_column_kind(std::string_view name);

/// How a table is read, where it does not tell by itself.
struct ReadingOptions {
    /// The column that names the rows, which is kept as it is written, numbers too. Empty: none;
    /// one that the table does not have is passed over.
    std::string id;
    /// Where `id` is empty: the one that find_id() finds.
    bool finds_id = false;
    GivenDialect dialect = {};
    std::optional<TextEncoding> encoding = {};
    /// The words for missing values; nothing: the usual ones.
    std::optional<std::vector<std::string>> missing = {};
    std::map<std::string, ColumnKind> columns = {};
    friend bool operator==(const ReadingOptions&, const ReadingOptions&) = default;
};

/// Everything of the options, in one text: it names datasets.
[[nodiscard]] std::string options_text(const ReadingOptions& options);

/// The column that names the rows where nobody said which: "PassengerId"; else the first column if
/// it has no name; else one called id, index, rowid, row_id, rowname, rownames or row.names, in any
/// case. Empty: there is none.
[[nodiscard]] std::string find_id(std::span<const std::string> header);

}  // namespace netcompute::data
