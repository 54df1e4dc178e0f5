#include <netcompute/kernels/tile.hpp>
#include <netcompute/programs/neighbors.hpp>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

namespace netcompute::programs {
namespace {

/// Differences of features that a task finds: about a second's.
constexpr std::uint64_t task_differences = 1'000'000'000;

ShardsToScore rows_to_score(const NeighborsPlan& plan) {
    const kernels::Neighbors& model = plan.model;
    const std::uint32_t width = kernels::neighbors_width(model.class_count);
    // Rows come in sixteens; asking the neighbours counts as well.
    const std::uint64_t differences_of_row =
        model.targets.size() * (std::uint64_t{model.feature_count} + 8) + 1;
    const std::uint64_t rows =
        std::max<std::uint64_t>(1, task_differences / differences_of_row / 16);
    return {plan.shards, plan.row_counts, width,
            static_cast<std::uint32_t>(std::min<std::uint64_t>(16 * rows, rows_of_scores(width)))};
}

}  // namespace

NeighborsTraining::NeighborsTraining(NeighborsPlan plan)
    : ManyRounds{"training", "PKT1"},
      shards_{plan.shards},
      row_counts_{plan.row_counts},
      model_{plan.model},
      scoring_{rows_to_score(plan)} {}

std::optional<Round> NeighborsTraining::round() const {
    if (phase_ == Phase::Finished) return std::nullopt;
    if (phase_ == Phase::Gathering) {
        return Round{"noop", 1, {}, static_cast<std::uint32_t>(shards_.size())};
    }
    return Round{"neighbor_scores", 1, {result_bytes()}, scoring_.count()};
}

std::vector<TaskInput> NeighborsTraining::task_inputs(TaskIndex index) const {
    if (phase_ == Phase::Scoring) return scoring_.inputs(index);
    return {shards_[index]};
}

Result<void> NeighborsTraining::fold(std::span<const ByteSpan> outputs, RoundWork&) {
    if (phase_ == Phase::Gathering) return gather(outputs);
    Result<std::vector<double>> scores = scoring_.fold(outputs);
    if (!scores) return unexpected(scores.error());
    scores_ = std::move(scores).value();
    phase_ = Phase::Finished;
    return {};
}

Result<void> NeighborsTraining::gather(std::span<const ByteSpan> outputs) {
    std::vector<double> features;
    for (std::size_t shard = 0; shard < outputs.size(); ++shard) {
        // An output need not lie at an 8-byte boundary.
        std::vector<double> copy((outputs[shard].size() + 7) / 8);
        if (!copy.empty()) std::memcpy(copy.data(), outputs[shard].data(), outputs[shard].size());
        const auto tile =
            kernels::decode_tile(std::as_bytes(std::span{copy}).first(outputs[shard].size()));
        if (!tile || tile->row_count != row_counts_[shard] ||
            tile->column_count != model_.feature_count) {
            return unexpected(ErrorCode::ShapeMismatch, "task " + std::to_string(shard) +
                                                            ": an output of noop has " +
                                                            std::to_string(outputs[shard].size()) +
                                                            " bytes, which are not the shard's");
        }
        for (std::uint32_t row = 0; row < tile->row_count; ++row) {
            for (std::uint32_t i = 0; i < tile->column_count; ++i) {
                features.push_back(tile->column(i)[row] + 0.0);  // -0 counts as 0.
            }
        }
    }
    model_.features = std::move(features);
    phase_ = Phase::Scoring;
    return {};
}

void NeighborsTraining::write_state(ByteWriter& state) const {
    state.number(static_cast<std::uint32_t>(phase_));
    state.number(static_cast<std::uint32_t>(model_.targets.size()));
    state.numbers(std::span<const double>{model_.features});
    state.numbers(std::span<const double>{scores_});
}

bool NeighborsTraining::read_state(ByteReader& state) {
    const auto phase = state.number<std::uint32_t>();
    const auto rows = state.number<std::uint32_t>();
    if (rows != model_.targets.size() || phase > static_cast<std::uint32_t>(Phase::Finished)) {
        return false;
    }
    phase_ = static_cast<Phase>(phase);
    const std::size_t feature_count =
        phase_ == Phase::Gathering ? 0 : model_.targets.size() * model_.feature_count;
    const std::uint64_t score_count = phase_ == Phase::Finished ? scoring_.score_count() : 0;
    if (state.left() != (feature_count + score_count) * sizeof(double)) return false;
    model_.features.resize(feature_count);
    for (double& value : model_.features) value = state.number<double>();
    scores_.resize(static_cast<std::size_t>(score_count));
    for (double& score : scores_) score = state.number<double>();
    return true;
}

Bytes NeighborsTraining::result_bytes() const {
    return kernels::encode_neighbors(model_);
}

NeighborsProgram::NeighborsProgram(NeighborsPlan plan)
    : ScoresProgram{"PKN1", rows_to_score(plan)}, model_{kernels::encode_neighbors(plan.model)} {}

Round NeighborsProgram::only_round() const {
    return {"neighbor_scores", 1, {model_}, task_count()};
}

}  // namespace netcompute::programs
