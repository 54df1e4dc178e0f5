#pragma once

#include <netcompute/kernels/forest.hpp>
#include <netcompute/programs/rounds.hpp>
#include <netcompute/programs/scores.hpp>

#include <optional>
#include <vector>

namespace netcompute::programs {

struct ForestJob {
    kernels::ForestPlan plan;
    std::uint32_t tree_count = 100;
    std::vector<BlobRef> labels;  ///< Tiles [1][rows], one a block of bin_block_rows rows.
    std::vector<BlobRef> bins;    ///< Of each group of columns, its blocks.
    /// How many trees a task grows; nothing: what the table's size suggests.
    std::optional<std::uint32_t> trees_at_once;
};

/// A forest over a table of bins that every worker holds: a round in which each task grows a few
/// trees, which depend on no others, and one that scores the training rows.
/// result_bytes() is the forest (encode_forest): its SHA-256 names it.
class ForestProgram final : public ManyRounds {
 public:
    explicit ForestProgram(ForestJob job);

    [[nodiscard]] std::optional<Round> round() const override;
    [[nodiscard]] std::vector<TaskInput> task_inputs(TaskIndex index) const override;
    [[nodiscard]] Progress progress() const override;
    [[nodiscard]] Bytes result_bytes() const override { return forest_; }

    /// Once finished: encode_forest().
    [[nodiscard]] const Bytes& forest() const { return forest_; }
    /// Of each feature: the mean of the trees' shares, divided by their sum. All 0 where no tree
    /// has a split.
    [[nodiscard]] const std::vector<double>& importances() const { return importances_; }
    /// Of the training rows, [rows][forest_score_width()]; empty until finished.
    [[nodiscard]] const std::vector<double>& scores() const { return scores_; }
    /// Likewise, by the trees that did not draw a row, NaN where there is none; empty unless the
    /// plan asks for it.
    [[nodiscard]] const std::vector<double>& out_of_bag() const { return out_of_bag_; }

 private:
    enum class Phase : std::uint32_t { Growing, Scoring, Finished };

    [[nodiscard]] Result<void> fold(std::span<const ByteSpan> outputs, RoundWork& work) override;
    void write_state(ByteWriter& state) const override;
    [[nodiscard]] bool read_state(ByteReader& state) override;
    [[nodiscard]] Result<void> fold_trees(std::span<const ByteSpan> outputs);
    [[nodiscard]] Result<void> fold_scores(std::span<const ByteSpan> outputs);
    /// The first of what a task does of `all`, `at_once` a task, and how many.
    [[nodiscard]] static std::pair<std::uint32_t, std::uint32_t> share(TaskIndex index,
                                                                       std::uint32_t at_once,
                                                                       std::uint32_t all);

    ForestJob job_;
    std::uint32_t trees_at_once_ = 1;
    Phase phase_ = Phase::Growing;
    Bytes forest_;
    std::vector<double> importances_;
    std::vector<double> scores_;
    std::vector<double> out_of_bag_;
};

struct ForestScoresPlan {
    std::vector<BlobRef> shards;            ///< Blocks of bins, of all columns.
    std::vector<std::uint32_t> row_counts;  ///< Of each.
    std::uint32_t class_count = 2;          ///< Of the forest.
    Bytes forest;                           ///< encode_forest().
};

/// What a forest says of rows, [rows][forest_score_width()]: one round, one task a shard.
class ForestScoresProgram final : public ScoresProgram {
 public:
    explicit ForestScoresProgram(ForestScoresPlan plan);

 private:
    [[nodiscard]] Round only_round() const override;

    Bytes forest_;
};

}  // namespace netcompute::programs
