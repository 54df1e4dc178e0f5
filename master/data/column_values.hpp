#pragma once

#include "data/chunked_vector.hpp"

#include <cstdint>
#include <limits>
#include <variant>

namespace netcompute::data {

/// One column of a table, a value a row, before it is encoded.
using NumericValues = ChunkedVector<double>;        ///< missing_number where there is none.
using CategoryCodes = ChunkedVector<std::uint8_t>;  ///< An index into the categories, or a code_….
using ColumnValues = std::variant<std::monostate, NumericValues, CategoryCodes>;

/// No table holds it as a value: numbers that are not finite are refused.
inline constexpr double missing_number = std::numeric_limits<double>::quiet_NaN();

inline constexpr std::uint8_t code_missing = 254;
inline constexpr std::uint8_t code_unknown = 255;  ///< A category that training did not see.

}  // namespace netcompute::data
