#pragma once

#include <string>
#include <string_view>

namespace netcompute::jobs {

/// Appends a field of a CSV file, in quotes where RFC 4180 asks for them.
inline void append_csv_field(std::string& text, std::string_view field) {
    if (field.find_first_of(",\"\r\n") == std::string_view::npos) {
        text += field;
        return;
    }
    text += '"';
    for (const char c : field) text.append(c == '"' ? 2 : 1, c);
    text += '"';
}

}  // namespace netcompute::jobs
