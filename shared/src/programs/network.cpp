#include <netcompute/assert.hpp>
#include <netcompute/programs/network.hpp>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

namespace netcompute::programs {
namespace {

using kernels::NetworkState;

/// What a task may cost, in multiplications: about a second. Of large networks more, so that a task
/// computes longer than its state, of three or four numbers a weight, takes to travel.
constexpr double task_work = 1e9;
constexpr double task_work_of_weight = 1e4;
/// Forward, back, and to the gradient.
constexpr double passes = 3;

ShardsToScore rows_to_score(const NetworkJob& job) {
    ShardsToScore rows;
    for (const TrainingShard& shard : job.shards) {
        rows.shards.push_back(shard.features);
        rows.row_counts.push_back(shard.row_count);
    }
    rows.width = kernels::network_outputs(job.plan.form.class_count);
    rows.rows_of_task = rows_of_scores(rows.width);
    return rows;
}

ShardsToScore rows_to_score(const NetworkScoresPlan& plan) {
    const std::uint32_t width = kernels::network_outputs(plan.network.form.class_count);
    return {plan.shards, plan.row_counts, width, rows_of_scores(width)};
}

Bytes bytes_of(const std::vector<double>& numbers) {
    const ByteSpan bytes = std::as_bytes(std::span{numbers});
    return {bytes.begin(), bytes.end()};
}

void write_list(ByteWriter& state, const std::vector<double>& numbers) {
    state.number(static_cast<std::uint64_t>(numbers.size()));
    state.numbers(std::span<const double>{numbers});
}

/// A list that is empty or has `count` numbers.
bool read_list(ByteReader& state, std::uint64_t count, std::vector<double>& numbers) {
    const auto size = state.number<std::uint64_t>();
    if ((size != 0 && size != count) || size > state.left() / sizeof(double)) return false;
    numbers.resize(static_cast<std::size_t>(size));
    for (double& number : numbers) number = state.number<double>();
    return true;
}

}  // namespace

NetworkProgram::NetworkProgram(NetworkJob job)
    : ManyRounds{"training", "PNN1"}, job_{std::move(job)}, scoring_{rows_to_score(job_)} {
    const kernels::NetworkPlan& plan = job_.plan;
    NETCOMPUTE_ASSERT(plan.replicas >= 1 && plan.replicas <= job_.shards.size(),
                      "each replica has rows");
    const auto weights = static_cast<double>(kernels::network_weight_count(plan.form));
    const double work = std::max(task_work, task_work_of_weight * weights);
    updates_max_ = static_cast<std::uint32_t>(
        std::clamp(work / (passes * weights * plan.batch_size), 1.0, 1e6));
    replica_rows_.resize(plan.replicas);
    for (std::size_t i = 0; i < job_.shards.size(); ++i) {
        replica_rows_[i % plan.replicas] += job_.shards[i].row_count;
    }
    if (has_replicas()) {
        weights_ = kernels::first_network_weights(plan);
        outer_velocity_.resize(weights_.size());
    }
}

std::optional<Round> NetworkProgram::round() const {
    if (phase_ == Phase::Finished) return std::nullopt;
    if (phase_ == Phase::Scoring) {
        return Round{"network_scores", 1, {result_bytes()}, scoring_.count()};
    }
    const bool begin_together = has_replicas() && !is_apart_;
    return Round{
        "network_steps",
        1,
        {kernels::encode_network_plan(job_.plan), begin_together ? bytes_of(weights_) : Bytes{}},
        job_.plan.replicas};
}

std::vector<TaskInput> NetworkProgram::task_inputs(TaskIndex index) const {
    if (phase_ == Phase::Scoring) return scoring_.inputs(index);
    const std::uint32_t epochs_end =
        has_replicas() ? std::min(figures_.epochs + job_.local_epochs, job_.plan.epochs_max)
                       : job_.plan.epochs_max;
    std::vector<TaskInput> inputs{kernels::encode_network_task({index, epochs_end, updates_max_})};
    if (states_.empty()) {
        inputs.emplace_back(Bytes{});
    } else {
        inputs.emplace_back(states_[index]);
    }
    for (std::size_t i = index; i < job_.shards.size(); i += job_.plan.replicas) {
        inputs.emplace_back(job_.shards[i].features);
        inputs.emplace_back(job_.shards[i].labels);
    }
    return inputs;
}

Result<void> NetworkProgram::fold(std::span<const ByteSpan> outputs, RoundWork& work) {
    if (phase_ == Phase::Learning) return take_states(outputs, work);
    Result<std::vector<double>> scores = scoring_.fold(outputs);
    if (!scores) return unexpected(scores.error());
    scores_ = std::move(scores).value();
    phase_ = Phase::Finished;
    return {};
}

Result<void> NetworkProgram::take_states(std::span<const ByteSpan> outputs, RoundWork& work) {
    std::vector<NetworkState> states;
    states_.clear();
    for (TaskIndex index = 0; index < outputs.size(); ++index) {
        auto state = kernels::decode_network_state(outputs[index], job_.plan);
        if (!state) {
            return unexpected(state.error().code,
                              "task " + std::to_string(index) + ": " + state.error().message);
        }
        states.push_back(std::move(state).value());
        states_.push_back(work.publish_output(index));
    }
    if (!has_replicas()) {
        NetworkState& state = states.front();
        figures_ = {state.epochs, state.loss, job_.plan.early_stopping ? state.best : 0};
        if (state.is_stopped == 0) return {};
        stop(std::move(job_.plan.early_stopping ? state.best_weights : state.weights));
        return {};
    }
    const std::uint32_t due = std::min(figures_.epochs + job_.local_epochs, job_.plan.epochs_max);
    is_apart_ = std::any_of(states.begin(), states.end(),
                            [&](const NetworkState& state) { return state.epochs < due; });
    if (is_apart_) return {};
    take_outer_step(states);
    figures_.epochs = due;
    // The rule counts outer steps; its epochs only tell it which one is the first.
    const bool is_first = rule_.epochs == 0;
    rule_.epochs = is_first ? 1 : std::max(2U, due);
    kernels::note_network_epoch(job_.plan, figures_.loss, rule_);
    if (due >= job_.plan.epochs_max || rule_.is_stopped != 0) stop(std::move(weights_));
    return {};
}

void NetworkProgram::take_outer_step(const std::vector<NetworkState>& states) {
    double rows = 0;
    figures_.loss = 0;
    for (std::size_t r = 0; r < states.size(); ++r) {
        rows += replica_rows_[r];
        figures_.loss += replica_rows_[r] * states[r].loss;
    }
    figures_.loss /= rows;
    const auto count = static_cast<double>(states.size());
    for (std::size_t w = 0; w < weights_.size(); ++w) {
        double sum = 0;
        for (const NetworkState& state : states) sum += state.weights[w];
        const double gradient = weights_[w] - sum / count;
        outer_velocity_[w] = job_.outer_momentum * outer_velocity_[w] + gradient;
        weights_[w] -=
            job_.outer_learning_rate * (gradient + job_.outer_momentum * outer_velocity_[w]);
    }
}

/// A number's last layer gives it as it was before it was scaled.
void NetworkProgram::stop(std::vector<double> weights) {
    const kernels::NetworkPlan& plan = job_.plan;
    if (plan.form.class_count == 0) {
        const std::size_t inputs = plan.form.widths[plan.form.widths.size() - 2];
        for (std::size_t w = weights.size() - inputs - 1; w < weights.size(); ++w) {
            weights[w] *= plan.scale;
        }
        weights.back() += plan.shift;
    }
    weights_ = std::move(weights);
    outer_velocity_.clear();
    states_.clear();
    phase_ = Phase::Scoring;
}

void NetworkProgram::write_state(ByteWriter& state) const {
    const Sha256 plan = sha256(kernels::encode_network_plan(job_.plan));
    state.bytes(std::as_bytes(std::span{plan.digest}));
    state.number(static_cast<std::uint32_t>(phase_));
    state.number(std::uint32_t{is_apart_});
    state.number(figures_.epochs);
    state.number(rule_.epochs);
    state.number(rule_.stale);
    state.number(static_cast<std::uint32_t>(states_.size()));
    for (const double number : {figures_.loss, figures_.best_score, rule_.best}) {
        state.number(number);
    }
    for (const BlobRef& each : states_) {
        state.bytes(std::as_bytes(std::span{each.sha256.digest}));
        state.number(each.size);
    }
    write_list(state, weights_);
    write_list(state, outer_velocity_);
    state.numbers(std::span<const double>{scores_});
}

bool NetworkProgram::read_state(ByteReader& state) {
    const Sha256 plan = sha256(kernels::encode_network_plan(job_.plan));
    const ByteSpan found = state.bytes(plan.digest.size());
    const auto phase = state.number<std::uint32_t>();
    const auto is_apart = state.number<std::uint32_t>();
    figures_.epochs = state.number<std::uint32_t>();
    rule_.epochs = state.number<std::uint32_t>();
    rule_.stale = state.number<std::uint32_t>();
    const auto state_count = state.number<std::uint32_t>();
    for (double* const number : {&figures_.loss, &figures_.best_score, &rule_.best}) {
        *number = state.number<double>();
    }
    if (found.empty() || std::memcmp(found.data(), plan.digest.data(), found.size()) != 0 ||
        phase > static_cast<std::uint32_t>(Phase::Finished) || is_apart > 1 ||
        (state_count != 0 && state_count != job_.plan.replicas)) {
        return false;
    }
    phase_ = static_cast<Phase>(phase);
    is_apart_ = is_apart == 1;
    states_.resize(state_count);
    for (BlobRef& each : states_) {
        const ByteSpan name = state.bytes(each.sha256.digest.size());
        if (name.empty()) return false;
        std::memcpy(each.sha256.digest.data(), name.data(), name.size());
        each.size = state.number<std::uint64_t>();
    }
    const std::uint64_t weight_count = kernels::network_weight_count(job_.plan.form);
    if (!read_list(state, weight_count, weights_) ||
        !read_list(state, weight_count, outer_velocity_)) {
        return false;
    }
    const bool needs_weights = has_replicas() || phase_ != Phase::Learning;
    const bool needs_velocity = has_replicas() && phase_ == Phase::Learning;
    if (weights_.empty() == needs_weights || outer_velocity_.empty() == needs_velocity) {
        return false;
    }
    const std::uint64_t count = phase_ == Phase::Finished ? scoring_.score_count() : 0;
    if (state.left() != count * sizeof(double)) return false;
    scores_.resize(static_cast<std::size_t>(count));
    for (double& score : scores_) score = state.number<double>();
    return true;
}

Progress NetworkProgram::progress() const {
    if (phase_ == Phase::Finished) return {1.0, {}};
    if (figures_.epochs == 0) return {};
    return {std::nullopt, {{"epochs", figures_.epochs}, {"loss", figures_.loss}}};
}

kernels::Network NetworkProgram::model() const {
    return {job_.plan.form, weights_};
}

Bytes NetworkProgram::result_bytes() const {
    return kernels::encode_network(model());
}

NetworkScoresProgram::NetworkScoresProgram(NetworkScoresPlan plan)
    : ScoresProgram{"PNP1", rows_to_score(plan)}, network_{std::move(plan.network)} {}

Round NetworkScoresProgram::only_round() const {
    return {"network_scores", 1, {kernels::encode_network(network_)}, task_count()};
}

}  // namespace netcompute::programs
