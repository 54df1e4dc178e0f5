#pragma once

#include <netcompute/programs/scores.hpp>

#include <vector>

namespace netcompute::programs {

struct BoostedScoresPlan {
    std::vector<BlobRef> shards;            ///< Blocks of bins, of all columns.
    std::vector<std::uint32_t> row_counts;  ///< Of each.
    Bytes model;                            ///< f64 base score, then the trees.
};

/// What boosted trees say of rows (log-odds, for classes): one round, one task a shard.
class BoostedScoresProgram final : public ScoresProgram {
 public:
    explicit BoostedScoresProgram(BoostedScoresPlan plan);

 private:
    [[nodiscard]] Round only_round() const override;

    Bytes model_;
};

}  // namespace netcompute::programs
