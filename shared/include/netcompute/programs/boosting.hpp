#pragma once

#include <netcompute/kernels/boosting.hpp>
#include <netcompute/programs/rounds.hpp>

#include <optional>
#include <vector>

namespace netcompute::programs {

struct BoostingJob {
    kernels::BoostingPlan plan;
    std::uint32_t tree_count = 100;  ///< Of all classes together.
    std::vector<BlobRef> labels;     ///< Tiles [1][rows], one a block of bin_block_rows rows.
    std::vector<BlobRef> bins;       ///< Of each group of columns, its blocks.
    /// How many trees a task grows, 0 for a level a round; nothing: what the table's size suggests.
    std::optional<std::uint32_t> trees_at_once;
};

/// Gradient boosting over a table of bins that every worker holds. Large tables: a round is one
/// level of one tree, a task the columns of one group; what it answers are best splits, so almost
/// nothing travels. Tables whose trees take less time than asking would: a task grows whole trees.
/// Which of both depends on the table and the parameters. Then a round scores the training rows,
/// and, where there are many trees, one gives back those that were published.
/// result_bytes() is the base score as f64, then the trees: its SHA-256 is model_sha256.
class BoostingProgram final : public ManyRounds {
 public:
    explicit BoostingProgram(BoostingJob job);

    [[nodiscard]] std::optional<Round> round() const override;
    [[nodiscard]] std::vector<TaskInput> task_inputs(TaskIndex index) const override;
    [[nodiscard]] std::vector<BlobRef> blobs() const override;
    [[nodiscard]] Progress progress() const override;
    [[nodiscard]] Bytes result_bytes() const override;

    /// All trees, once finished.
    [[nodiscard]] const Bytes& trees() const { return trees_; }
    /// What each split of trees() was worth, in their order.
    [[nodiscard]] const std::vector<double>& gains() const { return gains_; }
    /// Of the training rows, in order, shape [rows][class_count]; empty until finished.
    [[nodiscard]] const std::vector<double>& scores() const { return scores_; }

 private:
    enum class Phase : std::uint32_t { Growing, Scoring, Collecting, Finished };

    [[nodiscard]] Result<void> fold(std::span<const ByteSpan> outputs, RoundWork& work) override;
    void write_state(ByteWriter& state) const override;
    [[nodiscard]] bool read_state(ByteReader& state) override;
    [[nodiscard]] Result<void> fold_splits(std::span<const ByteSpan> outputs, RoundWork& work);
    [[nodiscard]] Result<void> fold_trees(ByteSpan output, RoundWork& work);
    [[nodiscard]] Result<void> fold_scores(std::span<const ByteSpan> outputs);
    [[nodiscard]] Result<void> fold_parts(std::span<const ByteSpan> outputs);
    void add_trees(ByteSpan trees, std::span<const double> gains, std::uint32_t count,
                   RoundWork& work);
    [[nodiscard]] std::uint32_t trees_of_round() const;
    [[nodiscard]] std::size_t open_bytes() const;
    [[nodiscard]] const BlobRef& collected(TaskIndex index) const;

    BoostingJob job_;
    std::uint32_t trees_at_once_ = 0;  ///< What a task grows; 0: a task is a group's splits.
    Phase phase_ = Phase::Growing;
    std::uint32_t tree_ = 0;  ///< How many trees are whole.
    /// The trees that are in no full part: those of the last part, if it is not full, and those
    /// that are not published yet. So the state does not grow with the trees.
    Bytes trees_;
    std::vector<double> gains_;            ///< Of trees_.
    std::vector<BlobRef> parts_;           ///< All published trees, in order.
    std::vector<BlobRef> gains_of_parts_;  ///< One for each full part.
    kernels::GrowingTree growing_;
    std::vector<kernels::ColumnMask> columns_;  ///< Of the tree that grows; a task each.
    std::vector<double> scores_;
};

}  // namespace netcompute::programs
