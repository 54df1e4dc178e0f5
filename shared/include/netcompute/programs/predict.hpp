#pragma once

#include <netcompute/programs/rounds.hpp>
#include <netcompute/programs/train.hpp>

#include <vector>

namespace netcompute::programs {

struct PredictPlan {
    std::vector<BlobRef> shards;            ///< Tiles [feature_count][row_count], standardised.
    std::vector<std::uint32_t> row_counts;  ///< Of each shard.
    LogisticModel model;
};

/// Linear scores (log-odds) of rows: one round, one task a shard.
/// result_bytes() is the scores as f64, in row order.
class PredictProgram final : public OneRound {
 public:
    explicit PredictProgram(PredictPlan plan);

    [[nodiscard]] std::vector<TaskInput> task_inputs(TaskIndex index) const override;

    /// Log-odds of the positive class, one a row, in order; empty until finished.
    [[nodiscard]] const std::vector<double>& scores() const;

 private:
    [[nodiscard]] Round only_round() const override;
    [[nodiscard]] Result<void> fold(std::span<const ByteSpan> outputs, RoundWork&) override;
    void write_result(ByteWriter& result) const override;
    [[nodiscard]] bool read_result(ByteReader& result) override;

    PredictPlan plan_;
    std::vector<double> scores_;
};

}  // namespace netcompute::programs
