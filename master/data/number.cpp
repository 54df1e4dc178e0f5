#include "data/number.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <system_error>

namespace netcompute::data {
namespace {

/// pandas 2.2, `read_csv`, na_values; empty fields apart.
constexpr std::array<std::string_view, 18> missing_words{
    "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
    "<NA>", "N/A",      "NA",  "NULL",    "NaN",      "None", "n/a",  "nan",    "null"};

constexpr std::size_t written_bytes_max = 64;  ///< Longer texts are no numbers.
constexpr std::array<std::string_view, 6> currencies{"$", "€", "£", "¥", "₹", "CHF"};
constexpr std::array<std::string_view, 7> group_marks{
    ",", ".", " ", "\xC2\xA0", "\xE2\x80\xAF", "'", "\xE2\x80\x99"};
constexpr std::string_view minus_sign = "\xE2\x88\x92";

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool take_front(std::string_view& text, std::string_view part) {
    if (!text.starts_with(part)) return false;
    text = trim_blanks(text.substr(part.size()));
    return true;
}

bool take_back(std::string_view& text, std::string_view part) {
    if (!text.ends_with(part)) return false;
    text = trim_blanks(text.substr(0, text.size() - part.size()));
    return true;
}

bool take_sign(std::string_view& text) {
    if (take_front(text, "-") || take_front(text, minus_sign)) return true;
    take_front(text, "+");
    return false;
}

void take_currency(std::string_view& text) {
    for (const std::string_view currency : currencies) {
        if (take_front(text, currency) || take_back(text, currency)) return;
    }
}

/// The digits before the fraction, without the marks between their groups of three; nothing where
/// they are grouped in another way.
std::optional<std::string> ungrouped(std::string_view digits, char decimal) {
    for (const std::string_view mark : group_marks) {
        if (mark.front() == decimal || digits.find(mark) == std::string_view::npos) continue;
        std::string whole;
        bool is_first = true;
        for (;;) {
            const std::size_t end = std::min(digits.find(mark), digits.size());
            const std::string_view group = digits.substr(0, end);
            const bool fits = is_first ? !group.empty() && group.size() <= 3 : group.size() == 3;
            if (!fits || !std::ranges::all_of(group, is_digit)) return std::nullopt;
            whole += group;
            is_first = false;
            if (end == digits.size()) return whole;
            digits.remove_prefix(end + mark.size());
        }
    }
    return std::string{digits};
}

/// The same number as programs write it, or nothing.
std::optional<std::string> unmarked(std::string_view text, char decimal) {
    const std::size_t point = std::min(text.find(decimal), text.size());
    auto number = ungrouped(text.substr(0, point), decimal);
    if (!number || point == text.size()) return number;
    return *number + "." + std::string{text.substr(point + 1)};
}

}  // namespace

std::string_view trim_blanks(std::string_view text) {
    // Almost every text: no byte of a blank at its ends.
    const auto may_be_blank_at = [](char c) {
        return is_blank(c) || static_cast<unsigned char>(c) >= 0x80;
    };
    if (text.empty() || (!may_be_blank_at(text.front()) && !may_be_blank_at(text.back()))) {
        return text;
    }
    constexpr std::array<std::string_view, 4> blanks{" ", "\t", "\xC2\xA0", "\xE2\x80\xAF"};
    for (bool is_done = false; !is_done && !text.empty();) {
        is_done = true;
        for (const std::string_view blank : blanks) {
            if (text.starts_with(blank)) {
                text.remove_prefix(blank.size());
                is_done = false;
            } else if (text.ends_with(blank)) {
                text.remove_suffix(blank.size());
                is_done = false;
            }
        }
    }
    return text;
}

namespace {

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

/// Whether a decimal number that no double can hold is too large, rather than too small: its first
/// digit that is not 0 stands left of the point, once the exponent has moved it.
bool is_too_large(std::string_view number) {
    const std::size_t exponent_at = std::min(number.find_first_of("eE"), number.size());
    const std::string_view digits = number.substr(0, exponent_at);
    const std::size_t point = std::min(digits.find('.'), digits.size());
    const std::size_t first = digits.find_first_of("123456789");
    if (first == std::string_view::npos) return false;
    const auto place = static_cast<std::int64_t>(point) - static_cast<std::int64_t>(first);

    std::string_view exponent = number.substr(std::min(exponent_at + 1, number.size()));
    if (exponent.starts_with('+')) exponent.remove_prefix(1);
    std::int64_t power = 0;
    const auto parsed = std::from_chars(exponent.data(), exponent.data() + exponent.size(), power);
    if (parsed.ec == std::errc::result_out_of_range) return !exponent.starts_with('-');
    return place + power > 0;
}

}  // namespace

ParsedNumber parse_number(std::string_view text) {
    if (text.empty()) return {};
    if (is_blank(text.front()) || is_blank(text.back())) text = trimmed(text);
    if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
    if (text.empty()) return {};

    double value = 0;
    const char* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, value);
    if (parsed.ptr != end) return {};
    if (parsed.ec == std::errc::result_out_of_range) {
        return {is_too_large(text) ? NumberKind::NotFinite : NumberKind::Finite, 0};
    }
    if (parsed.ec != std::errc{}) return {};
    if (!std::isfinite(value)) return {NumberKind::NotFinite, 0};
    return {NumberKind::Finite, value + 0.0};  // Adding 0 turns -0 into 0.
}

ReadNumber read_number(std::string_view text, char decimal) {
    if (decimal == '.') {
        const ParsedNumber plain = parse_number(text);
        if (plain.kind != NumberKind::NotANumber) return {plain.kind, plain.value};
    }
    if (text.size() > written_bytes_max || std::ranges::none_of(text, is_digit)) {
        // Infinity has no digits, in every notation.
        const bool is_word = decimal != '.' && text.size() <= written_bytes_max;
        return {is_word ? parse_number(text).kind : NumberKind::NotANumber};
    }
    std::string_view rest = trim_blanks(text);
    bool is_negative = take_sign(rest);
    const std::string_view unsigned_text = rest;
    take_currency(rest);
    if (take_sign(rest)) is_negative = !is_negative;
    const bool is_percent = take_back(rest, "%");
    const auto plain = unmarked(rest, decimal);
    if (!plain || plain->empty() || (!is_digit(plain->front()) && plain->front() != '.')) return {};
    const ParsedNumber number = parse_number(*plain);
    if (number.kind == NumberKind::NotANumber) return {};
    ReadNumber read{number.kind, is_negative ? 0.0 - number.value : number.value};
    if (is_percent) {
        read.look = NumberLook::Percent;
        read.value /= 100;
        return read;
    }
    std::string written{unsigned_text};
    if (decimal != '.') std::ranges::replace(written, decimal, '.');
    const bool is_plain = decimal != '.' && written == *plain && trimmed(text) == trim_blanks(text);
    read.look = is_plain ? NumberLook::Plain : NumberLook::Marked;
    return read;
}

std::string number_text(double value) {
    std::array<char, 32> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
    return {text.data(), end};
}

bool MissingWords::contains(std::string_view text) const {
    text = trim_blanks(text);
    if (text.empty()) return true;
    constexpr std::size_t longest = 9;
    if (!words_ && text.size() > longest) return false;
    if (words_) return std::ranges::find(*words_, text) != words_->end();
    return std::ranges::find(missing_words, text) != missing_words.end();
}

std::vector<std::string> usual_missing_words() {
    return {missing_words.begin(), missing_words.end()};
}

bool is_missing(std::string_view text) {
    return MissingWords{}.contains(text);
}

}  // namespace netcompute::data
