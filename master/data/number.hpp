#pragma once

#include <string_view>

namespace netcompute::data {

/// What a field of a table holds, read as a number.
enum class NumberKind {
    Finite,      ///< A number; -0 is read as 0.
    NotFinite,   ///< nan, inf, or a number too large for a double, such as 1e999.
    NotANumber,  ///< Anything else.
};

struct ParsedNumber {
    NumberKind kind = NumberKind::NotANumber;
    double value = 0;  ///< The nearest double; 0 unless Finite.
};

/// Reads decimal notation with an optional sign and exponent; blanks around it do not count. The
/// same in every locale. A number too small for a double is 0.
[[nodiscard]] ParsedNumber parse_number(std::string_view text);

/// Whether a field stands for a missing value: empty or blank, or one of NA, N/A, n/a, NULL, null,
/// None, #N/A, <NA>.
[[nodiscard]] bool is_missing(std::string_view text);

}  // namespace netcompute::data
