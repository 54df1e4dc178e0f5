#pragma once

#include <netcompute/kernels/boosting.hpp>

#include <cstdint>
#include <span>

namespace netcompute::kernels {

inline constexpr std::size_t bin_count = 256;  ///< With that of missing values.
/// Sums of one group of columns for one node: [8][256].
inline constexpr std::size_t group_sums = bin_group_columns * bin_count;

/// Whole numbers: how many units of gradient and of curvature rows have together.
struct GradientSum {
    std::int64_t gradient = 0;
    std::int64_t hessian = 0;
};

/// What one unit is; powers of two, so a sum times its unit is exact.
struct Units {
    double gradient = 0;
    double hessian = 0;
};

struct NodeSums {
    GradientSum sum;
    double gradient_unit;
    double hessian_unit;
};

/// The best division of a node among those columns of a group that `mask` has a bit for.
/// `histogram` has group_sums entries; the first column is a real one.
[[nodiscard]] BestSplit search_splits(std::span<const GradientSum> histogram,
                                      std::uint32_t first_column, std::uint32_t mask,
                                      const Units& units, const BoostingPlan& plan);

}  // namespace netcompute::kernels
