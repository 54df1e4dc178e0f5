#include "cholesky.hpp"
#include <netcompute/assert.hpp>
#include <netcompute/programs/scores.hpp>
#include <netcompute/programs/train.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

namespace netcompute::programs {
namespace {

/// A rise of the objective by less than this share of it is rounding, not a step too far.
constexpr double rounding_share = 1e-12;

/// A gradient below this share of the objective is rounding: what is left of residuals that add up
/// to less than the losses.
constexpr double rounding_of_gradient = 1e-15;

/// Below this share of a Newton step, another halving cannot help.
constexpr double step_min = 0x1p-40;

std::string text_of(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.6g", value);
    return text;
}

/// The largest size of an entry; NaN if one is.
double largest(const std::vector<double>& values) {
    double result = 0;
    for (const double value : values) {
        if (std::isnan(value)) return value;
        result = std::max(result, std::fabs(value));
    }
    return result;
}

void write(ByteWriter& writer, const LogisticModel& model) {
    writer.numbers(std::span<const double>{model.weights});
    writer.number(model.intercept);
}

void read(ByteReader& reader, std::vector<double>& values) {
    for (double& value : values) value = reader.number<double>();
}

}  // namespace

TrainProgram::TrainProgram(TrainPlan plan)
    : ManyRounds{"training", "PTR1"}, plan_{std::move(plan)} {
    NETCOMPUTE_ASSERT(!plan_.shards.empty(), "a round has at least one task");
    for (const TrainingShard& shard : plan_.shards) row_count_ += shard.row_count;
    model_.weights.resize(plan_.feature_count);
    candidate_.weights.resize(plan_.feature_count);
}

std::optional<Round> TrainProgram::round() const {
    if (phase_ == Phase::Finished) return std::nullopt;
    const bool newton = phase_ == Phase::Newton;
    const LogisticModel& at = newton ? candidate_ : model_;
    return Round{newton ? "logistic_newton" : "linear_scores",
                 1,
                 {kernels::encode_weights(at.weights, at.intercept)},
                 static_cast<std::uint32_t>(plan_.shards.size())};
}

std::vector<TaskInput> TrainProgram::task_inputs(TaskIndex index) const {
    const TrainingShard& shard = plan_.shards[index];
    if (phase_ == Phase::Newton) return {shard.features, shard.labels};
    return {shard.features};
}

Result<void> TrainProgram::fold(std::span<const ByteSpan> outputs, RoundWork&) {
    return phase_ == Phase::Newton ? finish_newton(outputs) : finish_scoring(outputs);
}

/// Loss, gradient and Hessian of the whole objective at candidate_: the shards' sums, in shard
/// order, and the penalty, which leaves the intercept alone.
Result<kernels::LogisticSums> TrainProgram::sums_of(std::span<const ByteSpan> outputs) const {
    const std::size_t size = std::size_t{plan_.feature_count} + 1;
    kernels::LogisticSums total;
    total.gradient.resize(size);
    total.hessian.resize(kernels::triangle_size(size));
    for (std::size_t shard = 0; shard < outputs.size(); ++shard) {
        const Result<kernels::LogisticSums> sums =
            kernels::decode_logistic_sums(outputs[shard], plan_.feature_count);
        if (!sums) {
            return unexpected(sums.error().code,
                              "task " + std::to_string(shard) + ": " + sums.error().message);
        }
        total.loss += sums->loss;
        for (std::size_t i = 0; i < size; ++i) total.gradient[i] += sums->gradient[i];
        for (std::size_t i = 0; i < total.hessian.size(); ++i) total.hessian[i] += sums->hessian[i];
    }
    double squares = 0;
    std::size_t diagonal = 0;
    for (std::size_t i = 0; i < plan_.feature_count; ++i) {
        const double weight = candidate_.weights[i];
        squares += weight * weight;
        total.gradient[i] += plan_.l2 * weight;
        total.hessian[diagonal] += plan_.l2;
        diagonal += size - i;
    }
    total.loss += 0.5 * plan_.l2 * squares;
    return total;
}

Result<void> TrainProgram::finish_newton(std::span<const ByteSpan> outputs) {
    const Result<kernels::LogisticSums> sums = sums_of(outputs);
    if (!sums) return unexpected(sums.error());
    ++iterations_;
    const bool first = direction_.empty();
    // A loss that is not a number is a step too far as well.
    const bool accepted =
        first || sums->loss <= objective_ + rounding_share * std::fabs(objective_);
    if (accepted) {
        model_ = candidate_;
        objective_ = sums->loss;
        gradient_max_ = largest(sums->gradient);
    }
    const bool is_last = iterations_ >= plan_.iterations_max;
    if (has_small_gradient() && (is_last || (!accepted && step_ * 0.5 < step_min))) {
        phase_ = Phase::Scoring;
        return {};
    }
    if (is_last) {
        return unexpected(ErrorCode::LimitExceeded,
                          "training: after " + std::to_string(iterations_) +
                              " iterations the gradient's largest entry is still " +
                              text_of(gradient_max_) + ", not below " +
                              text_of(plan_.gradient_tolerance * static_cast<double>(row_count_)) +
                              ": allow more iterations, or a larger penalty (a smaller C)");
    }
    if (accepted) return aim(*sums);
    step_ *= 0.5;
    if (step_ < step_min) {
        return unexpected(ErrorCode::InvalidArgument,
                          "training: no step from iteration " + std::to_string(iterations_) +
                              " lowers the objective, " + text_of(objective_) +
                              ": scale the features, or choose a larger penalty (a smaller C)");
    }
    take_step();
    return {};
}

bool TrainProgram::has_small_gradient() const {
    return gradient_max_ < plan_.gradient_tolerance * static_cast<double>(row_count_);
}

/// Where the gradient is small, the next Newton step is what is left to the optimum. A gradient
/// that is rounding alone tells no step.
bool TrainProgram::is_at_optimum(const std::vector<double>& next_step) const {
    const double weight = std::max(largest(model_.weights), std::fabs(model_.intercept));
    return has_small_gradient() &&
           (largest(next_step) <= plan_.step_tolerance * std::max(1.0, weight) ||
            gradient_max_ <= rounding_of_gradient * objective_);
}

/// The next Newton step: the Hessian's solution for the gradient. None, if it would change nothing.
Result<void> TrainProgram::aim(const kernels::LogisticSums& sums) {
    std::optional<std::vector<double>> direction =
        solve_positive_definite(sums.hessian, sums.gradient);
    if (has_small_gradient() && (!direction || is_at_optimum(*direction))) {
        phase_ = Phase::Scoring;
        return {};
    }
    if (!direction) {
        return unexpected(
            ErrorCode::InvalidArgument,
            "training: the Hessian of iteration " + std::to_string(iterations_) +
                " is not positive definite: features depend on each other or are "
                "too large; leave some out, or choose a larger penalty (a smaller C)");
    }
    direction_ = std::move(*direction);
    step_ = 1;
    take_step();
    return {};
}

void TrainProgram::take_step() {
    for (std::size_t i = 0; i < plan_.feature_count; ++i) {
        candidate_.weights[i] = model_.weights[i] - step_ * direction_[i];
    }
    candidate_.intercept = model_.intercept - step_ * direction_.back();
}

Result<void> TrainProgram::finish_scoring(std::span<const ByteSpan> outputs) {
    std::vector<std::uint32_t> row_counts;
    row_counts.reserve(plan_.shards.size());
    for (const TrainingShard& shard : plan_.shards) row_counts.push_back(shard.row_count);
    Result<std::vector<double>> scores = fold_scores(outputs, row_counts);
    if (!scores) return unexpected(scores.error());
    scores_ = std::move(scores).value();
    phase_ = Phase::Finished;
    return {};
}

void TrainProgram::write_state(ByteWriter& state) const {
    state.number(plan_.feature_count);
    state.number(row_count_);
    state.number(static_cast<std::uint32_t>(phase_));
    state.number(iterations_);
    state.number(objective_);
    state.number(gradient_max_);
    state.number(step_);
    write(state, model_);
    write(state, candidate_);
    state.number(static_cast<std::uint64_t>(direction_.size()));
    state.numbers(std::span<const double>{direction_});
    state.numbers(std::span<const double>{scores_});
}

bool TrainProgram::read_state(ByteReader& state) {
    const auto feature_count = state.number<std::uint32_t>();
    const auto row_count = state.number<std::uint64_t>();
    const auto phase = state.number<std::uint32_t>();
    if (feature_count != plan_.feature_count || row_count != row_count_ ||
        phase > static_cast<std::uint32_t>(Phase::Finished)) {
        return false;
    }
    phase_ = static_cast<Phase>(phase);
    iterations_ = state.number<std::uint32_t>();
    objective_ = state.number<double>();
    gradient_max_ = state.number<double>();
    step_ = state.number<double>();
    for (LogisticModel* const model : {&model_, &candidate_}) {
        read(state, model->weights);
        model->intercept = state.number<double>();
    }
    const auto direction_size = state.number<std::uint64_t>();
    if (direction_size != 0 && direction_size != std::uint64_t{feature_count} + 1) return false;
    direction_.resize(static_cast<std::size_t>(direction_size));
    read(state, direction_);
    const std::uint64_t score_count = phase_ == Phase::Finished ? row_count_ : 0;
    if (state.left() != score_count * sizeof(double)) return false;
    scores_.resize(static_cast<std::size_t>(score_count));
    read(state, scores_);
    return true;
}

Progress TrainProgram::progress() const {
    if (iterations_ == 0) return {};
    return {
        std::nullopt,
        {{"iterations", iterations_}, {"objective", objective_}, {"gradient_max", gradient_max_}}};
}

Bytes TrainProgram::result_bytes() const {
    return kernels::encode_weights(model_.weights, model_.intercept);
}

const LogisticModel& TrainProgram::model() const {
    return model_;
}

const std::vector<double>& TrainProgram::scores() const {
    return scores_;
}

std::uint32_t TrainProgram::iterations() const {
    return iterations_;
}

double TrainProgram::objective() const {
    return objective_;
}

double TrainProgram::gradient_max() const {
    return gradient_max_;
}

}  // namespace netcompute::programs
