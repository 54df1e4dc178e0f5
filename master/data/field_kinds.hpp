#pragma once

#include "data/date.hpp"
#include "data/number.hpp"
#include "data/reading_options.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace netcompute::data {

/// How the fields of a table are read, whichever column they are of.
struct FieldReading {
    char decimal = '.';
    MissingWords missing;

    /// Words between quotes are words: only an empty field is missing then.
    [[nodiscard]] bool is_missing(std::string_view text, bool is_quoted) const {
        if (is_quoted) return trim_blanks(text).empty();
        return missing.contains(text);
    }
};

/// How many of a column's fields are what; missing ones apart.
struct FieldCounts {
    std::uint64_t plain = 0;   ///< Numbers, as programs write them.
    std::uint64_t marked = 0;  ///< Numbers, as people write them.
    std::uint64_t percents = 0;
    std::uint64_t not_finite = 0;
    std::uint64_t signs =
        0;  ///< Texts of no letter and no digit: "?", "-"; and quoted missing words.
    std::uint64_t words = 0;  ///< Other texts.
    std::uint64_t dates = 0;
    std::uint64_t day_first = 0;  ///< Dates that are such only with the day first, or the month.
    std::uint64_t month_first = 0;
    std::uint64_t unclear = 0;    ///< Dates that are another one in the other order.
    std::uint64_t not_dates = 0;  ///< Signs apart.

    void add(std::string_view text, const FieldReading& reading, std::uint64_t rows);
};

/// What a column is by its fields. The rule:
/// - of numbers, where at most one field in ten is another word, or where a column has at most 20
///   distinct fields one in twenty, or one alone; and there are as many numbers as signs at least.
///   Percents are numbers where most numbers are percents, and else words.
/// - of dates likewise, where all are of one order of day and month;
/// - of booleans where each field is true or false; otherwise of categories where there are at most
///   coded_texts_max distinct fields, else of texts.
/// `distinct` counts the fields that are not missing, up to coded_texts_max + 1.
[[nodiscard]] ColumnKind kind_of(const FieldCounts& counts, std::size_t distinct);

/// The order of day and month that a column's dates show. `kind`: a date's.
[[nodiscard]] DateOrder order_of(const FieldCounts& counts, ColumnKind kind);

[[nodiscard]] constexpr bool is_date(ColumnKind kind) {
    return kind == ColumnKind::Date || kind == ColumnKind::DateDayFirst ||
           kind == ColumnKind::DateMonthFirst;
}

/// How a field of a column of numbers or dates is read.
class ValueReading {
 public:
    ValueReading(const FieldReading& reading, ColumnKind kind, const FieldCounts& counts)
        : reading_{reading},
          is_date_{is_date(kind)},
          order_{order_of(counts, kind)},
          are_percents_{counts.percents > counts.plain + counts.marked} {}

    struct Value {
        enum class Kind { Good, Marked, NotFinite, Odd };
        Kind kind = Kind::Odd;
        double value = 0;  ///< Of Good and Marked: a number, or days since 1970.
    };
    [[nodiscard]] Value read(std::string_view text) const;

 private:
    const FieldReading& reading_;
    bool is_date_;
    DateOrder order_;
    bool are_percents_;
};

/// true or false, in any case of letters; nothing for another word.
[[nodiscard]] std::optional<bool> parse_boolean(std::string_view text);

/// Whether it is a whole number whose last digits a double does not hold.
[[nodiscard]] bool is_inexact(std::string_view text, double value);

}  // namespace netcompute::data
