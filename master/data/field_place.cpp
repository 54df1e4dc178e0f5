#include "data/field_place.hpp"

#include <algorithm>

namespace netcompute::data {

std::string describe_place(std::string_view table, RowPlace place, std::string_view column) {
    return std::string{table} + ": line " + std::to_string(place.line) + " (row " +
           std::to_string(place.row) + "), column " + quote(column);
}

std::string describe_column(std::string_view table, std::string_view column) {
    return std::string{table} + ": column " + quote(column);
}

std::string quote(std::string_view text) {
    constexpr std::size_t bytes_max = 60;
    std::size_t end = std::min(text.size(), bytes_max);
    while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
        --end;
    std::string quoted{text.substr(0, end)};
    std::replace_if(
        quoted.begin(), quoted.end(),
        [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
    return "\"" + quoted + (end < text.size() ? "…\"" : "\"");
}

std::string counted(std::uint64_t count, std::string_view singular) {
    return std::to_string(count) + " " + std::string{singular} + (count == 1 ? "" : "s");
}

std::string quote_list(std::span<const std::string> texts, std::size_t shown_max) {
    const std::size_t shown = std::min(texts.size(), shown_max);
    std::string list;
    for (std::size_t i = 0; i < shown; ++i) list += (i == 0 ? "" : ", ") + quote(texts[i]);
    if (shown < texts.size()) list += " and " + std::to_string(texts.size() - shown) + " more";
    return list;
}

}  // namespace netcompute::data
