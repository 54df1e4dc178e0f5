#include "api/query.hpp"

#include <algorithm>
#include <charconv>
#include <vector>

namespace netcompute::api {
namespace {

std::optional<std::string> decode(std::string_view text, bool plus_is_blank = true) {
    std::string decoded;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+' && plus_is_blank) {
            decoded += ' ';
        } else if (text[i] == '%') {
            int value = 0;
            const std::string_view digits = text.substr(i + 1, 2);
            const auto [end, error] =
                std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
            if (digits.size() != 2 || error != std::errc{} || end != digits.data() + 2) {
                return std::nullopt;
            }
            decoded += static_cast<char>(value);
            i += 2;
        } else {
            decoded += text[i];
        }
    }
    return decoded;
}

/// Takes what stands before the next separator off a text.
std::string_view take_part(std::string_view& text, char separator) {
    const std::string_view part = text.substr(0, text.find(separator));
    text.remove_prefix(part.size() == text.size() ? part.size() : part.size() + 1);
    return part;
}

constexpr std::size_t shown_bytes_max = 60;

}  // namespace

bool has_name(std::string_view names, std::string_view name) {
    while (!names.empty())
        if (take_part(names, ' ') == name) return true;
    return false;
}

Result<void> check_query(std::string_view query, std::string_view parameters) {
    std::vector<std::string_view> seen;
    while (!query.empty()) {
        const std::string_view pair = take_part(query, '&');
        const std::string_view name = pair.substr(0, pair.find('='));
        if (pair.empty()) continue;
        if (name != "token" && !has_name(parameters, name)) {
            return unexpected(ErrorCode::InvalidArgument,
                              "\"" + std::string{name.substr(0, shown_bytes_max)} +
                                  "\": is no parameter of this call; it takes " +
                                  (parameters.empty() ? "none" : std::string{parameters}));
        }
        if (std::find(seen.begin(), seen.end(), name) != seen.end()) {
            return unexpected(ErrorCode::InvalidArgument,
                              std::string{name} + ": is given more than once");
        }
        seen.push_back(name);
    }
    return {};
}

std::string encode_query(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string encoded;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool is_plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                              (c >= 'a' && c <= 'z') ||
                              std::string_view{"-._~"}.find(c) != text.npos;
        if (is_plain)
            encoded += c;
        else
            encoded += {'%', digits[byte >> 4U], digits[byte & 15U]};
    }
    return encoded;
}

std::optional<std::string> query_value(std::string_view query, std::string_view key) {
    while (!query.empty()) {
        const std::string_view pair = take_part(query, '&');
        const std::size_t equals = pair.find('=');
        if (equals != std::string_view::npos && pair.substr(0, equals) == key) {
            return decode(pair.substr(equals + 1));
        }
    }
    return std::nullopt;
}

std::optional<std::string> decode_segment(std::string_view segment) {
    return decode(segment, false);
}

Target split_target(std::string_view target) {
    const std::size_t mark = target.find('?');
    if (mark == std::string_view::npos) return {std::string{target}, {}};
    return {std::string{target.substr(0, mark)}, std::string{target.substr(mark + 1)}};
}

}  // namespace netcompute::api
