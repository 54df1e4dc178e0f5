#include <netcompute/programs/boosted_scores.hpp>

#include <utility>

namespace netcompute::programs {

BoostedScoresProgram::BoostedScoresProgram(BoostedScoresPlan plan)
    : ScoresProgram{"PBS1", {std::move(plan.shards), std::move(plan.row_counts)}},
      model_{std::move(plan.model)} {}

Round BoostedScoresProgram::only_round() const {
    return {"boosted_scores", 1, {model_}, task_count()};
}

}  // namespace netcompute::programs
