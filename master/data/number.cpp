#include "data/number.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <system_error>

namespace netcompute::data {
namespace {

bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

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

bool is_missing(std::string_view text) {
    constexpr std::array<std::string_view, 8> words{"NA",   "N/A",  "n/a",  "NULL",
                                                    "null", "None", "#N/A", "<NA>"};
    text = trimmed(text);
    return text.empty() || std::find(words.begin(), words.end(), text) != words.end();
}

}  // namespace netcompute::data
