#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/result.hpp>

#include <cstdint>
#include <vector>

namespace netcompute::kernels {

/// The most classes of a softmax model: the scores of a shard must fit in one frame.
inline constexpr std::uint32_t softmax_classes_max = 100;

/// What softmax_gradient@1 returns: one shard's share, at given weights. Shards add up.
struct SoftmaxSums {
    double loss = 0;  ///< Log-losses, in nats.
    /// Shape [class_count][feature_count + 1]: d(loss) / d(weights, intercept), class after class.
    std::vector<double> gradient;
};

/// What softmax_gradient@1 and softmax_scores@1 read first: u32 class_count, u32 0, then f64
/// weights[class_count][feature_count + 1], the intercept last.
[[nodiscard]] Bytes encode_softmax_weights(std::uint32_t class_count,
                                           std::span<const double> weights);

/// Reads the output of softmax_gradient@1. Errors: ShapeMismatch if its size is not that of
/// `weight_count` weights, all classes and intercepts together.
[[nodiscard]] Result<SoftmaxSums> decode_softmax_sums(ByteSpan output, std::size_t weight_count);

}  // namespace netcompute::kernels
