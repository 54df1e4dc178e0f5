#pragma once

#include <netcompute/programs/rounds.hpp>

#include <vector>

namespace netcompute::programs {

struct BoostedScoresPlan {
    std::vector<BlobRef> shards;            ///< Blocks of bins, of all columns.
    std::vector<std::uint32_t> row_counts;  ///< Of each.
    Bytes model;                            ///< f64 base score, then the trees.
};

/// What boosted trees say of rows (log-odds, for classes): one round, one task a shard.
/// result_bytes() is the scores as f64, in row order.
class BoostedScoresProgram final : public OneRound {
 public:
    explicit BoostedScoresProgram(BoostedScoresPlan plan);

    [[nodiscard]] std::vector<TaskInput> task_inputs(TaskIndex index) const override;
    /// One a row, in order; empty until finished.
    [[nodiscard]] const std::vector<double>& scores() const { return scores_; }

 private:
    [[nodiscard]] Round only_round() const override;
    [[nodiscard]] Result<void> fold(std::span<const ByteSpan> outputs, RoundWork&) override;
    void write_result(ByteWriter& result) const override;
    [[nodiscard]] bool read_result(ByteReader& result) override;

    BoostedScoresPlan plan_;
    std::vector<double> scores_;
};

}  // namespace netcompute::programs
