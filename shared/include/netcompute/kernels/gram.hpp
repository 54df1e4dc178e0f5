#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/result.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace netcompute::kernels {

/// What gram@1 returns: the products of the columns of one shard, summed over its rows. The columns
/// are the features, then 1, then the target less a shift. Shards add up.
struct GramSums {
    std::vector<double> products;  ///< The upper triangle, row after row: triangle_size(d + 2).
};

/// The first input of gram@1: what is taken from each target.
[[nodiscard]] Bytes encode_shift(double shift);

/// Reads the output of gram@1. Errors: ShapeMismatch if its size is not that of `feature_count`
/// features.
[[nodiscard]] Result<GramSums> decode_gram_sums(ByteSpan output, std::uint32_t feature_count);

}  // namespace netcompute::kernels
