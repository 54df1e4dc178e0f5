#include <netcompute/kernels/softmax.hpp>
#include <netcompute/programs/softmax_scores.hpp>

#include <utility>

namespace netcompute::programs {

SoftmaxScoresProgram::SoftmaxScoresProgram(SoftmaxScoresPlan plan)
    : ScoresProgram{"PSS1", {std::move(plan.shards), std::move(plan.row_counts), plan.class_count}},
      class_count_{plan.class_count},
      weights_{std::move(plan.weights)} {}

Round SoftmaxScoresProgram::only_round() const {
    return {"softmax_scores",
            1,
            {kernels::encode_softmax_weights(class_count_, weights_)},
            task_count()};
}

}  // namespace netcompute::programs
