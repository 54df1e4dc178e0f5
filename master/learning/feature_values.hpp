#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <variant>
#include <vector>

namespace netcompute::learning {

/// Rows that are of no category, because training did not see theirs.
inline constexpr std::uint8_t category_other = 253;
inline constexpr std::uint8_t category_unknown = 254;
inline constexpr std::uint8_t category_missing = 255;

/// A numeric column of a table before it is encoded; data::missing_number where there is none.
struct NumericValues {
    std::span<const double> values;       ///< A row each; empty where there are codes.
    std::vector<double> own_values;       ///< What `values` is of, where the table has texts.
    std::span<const std::uint8_t> codes;  ///< A row each.
    std::vector<double> number_of_code;   ///< Codes beyond it are missing.

    [[nodiscard]] double at(std::uint64_t row) const {
        if (codes.empty()) return values[row];
        const std::uint8_t code = codes[row];
        return code < number_of_code.size() ? number_of_code[code]
                                            : std::numeric_limits<double>::quiet_NaN();
    }
};

/// A column of categories: which one each row is of, or a category_….
struct CategoricalValues {
    std::span<const std::uint8_t> codes;         ///< A row each.
    std::vector<std::uint8_t> category_of_code;  ///< Codes beyond it are category_missing.
    std::vector<std::uint8_t> own_codes;  ///< What `codes` is of, where the table has no codes.
};

/// What is encoded, of one column; nothing of one that makes no feature. Views of the dataset.
using FeatureValues = std::variant<std::monostate, NumericValues, CategoricalValues>;

}  // namespace netcompute::learning
