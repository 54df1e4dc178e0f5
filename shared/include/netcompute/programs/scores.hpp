#pragma once

#include <netcompute/kernels/rows_of_tile.hpp>
#include <netcompute/programs/rounds.hpp>

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace netcompute::programs {

/// Shards of rows, each with a task of its own, or with several.
struct ShardsToScore {
    std::vector<BlobRef> shards;
    std::vector<std::uint32_t> row_counts;  ///< Of each.
    std::uint32_t width = 1;                ///< Scores of a row.
    /// A task's rows, at most: then its own inputs are the shard and encode_rows_of_tile(). 0: all
    /// of the shard, which is its only own input.
    std::uint32_t rows_of_task = 0;
};

/// So many rows of this width that a task's output stays far below a frame.
[[nodiscard]] constexpr std::uint32_t rows_of_scores(std::uint32_t width) {
    return std::max(1U, (1U << 20) / std::max(1U, width));
}

/// The tasks of a round that scores shards, in order of rows.
class ScoreTasks {
 public:
    /// At least one shard, and `row_counts` of each.
    explicit ScoreTasks(ShardsToScore rows);

    [[nodiscard]] std::uint32_t count() const { return static_cast<std::uint32_t>(tasks_.size()); }
    [[nodiscard]] std::vector<TaskInput> inputs(TaskIndex index) const;
    /// Of all rows.
    [[nodiscard]] std::uint64_t score_count() const { return score_count_; }
    /// The scores of all rows. Errors: those of fold_scores().
    [[nodiscard]] Result<std::vector<double>> fold(std::span<const ByteSpan> outputs) const;

 private:
    struct Task {
        std::size_t shard = 0;
        kernels::RowsOfTile rows;
    };
    ShardsToScore rows_;
    std::vector<Task> tasks_;
    std::uint64_t score_count_ = 0;
};

/// A score for each row, or `width` of them: one round, whose outputs are the tasks' rows' scores
/// as f64. Which kernel gives them, with which shared inputs, is left to only_round().
/// result_bytes() is the scores as f64, in row order.
class ScoresProgram : public OneRound {
 public:
    [[nodiscard]] std::vector<TaskInput> task_inputs(TaskIndex index) const final;
    /// Shape [rows][width], in order; empty until finished.
    [[nodiscard]] const std::vector<double>& scores() const { return scores_; }

 protected:
    /// `tag` marks the states of this program: four letters.
    ScoresProgram(const char (&tag)[5], ShardsToScore rows);
    [[nodiscard]] std::uint32_t task_count() const { return tasks_.count(); }

 private:
    [[nodiscard]] Result<void> fold(std::span<const ByteSpan> outputs, RoundWork&) final;
    void write_result(ByteWriter& result) const final;
    [[nodiscard]] bool read_result(ByteReader& result) final;

    ScoreTasks tasks_;
    std::vector<double> scores_;
};

/// Outputs of scoring tasks, one a shard, joined in shard order.
/// Errors: ShapeMismatch, naming the task, for an output that is not `width` scores for each of
/// `row_counts[task]` rows.
[[nodiscard]] Result<std::vector<double>> fold_scores(std::span<const ByteSpan> outputs,
                                                      std::span<const std::uint32_t> row_counts,
                                                      std::uint32_t width = 1);

}  // namespace netcompute::programs
