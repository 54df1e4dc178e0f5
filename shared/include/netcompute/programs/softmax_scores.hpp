#pragma once

#include <netcompute/programs/scores.hpp>

#include <cstdint>
#include <vector>

namespace netcompute::programs {

struct SoftmaxScoresPlan {
    std::vector<BlobRef> shards;            ///< Tiles [feature_count][row_count], standardised.
    std::vector<std::uint32_t> row_counts;  ///< Of each shard.
    std::uint32_t class_count = 0;
    std::vector<double> weights;  ///< Shape [class_count][feature_count + 1], the intercept last.
};

/// The scores (logits) of each class of rows: one round, one task a shard.
class SoftmaxScoresProgram final : public ScoresProgram {
 public:
    explicit SoftmaxScoresProgram(SoftmaxScoresPlan plan);

 private:
    [[nodiscard]] Round only_round() const override;

    std::uint32_t class_count_;
    std::vector<double> weights_;
};

}  // namespace netcompute::programs
