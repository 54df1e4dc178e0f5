#pragma once

#include <netcompute/programs/rounds.hpp>

#include <cstdint>
#include <span>
#include <vector>

namespace netcompute::programs {

/// Shards of rows, each with a task of its own.
struct ShardsToScore {
    std::vector<BlobRef> shards;
    std::vector<std::uint32_t> row_counts;  ///< Of each.
    std::uint32_t width = 1;                ///< Scores of a row.
};

/// A score for each row, or `width` of them: one round, one task a shard, whose output is its rows'
/// scores as f64. Which kernel gives them, with which shared inputs, is left to only_round().
/// result_bytes() is the scores as f64, in row order.
class ScoresProgram : public OneRound {
 public:
    [[nodiscard]] std::vector<TaskInput> task_inputs(TaskIndex index) const final;
    /// Shape [rows][width], in order; empty until finished.
    [[nodiscard]] const std::vector<double>& scores() const { return scores_; }

 protected:
    /// `tag` marks the states of this program: four letters.
    ScoresProgram(const char (&tag)[5], ShardsToScore rows);
    [[nodiscard]] std::uint32_t task_count() const {
        return static_cast<std::uint32_t>(rows_.shards.size());
    }

 private:
    [[nodiscard]] Result<void> fold(std::span<const ByteSpan> outputs, RoundWork&) final;
    void write_result(ByteWriter& result) const final;
    [[nodiscard]] bool read_result(ByteReader& result) final;

    ShardsToScore rows_;
    std::vector<double> scores_;
};

/// Outputs of scoring tasks, one a shard, joined in shard order.
/// Errors: ShapeMismatch, naming the task, for an output that is not `width` scores for each of
/// `row_counts[task]` rows.
[[nodiscard]] Result<std::vector<double>> fold_scores(std::span<const ByteSpan> outputs,
                                                      std::span<const std::uint32_t> row_counts,
                                                      std::uint32_t width = 1);

}  // namespace netcompute::programs
