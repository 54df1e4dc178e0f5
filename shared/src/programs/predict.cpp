#include "scores.hpp"
#include <netcompute/assert.hpp>
#include <netcompute/kernels/logistic.hpp>
#include <netcompute/programs/predict.hpp>

namespace netcompute::programs {

PredictProgram::PredictProgram(PredictPlan plan)
    : OneRound{"predict", "PPR1"}, plan_{std::move(plan)} {
    NETCOMPUTE_ASSERT(!plan_.shards.empty(), "a round has at least one task");
    NETCOMPUTE_ASSERT(plan_.shards.size() == plan_.row_counts.size(), "one row count a shard");
}

Round PredictProgram::only_round() const {
    return {"linear_scores",
            1,
            {kernels::encode_weights(plan_.model.weights, plan_.model.intercept)},
            static_cast<std::uint32_t>(plan_.shards.size())};
}

std::vector<TaskInput> PredictProgram::task_inputs(TaskIndex index) const {
    return {plan_.shards[index]};
}

Result<void> PredictProgram::fold(std::span<const ByteSpan> outputs, RoundWork&) {
    Result<std::vector<double>> scores = fold_scores(outputs, plan_.row_counts);
    if (!scores) return unexpected(scores.error());
    scores_ = std::move(scores).value();
    return {};
}

void PredictProgram::write_result(ByteWriter& result) const {
    result.numbers(std::span<const double>{scores_});
}

bool PredictProgram::read_result(ByteReader& result) {
    std::uint64_t row_count = 0;
    for (const std::uint32_t rows : plan_.row_counts) row_count += rows;
    if (result.left() != (is_finished() ? row_count * sizeof(double) : 0)) return false;
    scores_.resize(result.left() / sizeof(double));
    for (double& score : scores_) score = result.number<double>();
    return true;
}

const std::vector<double>& PredictProgram::scores() const {
    return scores_;
}

}  // namespace netcompute::programs
