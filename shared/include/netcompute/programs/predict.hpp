#pragma once

#include <netcompute/programs/program.hpp>
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
class PredictProgram final : public Program {
 public:
    explicit PredictProgram(PredictPlan plan);

    [[nodiscard]] std::optional<Round> round() const override;
    [[nodiscard]] std::vector<TaskInput> task_inputs(TaskIndex index) const override;
    [[nodiscard]] Result<void> finish_round(std::span<const ByteSpan> outputs) override;
    [[nodiscard]] Bytes checkpoint() const override;
    [[nodiscard]] Result<void> restore(ByteSpan checkpoint) override;
    [[nodiscard]] Bytes result_bytes() const override;

    /// Log-odds of the positive class, one a row, in order; empty until finished.
    [[nodiscard]] const std::vector<double>& scores() const;

 private:
    PredictPlan plan_;
    bool finished_ = false;
    std::vector<double> scores_;
};

}  // namespace netcompute::programs
