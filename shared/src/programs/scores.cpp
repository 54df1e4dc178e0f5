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

ScoreTasks::ScoreTasks(ShardsToScore rows) : rows_{std::move(rows)} {
    NETCOMPUTE_ASSERT(!rows_.shards.empty(), "a round has at least one task");
    NETCOMPUTE_ASSERT(rows_.shards.size() == rows_.row_counts.size(), "one row count a shard");
    for (std::size_t shard = 0; shard < rows_.shards.size(); ++shard) {
        const std::uint32_t count = rows_.row_counts[shard];
        score_count_ += std::uint64_t{count} * rows_.width;
        const std::uint32_t most = rows_.rows_of_task == 0 ? count : rows_.rows_of_task;
        std::uint32_t first = 0;
        do {  // A shard without rows has a task too.
            const std::uint32_t here = std::min(most, count - first);
            tasks_.push_back({shard, {first, here}});
            first += here;
        } while (first < count);
    }
}

std::vector<TaskInput> ScoreTasks::inputs(TaskIndex index) const {
    const Task& task = tasks_[index];
    if (rows_.rows_of_task == 0) return {rows_.shards[task.shard]};
    return {rows_.shards[task.shard], kernels::encode_rows_of_tile(task.rows)};
}

Result<std::vector<double>> ScoreTasks::fold(std::span<const ByteSpan> outputs) const {
    std::vector<std::uint32_t> row_counts;
    row_counts.reserve(tasks_.size());
    for (const Task& task : tasks_) row_counts.push_back(task.rows.count);
    return fold_scores(outputs, row_counts, rows_.width);
}

ScoresProgram::ScoresProgram(const char (&tag)[5], ShardsToScore rows)
    : OneRound{"predict", tag}, tasks_{std::move(rows)} {}

std::vector<TaskInput> ScoresProgram::task_inputs(TaskIndex index) const {
    return tasks_.inputs(index);
}

Result<void> ScoresProgram::fold(std::span<const ByteSpan> outputs, RoundWork&) {
    Result<std::vector<double>> scores = tasks_.fold(outputs);
    if (!scores) return unexpected(scores.error());
    scores_ = std::move(scores).value();
    return {};
}

void ScoresProgram::write_result(ByteWriter& result) const {
    result.numbers(std::span<const double>{scores_});
}

bool ScoresProgram::read_result(ByteReader& result) {
    const std::uint64_t score_count = is_finished() ? tasks_.score_count() : 0;
    if (result.left() != score_count * sizeof(double)) return false;
    scores_.resize(result.left() / sizeof(double));
    for (double& score : scores_) score = result.number<double>();
    return true;
}

}  // namespace netcompute::programs
