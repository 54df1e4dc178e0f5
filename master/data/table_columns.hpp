#pragma once

#include "data/csv_reader.hpp"
#include "data/field_place.hpp"
#include <netcompute/result.hpp>

#include <cstddef>
#include <optional>
#include <string_view>

namespace netcompute::data {

/// Where the header names `column`, if it does.
[[nodiscard]] std::optional<std::size_t> find_column(const CsvReader& reader,
                                                     std::string_view column);

/// The same for a column that must be there; `role` says what for: "the id".
/// Errors: NotFound, naming the columns that are there.
[[nodiscard]] Result<std::size_t> require_column(const CsvReader& reader, std::string_view column,
                                                 std::string_view role);

/// Where the reader stands.
[[nodiscard]] inline RowPlace place_of(const CsvReader& reader) {
    return {reader.row(), reader.line()};
}

}  // namespace netcompute::data
