#pragma once

#include "boosting_rows.hpp"
#include <netcompute/kernels/memo.hpp>

#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace netcompute::kernels {

/// The inputs of a task of a training, read.
struct BoostingInput {
    BoostingTable table;
    std::vector<ByteSpan> trees;  ///< Whole trees, in order, in parts.
    std::uint32_t tree = 0;       ///< How many they are.
    BoostedTree levels;           ///< Of the next one.
    std::uint32_t own[2] = {};    ///< The task's own input.
    std::vector<ByteSpan> from;   ///< What BoostingMemory is derived from.
};

/// Reads the inputs that BoostingState describes, then the task's own: two u32. `kernel` begins the
/// messages. Errors: ShapeMismatch for a wrong number or size of inputs; InvalidArgument for bytes
/// that are none of those. Labels and trees are looked at where they are used.
[[nodiscard]] Result<BoostingInput> read_boosting_input(std::string_view kernel,
                                                        std::span<const ByteSpan> inputs);

/// What a worker keeps of a training between its tasks. Everything in it follows from the table
/// and the trees, and is made again when it is not there. A task takes it and overwrites it in
/// place, because fresh memory for each of thousands of rounds would cost more than their work.
class BoostingMemory {
 public:
    /// What it will take at most, for the memo's budget.
    [[nodiscard]] static std::size_t bytes_max(const BoostingPlan& plan);

    /// Rows after the trees and divided by the levels of `input`. Errors: InvalidArgument for trees
    /// that are none, for another number of them, and for scores beyond all numbers. They stay as
    /// they are until the next call.
    [[nodiscard]] Result<const BoostingRows*> rows_for(BoostingInput& input);

    /// Finds the best split of each open node among the columns of a group.
    [[nodiscard]] std::vector<BestSplit> splits(const BoostingRows& rows,
                                                const BoostingInput& input, std::uint32_t group,
                                                std::uint32_t mask);

 private:
    /// The sums of a group for the nodes of a level, and room for those of the next.
    struct GroupSums {
        const BoostingRows* of = nullptr;
        std::uint64_t edition = 0;
        std::size_t level = 0;
        RawArray<GradientSum> sums;
        RawArray<GradientSum> next;
        [[nodiscard]] std::size_t bytes() const {
            return (sums.capacity() + next.capacity()) * sizeof(GradientSum);
        }
    };

    [[nodiscard]] Result<BoostingRows*> grown(BoostingRows* from, ByteSpan rest,
                                              const BoostingInput& input);
    [[nodiscard]] BoostingRows* other_than(const BoostingRows* rows);
    [[nodiscard]] GroupSums take_sums(std::uint32_t group);
    void give_sums(std::uint32_t group, GroupSums sums);

    BoostingColumns columns_;
    BoostingRows held_[2];  ///< While one begins a tree, the other still has the one before.
    std::map<std::uint32_t, GroupSums> sums_;
    std::size_t sums_bytes_ = 0;
};

/// The memory of this training, as a task before has left it, or a new one. Errors: InvalidArgument
/// for labels that are not finite, or neither 0 nor 1 for the log-loss.
[[nodiscard]] Result<std::shared_ptr<BoostingMemory>> take_boosting_memory(
    const BoostingInput& input, Memo& memo);
void give_boosting_memory(const BoostingInput& input, Memo& memo,
                          std::shared_ptr<BoostingMemory> memory);

}  // namespace netcompute::kernels
