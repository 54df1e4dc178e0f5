#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/result.hpp>

#include <cstdint>
#include <span>
#include <vector>

namespace netcompute::kernels {

/// The most features of a logistic model: its Hessian must fit in one frame, and in a tab.
inline constexpr std::uint32_t logistic_features_max = 1024;

/// What logistic_newton@1 returns: one shard's share of a Newton step, at given weights. All of it
/// are sums over rows, so shards add up. The intercept counts as the last feature.
struct LogisticSums {
    double loss = 0;               ///< Log-losses, in nats.
    std::vector<double> gradient;  ///< Shape [feature_count + 1]: d(loss) / d(weights, intercept).
    std::vector<double> hessian;   ///< Its upper triangle, row after row.
};

/// The number of entries of the upper triangle of a matrix with `size` rows.
[[nodiscard]] constexpr std::size_t triangle_size(std::size_t size) {
    return size * (size + 1) / 2;
}

/// What logistic_newton@1 and linear_scores@1 read first: f64 weights[feature_count], f64
/// intercept.
[[nodiscard]] Bytes encode_weights(std::span<const double> weights, double intercept);

/// Reads the output of logistic_newton@1. Errors: ShapeMismatch if its size is not that of
/// `feature_count` features.
[[nodiscard]] Result<LogisticSums> decode_logistic_sums(ByteSpan output,
                                                        std::uint32_t feature_count);

/// Reads the output of linear_scores@1. Errors: ShapeMismatch if it is not `row_count` numbers.
[[nodiscard]] Result<std::vector<double>> decode_scores(ByteSpan output, std::uint32_t row_count);

}  // namespace netcompute::kernels
