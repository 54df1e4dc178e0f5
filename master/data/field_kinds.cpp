#include "data/field_kinds.hpp"

#include "data/dataset.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace netcompute::data {
namespace {

constexpr std::size_t few_distinct = 20;

/// No letter and no digit; letters beyond ASCII count as such.
bool is_sign(std::string_view text) {
    return std::ranges::none_of(text, [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               byte >= 0x80;
    });
}

bool are_mostly(std::uint64_t good, std::uint64_t words, std::uint64_t signs,
                std::size_t distinct) {
    if (good == 0 || signs > good) return false;
    const std::uint64_t all = good + words;
    if (distinct <= few_distinct && words > 1 && words * 20 > all) return false;
    return words * 10 <= all;
}

bool is_word_of(std::string_view text, std::string_view word) {
    return std::ranges::equal(text, word, [](char a, char b) {
        return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
    });
}

}  // namespace

void FieldCounts::add(std::string_view text, const FieldReading& reading, std::uint64_t rows) {
    const ReadNumber number = read_number(text, reading.decimal);
    if (number.kind == NumberKind::Finite) {
        (number.look == NumberLook::Plain     ? plain
         : number.look == NumberLook::Percent ? percents
                                              : marked) += rows;
        // A number such as 1.234.567 is no date; one such as 20240331 is a number.
        not_dates += rows;
        return;
    }
    if (number.kind == NumberKind::NotFinite) {
        not_finite += rows;
        not_dates += rows;
        return;
    }
    if (is_sign(text) || reading.is_missing(text, false)) {
        signs += rows;
        return;
    }
    words += rows;
    const auto date = parse_date(text);
    if (!date) {
        not_dates += rows;
        return;
    }
    dates += rows;
    if (date->order == DateOrder::DayFirst) day_first += rows;
    if (date->order == DateOrder::MonthFirst) month_first += rows;
    if (date->needs_order) unclear += rows;
}

ColumnKind kind_of(const FieldCounts& counts, std::size_t distinct) {
    const std::uint64_t plain = counts.plain + counts.marked;
    const std::uint64_t numbers = std::max(plain, counts.percents);
    const std::uint64_t words = counts.words + std::min(plain, counts.percents);
    if (are_mostly(numbers + counts.not_finite, words, counts.signs, distinct)) {
        return ColumnKind::Number;
    }
    const bool is_one_order = counts.day_first == 0 || counts.month_first == 0;
    const bool is_clear = counts.unclear == 0 || counts.day_first + counts.month_first > 0;
    if (is_one_order && is_clear &&
        are_mostly(counts.dates, counts.not_dates, counts.signs, distinct)) {
        return ColumnKind::Date;
    }
    return distinct <= coded_texts_max ? ColumnKind::Category : ColumnKind::Text;
}

DateOrder order_of(const FieldCounts& counts, ColumnKind kind) {
    if (kind == ColumnKind::DateDayFirst) return DateOrder::DayFirst;
    if (kind == ColumnKind::DateMonthFirst) return DateOrder::MonthFirst;
    if (counts.day_first > counts.month_first) return DateOrder::DayFirst;
    return counts.month_first > 0 ? DateOrder::MonthFirst : DateOrder::Unclear;
}

ValueReading::Value ValueReading::read(std::string_view text) const {
    if (is_date_) {
        const auto date = parse_date(text, order_);
        if (!date || (order_ == DateOrder::Unclear && date->needs_order)) return {};
        return {Value::Kind::Good, date->days};
    }
    const ReadNumber number = read_number(text, reading_.decimal);
    if (number.kind == NumberKind::NotANumber) return {};
    if (number.kind == NumberKind::NotFinite) return {Value::Kind::NotFinite};
    const bool is_percent = number.look == NumberLook::Percent;
    if (is_percent != are_percents_) return {};
    return {number.look == NumberLook::Marked ? Value::Kind::Marked : Value::Kind::Good,
            number.value};
}

std::optional<bool> parse_boolean(std::string_view text) {
    text = trim_blanks(text);
    if (is_word_of(text, "true")) return true;
    if (is_word_of(text, "false")) return false;
    return std::nullopt;
}

bool is_inexact(std::string_view text, double value) {
    constexpr double exact_max = 9007199254740992.0;
    if (std::abs(value) < exact_max) return false;
    text = trim_blanks(text);
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    if (text.find_first_not_of("0123456789") != std::string_view::npos) return false;
    text.remove_prefix(std::min(text.find_first_not_of('0'), text.size()));
    std::array<char, 400> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), std::abs(value),
                                   std::chars_format::fixed, 0)
                         .ptr;
    return text != std::string_view{digits.data(), static_cast<std::size_t>(end - digits.data())};
}

}  // namespace netcompute::data
