#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/result.hpp>

#include <cstdint>
#include <span>
#include <vector>

namespace netcompute::programs {

/// The outputs of a round of linear_scores, one a shard, joined in shard order.
/// Errors: ShapeMismatch, naming the task, for an output that is not `row_counts[task]` scores.
[[nodiscard]] Result<std::vector<double>> fold_scores(std::span<const ByteSpan> outputs,
                                                      std::span<const std::uint32_t> row_counts);

}  // namespace netcompute::programs
