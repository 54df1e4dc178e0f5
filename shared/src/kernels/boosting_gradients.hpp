#pragma once

#include "boosting_search.hpp"

#include <cstdint>
#include <span>

namespace netcompute::kernels {

/// A row's gradient in the high half and its curvature in the low one, so that one addition adds
/// both. Sums of at most this many rows stay in their halves.
inline constexpr std::size_t packed_rows_max = 4000;

/// What a unit is, for rows whose gradients are at most `largest` in size.
[[nodiscard]] Units gradient_units(BoostingObjective objective, double largest);

/// The largest |score - label|: what gradients of the squared error are. NaN if one is not finite.
[[nodiscard]] double largest_residual(std::span<const double> scores,
                                      std::span<const double> labels);

/// The logarithm of the sum of e^score over all classes, of each row; `scores` has a list a class.
void log_sums(std::span<const double* const> scores, std::size_t rows, double* sums);

/// Gradient and curvature of each row's softmax loss by the score of class `label`, rounded to
/// whole units and packed. `sums` are log_sums() of the scores before this turn of all classes.
void pack_softmax(std::span<const double> scores, const double* sums,
                  std::span<const double> labels, double label, const Units& units,
                  std::uint64_t* packed);

/// Gradient and curvature of each row's loss, rounded to whole units and packed. Not of Softmax.
void pack_gradients(BoostingObjective objective, std::span<const double> scores,
                    std::span<const double> labels, const Units& units, std::uint64_t* packed);

/// Leaves out (sets to 0) the rows that tree `tree` does not learn from; `packed` begins with
/// row `first`, a multiple of 4.
void leave_out_rows(const BoostingPlan& plan, std::uint32_t tree, std::uint32_t first,
                    std::span<std::uint64_t> packed);

[[nodiscard]] constexpr GradientSum unpacked(std::uint64_t sum) {
    const std::uint64_t hessian = sum & 0xffffffff;
    return {static_cast<std::int64_t>(sum - hessian) >> 32, static_cast<std::int64_t>(hessian)};
}

}  // namespace netcompute::kernels
