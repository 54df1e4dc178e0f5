#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/result.hpp>

#include <cstdint>
#include <span>
#include <vector>

namespace netcompute::programs {

/// The products of a whole table's columns, as kernels::GramSums, from the outputs of gram@1, one a
/// shard, added in their order. Errors: ShapeMismatch, naming the task, for an output of another
/// size.
[[nodiscard]] Result<std::vector<double>> add_gram_sums(std::span<const ByteSpan> outputs,
                                                        std::uint32_t feature_count);

}  // namespace netcompute::programs
