#pragma once

#include "forest_grower.hpp"

#include <span>
#include <string_view>
#include <vector>

namespace netcompute::kernels {

/// The inputs of a task of a training of a forest, read: the plan, a tile [1][rows] of labels for
/// each block of rows, for each group of columns its blocks of bins, what one kernel has besides
/// (its forest), and the task's own two u32. The views point into the inputs.
struct ForestInput {
    ForestPlan plan;
    std::vector<std::span<const double>> labels;  ///< One a block of rows.
    std::vector<const std::uint8_t*> bins;        ///< Of each group, its blocks: [rows][8].
    std::span<const ByteSpan> bin_blobs;          ///< The same, as they came.
    ByteSpan extra;                               ///< Where one was asked for.
    std::uint32_t begin = 0;
    std::uint32_t count = 0;
};

/// `kernel` begins the messages; `has_extra` is whether there is another input before the task's
/// own. Errors: ShapeMismatch for a wrong number or size of inputs; InvalidArgument for bytes that
/// are none of those. Labels are not looked at.
[[nodiscard]] Result<ForestInput> read_forest_input(std::string_view kernel,
                                                    std::span<const ByteSpan> inputs,
                                                    bool has_extra);

/// The labels as the grower takes them. Errors: InvalidArgument for one that is neither a class of
/// the plan nor a number of its range.
[[nodiscard]] Result<std::vector<std::int32_t>> whole_labels(const ForestInput& input);

}  // namespace netcompute::kernels
