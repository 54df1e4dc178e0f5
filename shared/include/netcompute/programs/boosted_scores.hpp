#pragma once

#include <netcompute/programs/scores.hpp>

#include <vector>

namespace netcompute::programs {

struct BoostedScoresPlan {
    std::vector<BlobRef> shards;            ///< Blocks of bins, of all columns.
    std::vector<std::uint32_t> row_counts;  ///< Of each.
    Bytes model;                            ///< f64 base score, then the trees.
    std::uint32_t class_count = 1;          ///< More than 1: each class has a score of its own.
};

/// What boosted trees say of rows (log-odds, logits of each class, or numbers): one round, one task
/// a shard.
class BoostedScoresProgram final : public ScoresProgram {
 public:
    explicit BoostedScoresProgram(BoostedScoresPlan plan);

 private:
    [[nodiscard]] Round only_round() const override;

    Bytes model_;
    std::uint32_t class_count_;
};

}  // namespace netcompute::programs
