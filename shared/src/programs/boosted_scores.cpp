#include <netcompute/programs/boosted_scores.hpp>

#include <utility>

namespace netcompute::programs {

BoostedScoresProgram::BoostedScoresProgram(BoostedScoresPlan plan)
    : ScoresProgram{"PBS1", {std::move(plan.shards), std::move(plan.row_counts), plan.class_count}},
      model_{std::move(plan.model)},
      class_count_{plan.class_count} {}

Round BoostedScoresProgram::only_round() const {
    if (class_count_ == 1) return {"boosted_scores", 1, {model_}, task_count()};
    Bytes classes;
    ByteWriter{classes}.number(class_count_);
    return {"boosted_scores", 1, {model_, std::move(classes)}, task_count()};
}

}  // namespace netcompute::programs
