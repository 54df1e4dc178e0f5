// Linear scores of 16 rows, the same for training and prediction; included once a target.
#if defined(NETCOMPUTE_SCORES_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef NETCOMPUTE_SCORES_INL_HPP
#undef NETCOMPUTE_SCORES_INL_HPP
#else
#define NETCOMPUTE_SCORES_INL_HPP
#endif

#include "lanes-inl.hpp"
#include "logistic_input.hpp"

HWY_BEFORE_NAMESPACE();
namespace netcompute::kernels::HWY_NAMESPACE {

/// Rows are taken 16 at a time, whatever the hardware's width.
inline constexpr std::size_t row_lanes = 16;

/// scores[r] = intercept + w[0] x[0][r] + w[1] x[1][r] + …, summed in that order, for 16 rows.
/// Column c of the rows begins at `columns + c * column_stride`.
HWY_INLINE void score_rows(const WeightsView& model, const double* columns,
                           std::size_t column_stride, double* scores) {
    constexpr std::size_t vectors = row_lanes / F64::lanes;
    F64 sums[vectors];
    for (std::size_t v = 0; v < vectors; ++v) sums[v] = F64::set(model.intercept);
    for (std::size_t c = 0; c < model.weights.size(); ++c) {
        const F64 weight = F64::set(model.weights[c]);
        const double* const column = columns + c * column_stride;
        for (std::size_t v = 0; v < vectors; ++v) {
            sums[v] = sums[v] + weight * F64::load(column + v * F64::lanes);
        }
    }
    for (std::size_t v = 0; v < vectors; ++v) sums[v].store(scores + v * F64::lanes);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace netcompute::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
