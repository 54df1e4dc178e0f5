#pragma once

#include <netcompute/programs/scores.hpp>
#include <netcompute/programs/train.hpp>

#include <vector>

namespace netcompute::programs {

struct PredictPlan {
    std::vector<BlobRef> shards;            ///< Tiles [feature_count][row_count], standardised.
    std::vector<std::uint32_t> row_counts;  ///< Of each shard.
    LogisticModel model;
};

/// Linear scores (log-odds) of rows: one round, one task a shard.
class PredictProgram final : public ScoresProgram {
 public:
    explicit PredictProgram(PredictPlan plan);

 private:
    [[nodiscard]] Round only_round() const override;

    LogisticModel model_;
};

}  // namespace netcompute::programs
