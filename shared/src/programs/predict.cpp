#include <netcompute/kernels/logistic.hpp>
#include <netcompute/programs/predict.hpp>

#include <utility>

namespace netcompute::programs {

PredictProgram::PredictProgram(PredictPlan plan)
    : ScoresProgram{"PPR1", {std::move(plan.shards), std::move(plan.row_counts)}},
      model_{std::move(plan.model)} {}

Round PredictProgram::only_round() const {
    return {"linear_scores",
            1,
            {kernels::encode_weights(model_.weights, model_.intercept)},
            task_count()};
}

}  // namespace netcompute::programs
