#include "data/reading_options.hpp"

#include <algorithm>

namespace netcompute::data {
namespace {

void append(std::string& text, std::string_view key, std::string_view value) {
    text += key;
    text += ' ';
    text += std::to_string(value.size());
    text += ' ';
    text += value;
    text += '\n';
}

void append(std::string& text, std::string_view key, const std::optional<char>& value) {
    if (value) append(text, key, std::string_view{&*value, 1});
}

std::string in_small_letters(std::string_view text) {
    std::string small{text};
    std::ranges::transform(small, small.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return small;
}

}  // namespace

std::optional<ColumnKind> find_column_kind(std::string_view name) {
    const auto found = std::ranges::find(column_kind_names, name);
    if (found == column_kind_names.end()) return std::nullopt;
    return ColumnKind{static_cast<int>(found - column_kind_names.begin())};
}

std::string options_text(const ReadingOptions& options) {
    std::string text;
    append(text, "id", options.id);
    if (options.finds_id) append(text, "finds_id", std::string_view{"yes"});
    append(text, "separator", options.dialect.separator);
    append(text, "quote", options.dialect.quote);
    append(text, "comment", options.dialect.comment);
    append(text, "decimal", options.dialect.decimal);
    append(text, "usual_decimal", options.dialect.usual_decimal);
    if (options.dialect.skip_lines) {
        append(text, "skip_lines", std::to_string(*options.dialect.skip_lines));
    }
    if (options.encoding) append(text, "encoding", encoding_name(*options.encoding));
    if (options.missing) {
        append(text, "missing", std::to_string(options.missing->size()));
        for (const std::string& word : *options.missing) append(text, "word", word);
    }
    for (const auto& [name, kind] : options.columns) {
        append(text, column_kind_name(kind), name);
    }
    return text;
}

std::string find_id(std::span<const std::string> header) {
    if (std::ranges::find(header, "PassengerId") != header.end()) return "PassengerId";
    if (header.empty()) return {};
    if (is_nameless(header.front())) return header.front();
    constexpr std::array<std::string_view, 7> usual{"id",      "index",    "rowid",    "row_id",
                                                    "rowname", "rownames", "row.names"};
    for (const std::string& name : header) {
        if (std::ranges::find(usual, in_small_letters(name)) != usual.end()) return name;
    }
    return {};
}

}  // namespace netcompute::data
