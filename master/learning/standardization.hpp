#pragma once

#include "learning/preprocessing.hpp"

#include <cstdint>
#include <optional>
#include <span>

namespace netcompute::learning {

/// The middle value of those that are there, or the mean of the middle two; nothing if none is.
[[nodiscard]] std::optional<double> median_of(std::span<const double> values);

/// Mean and population deviation, missing values counted as `median`. Sums run in row order and
/// the second pass corrects the first one's rounding, so the bits depend on the values alone. Of
/// numbers that differ by no more than rounding (is_constant()) the deviation is 1.
/// Nothing if a sum or a difference of the values is too large for a double.
/// Source: Chan, Golub and LeVeque, "Algorithms for Computing the Sample Variance" (1983), 1.7.
[[nodiscard]] std::optional<Standardization> fit_standardization(std::span<const double> values,
                                                                 double median);

/// Whether n values of this mean and variance differ by no more than what rounding may make of
/// equal ones. Source: scikit-learn 1.2, StandardScaler: variance <= n eps variance + (n mean
/// eps)^2.
[[nodiscard]] bool is_constant(double mean, double variance, double count);

/// Of a feature that is 1 in `ones` of `rows` rows and else 0.
[[nodiscard]] Standardization fit_indicator(std::uint64_t ones, std::uint64_t rows);

/// The one place where a feature is standardised; -0 comes out as 0.
[[nodiscard]] inline double standardize(double value, const Standardization& figures) {
    return (value - figures.mean) / figures.deviation + 0.0;
}

}  // namespace netcompute::learning
