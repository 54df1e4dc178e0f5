#include "data/table_columns.hpp"

#include <algorithm>

namespace netcompute::data {

std::optional<std::size_t> find_column(const CsvReader& reader, std::string_view column) {
    const auto& header = reader.header();
    const auto found = std::find(header.begin(), header.end(), column);
    if (found == header.end()) return std::nullopt;
    return static_cast<std::size_t>(found - header.begin());
}

Result<std::size_t> require_column(const CsvReader& reader, std::string_view column,
                                   std::string_view role) {
    constexpr std::size_t columns_shown_max = 20;
    if (const auto found = find_column(reader, column)) return *found;
    // What has no commas may be any file: nothing of it is quoted.
    if (reader.header().size() == 1) {
        return unexpected(ErrorCode::NotFound,
                          reader.name() + ": no column " + quote(column) + " (" +
                              std::string{role} + "); it has one column only: is it a table with " +
                              "commas between the fields?");
    }
    return unexpected(ErrorCode::NotFound, reader.name() + ": no column " + quote(column) + " (" +
                                               std::string{role} + "); its columns are " +
                                               quote_list(reader.header(), columns_shown_max));
}

}  // namespace netcompute::data
