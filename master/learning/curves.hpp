#pragma once

#include "learning/scores.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace netcompute::learning {

/// Points of a curve, from the highest score down.
struct Curve {
    std::vector<double> x;
    std::vector<double> y;
};

/// Of a curve with more points than this, so many remain: the first, the last, and those between
/// at equal steps of their numbers.
inline constexpr std::size_t curve_points_max = 200;

/// How the second of two classes is told from the first, by log-odds or any scores that rank rows:
/// false positive rate and true positive rate at each score, from (0, 0) to (1, 1). Empty unless
/// there are rows of both. Source: Fawcett, "An introduction to ROC analysis" (2006).
[[nodiscard]] Curve roc_curve(std::span<const std::uint8_t> labels, std::span<const double> scores);

/// Recall and precision at each score, from (0, 1) on, as scikit-learn has it. Empty without a row
/// of the second class.
[[nodiscard]] Curve precision_recall_curve(std::span<const std::uint8_t> labels,
                                           std::span<const double> scores);

/// Rows by the probability that was said of them: what was said on average, and how many of them
/// are of the second class. Of ten bins of equal width those that have rows.
struct CalibrationBin {
    std::uint64_t rows = 0;
    double mean_probability = 0;
    double share = 0;
};
[[nodiscard]] std::vector<CalibrationBin> calibration_of(std::span<const std::uint8_t> labels,
                                                         std::span<const double> probabilities);

}  // namespace netcompute::learning
