#pragma once

#include <netcompute/kernels/tile.hpp>

#include <string_view>

namespace netcompute::kernels {

/// A logistic model as it comes from another machine: checked, and not copied.
struct WeightsView {
    std::span<const double> weights;  ///< Shape [feature_count], finite.
    double intercept = 0;             ///< Finite.
};

/// Reads encode_weights(). Errors, which begin with the kernel's name: ShapeMismatch for another
/// size; InvalidArgument for misaligned bytes or a number that is not finite.
[[nodiscard]] Result<WeightsView> read_weights(std::string_view kernel, ByteSpan bytes);

/// Reads a tile for these weights. Errors: those of decode_tile(); ShapeMismatch for another number
/// of columns; LimitExceeded above logistic_features_max. The values are not looked at.
[[nodiscard]] Result<TileView> read_features(std::string_view kernel, ByteSpan bytes,
                                             const WeightsView& weights);

/// The error for a tile with a value that is not finite: names the first one.
[[nodiscard]] Unexpected not_finite(std::string_view kernel, const TileView& features);

/// `value` as it may go into an output: one NaN, one zero.
[[nodiscard]] double canonical(double value);

}  // namespace netcompute::kernels
