#include <netcompute/assert.hpp>
#include <netcompute/kernels/logistic.hpp>
#include <netcompute/programs/scores.hpp>

#include <string>
#include <utility>

namespace netcompute::programs {

Result<std::vector<double>> fold_scores(std::span<const ByteSpan> outputs,
                                        std::span<const std::uint32_t> row_counts,
                                        std::uint32_t width) {
    std::vector<double> all;
    for (std::size_t task = 0; task < outputs.size(); ++task) {
        const Result<std::vector<double>> scores =
            kernels::decode_scores(outputs[task], row_counts[task] * width);
        if (!scores) {
            return unexpected(scores.error().code,
                              "task " + std::to_string(task) + ": " + scores.error().message);
        }
        all.insert(all.end(), scores->begin(), scores->end());
    }
    return all;
}

ScoresProgram::ScoresProgram(const char (&tag)[5], ShardsToScore rows)
    : OneRound{"predict", tag}, rows_{std::move(rows)} {
    NETCOMPUTE_ASSERT(!rows_.shards.empty(), "a round has at least one task");
    NETCOMPUTE_ASSERT(rows_.shards.size() == rows_.row_counts.size(), "one row count a shard");
}

std::vector<TaskInput> ScoresProgram::task_inputs(TaskIndex index) const {
    return {rows_.shards[index]};
}

Result<void> ScoresProgram::fold(std::span<const ByteSpan> outputs, RoundWork&) {
    Result<std::vector<double>> scores = fold_scores(outputs, rows_.row_counts, rows_.width);
    if (!scores) return unexpected(scores.error());
    scores_ = std::move(scores).value();
    return {};
}

void ScoresProgram::write_result(ByteWriter& result) const {
    result.numbers(std::span<const double>{scores_});
}

bool ScoresProgram::read_result(ByteReader& result) {
    std::uint64_t row_count = 0;
    for (const std::uint32_t rows : rows_.row_counts) row_count += rows;
    const std::uint64_t score_count = is_finished() ? row_count * rows_.width : 0;
    if (result.left() != score_count * sizeof(double)) return false;
    scores_.resize(result.left() / sizeof(double));
    for (double& score : scores_) score = result.number<double>();
    return true;
}

}  // namespace netcompute::programs
