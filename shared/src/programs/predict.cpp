#include "scores.hpp"
#include <netcompute/assert.hpp>
#include <netcompute/kernels/logistic.hpp>
#include <netcompute/programs/predict.hpp>

namespace netcompute::programs {
namespace {

constexpr std::uint32_t checkpoint_tag = 0x31525050;  // "PPR1"

}  // namespace

PredictProgram::PredictProgram(PredictPlan plan) : plan_{std::move(plan)} {
    NETCOMPUTE_ASSERT(!plan_.shards.empty(), "a round has at least one task");
    NETCOMPUTE_ASSERT(plan_.shards.size() == plan_.row_counts.size(), "one row count a shard");
}

std::optional<Round> PredictProgram::round() const {
    if (finished_) return std::nullopt;
    return Round{"linear_scores",
                 1,
                 {kernels::encode_weights(plan_.model.weights, plan_.model.intercept)},
                 static_cast<std::uint32_t>(plan_.shards.size())};
}

std::vector<TaskInput> PredictProgram::task_inputs(TaskIndex index) const {
    return {plan_.shards[index]};
}

Result<void> PredictProgram::finish_round(std::span<const ByteSpan> outputs) {
    NETCOMPUTE_ASSERT(!finished_, "a finished program has no round");
    NETCOMPUTE_ASSERT(outputs.size() == plan_.shards.size(), "a round has one output a task");
    Result<std::vector<double>> scores = fold_scores(outputs, plan_.row_counts);
    if (!scores) return unexpected(scores.error());
    scores_ = std::move(scores).value();
    finished_ = true;
    return {};
}

Bytes PredictProgram::checkpoint() const {
    Bytes bytes;
    ByteWriter writer{bytes};
    writer.number(checkpoint_tag);
    writer.number(std::uint32_t{finished_});
    writer.numbers(std::span<const double>{scores_});
    return bytes;
}

Result<void> PredictProgram::restore(ByteSpan checkpoint) {
    std::uint64_t row_count = 0;
    for (const std::uint32_t rows : plan_.row_counts) row_count += rows;
    ByteReader reader{checkpoint};
    const auto tag = reader.number<std::uint32_t>();
    const auto finished = reader.number<std::uint32_t>();
    const std::uint64_t expected = finished == 1 ? row_count * sizeof(double) : 0;
    if (!reader.ok() || tag != checkpoint_tag || finished > 1 || reader.left() != expected) {
        return unexpected(ErrorCode::InvalidArgument, "predict: not a checkpoint of this program");
    }
    finished_ = finished == 1;
    scores_.resize(reader.left() / sizeof(double));
    for (double& score : scores_) score = reader.number<double>();
    return {};
}

Bytes PredictProgram::result_bytes() const {
    const ByteSpan bytes = std::as_bytes(std::span{scores_});
    return {bytes.begin(), bytes.end()};
}

const std::vector<double>& PredictProgram::scores() const {
    return scores_;
}

}  // namespace netcompute::programs
