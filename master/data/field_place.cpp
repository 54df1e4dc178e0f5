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
    constexpr std::size_t bytes_max = 80;
    if (text.size() <= bytes_max) return "\"" + std::string{text} + "\"";
    std::size_t end = bytes_max;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    return "\"" + std::string{text.substr(0, end)} + "…\"";
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
