#include "scores.hpp"
#include <netcompute/assert.hpp>
#include <netcompute/programs/boosted_scores.hpp>

namespace netcompute::programs {

BoostedScoresProgram::BoostedScoresProgram(BoostedScoresPlan plan)
    : OneRound{"predict", "PBS1"}, plan_{std::move(plan)} {
    NETCOMPUTE_ASSERT(!plan_.shards.empty(), "a round has at least one task");
    NETCOMPUTE_ASSERT(plan_.shards.size() == plan_.row_counts.size(), "one row count a shard");
}

Round BoostedScoresProgram::only_round() const {
    return {"boosted_scores", 1, {plan_.model}, static_cast<std::uint32_t>(plan_.shards.size())};
}

std::vector<TaskInput> BoostedScoresProgram::task_inputs(TaskIndex index) const {
    return {plan_.shards[index]};
}

Result<void> BoostedScoresProgram::fold(std::span<const ByteSpan> outputs, RoundWork&) {
    Result<std::vector<double>> scores = fold_scores(outputs, plan_.row_counts);
    if (!scores) return unexpected(scores.error());
    scores_ = std::move(scores).value();
    return {};
}

void BoostedScoresProgram::write_result(ByteWriter& result) const {
    result.numbers(std::span<const double>{scores_});
}

bool BoostedScoresProgram::read_result(ByteReader& result) {
    std::uint64_t row_count = 0;
    for (const std::uint32_t rows : plan_.row_counts) row_count += rows;
    if (result.left() != (is_finished() ? row_count * sizeof(double) : 0)) return false;
    scores_.resize(result.left() / sizeof(double));
    for (double& score : scores_) score = result.number<double>();
    return true;
}

}  // namespace netcompute::programs
