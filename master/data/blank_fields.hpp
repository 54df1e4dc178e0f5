#pragma once

#include "data/csv_source.hpp"

#include <memory>

namespace netcompute::data {

/// What parts the fields of blank_fields(): U+001F, the unit separator.
inline constexpr char unit_separator = '\x1f';

/// A table whose fields are parted by runs of blanks, with each run as one unit_separator. Blanks
/// between quotes stay; those at a line's ends go.
[[nodiscard]] std::unique_ptr<CsvSource> blank_fields(std::unique_ptr<CsvSource> source,
                                                      char quote);

}  // namespace netcompute::data
