#include "builtin.hpp"
#include "logistic_input.hpp"
#include "scratch.hpp"
#include <netcompute/kernels/logistic.hpp>

#include <algorithm>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "linear_scores.cpp"
#include <hwy/foreach_target.h>
//
#include "scores-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace netcompute::kernels::HWY_NAMESPACE {

/// `last_rows` has room for 16 rows of all columns and is zero; `scores` for all rows of the tile.
void score_tile(const WeightsView& model, const TileView& features, double* last_rows,
                double* scores) {
    const std::size_t row_count = features.row_count;
    const double* const values = features.values.data();
    std::size_t row = 0;
    for (; row + row_lanes <= row_count; row += row_lanes) {
        score_rows(model, values + row, row_count, scores + row);
    }
    if (row == row_count) return;
    const std::size_t rest = row_count - row;
    for (std::size_t c = 0; c < features.column_count; ++c) {
        std::copy_n(values + c * row_count + row, rest, last_rows + c * row_lanes);
    }
    double last_scores[row_lanes];
    score_rows(model, last_rows, row_lanes, last_scores);
    std::copy_n(last_scores, rest, scores + row);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace netcompute::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <string>

namespace netcompute::kernels {

HWY_EXPORT(score_tile);

/// linear_scores@1: the log-odds of rows under a logistic model.
///
///   weights   f64 weights[feature_count], f64 intercept; finite
///   features  a tile [feature_count][row_count], finite
///   output    f64 scores[row_count]
///
/// Rows are lanes and features are summed in order, so no width changes a sum.
Result<Bytes> linear_scores(std::span<const ByteSpan> inputs) {
    constexpr std::string_view kernel = "linear_scores";
    if (inputs.size() != 2) {
        return unexpected(
            ErrorCode::ShapeMismatch,
            "linear_scores: " + std::to_string(inputs.size()) + " inputs were given, it reads 2");
    }
    const Result<WeightsView> model = read_weights(kernel, inputs[0]);
    if (!model) return unexpected(model.error());
    const Result<TileView> features = read_features(kernel, inputs[1], *model);
    if (!features) return unexpected(features.error());
    for (const double value : features->values) {
        if (!std::isfinite(value)) return not_finite(kernel, *features);
    }
    Scratch last_rows{std::size_t{features->column_count} * 16};
    std::vector<double> scores(features->row_count);
    HWY_DYNAMIC_DISPATCH(score_tile)(*model, *features, last_rows.data(), scores.data());
    for (double& score : scores) score = canonical(score);
    const ByteSpan bytes = std::as_bytes(std::span{scores});
    return Bytes(bytes.begin(), bytes.end());
}

}  // namespace netcompute::kernels
#endif
