#include <netcompute/assert.hpp>
#include <netcompute/programs/naive_bayes.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace netcompute::programs {
namespace {

ShardsToScore rows_to_score(const NaiveBayesPlan& plan) {
    ShardsToScore rows;
    for (const TrainingShard& shard : plan.shards) {
        rows.shards.push_back(shard.features);
        rows.row_counts.push_back(shard.row_count);
    }
    rows.width = plan.class_count;
    rows.rows_of_task = rows_of_scores(rows.width);
    return rows;
}

ShardsToScore rows_to_score(const NaiveBayesScoresPlan& plan) {
    return {plan.shards, plan.row_counts, plan.model.class_count,
            rows_of_scores(plan.model.class_count)};
}

void add(const std::vector<double>& from, std::vector<double>& to) {
    for (std::size_t i = 0; i < to.size(); ++i) to[i] += from[i];
}

void read(ByteReader& state, std::vector<double>& numbers) {
    for (double& number : numbers) number = state.number<double>();
}

}  // namespace

NaiveBayesProgram::NaiveBayesProgram(NaiveBayesPlan plan)
    : ManyRounds{"training", "PNB1"}, plan_{std::move(plan)}, scoring_{rows_to_score(plan_)} {
    const std::size_t cells = std::size_t{plan_.class_count} * plan_.feature_count;
    model_.class_count = plan_.class_count;
    model_.feature_count = plan_.feature_count;
    model_.priors.resize(plan_.class_count);
    model_.means.resize(cells);
    model_.variances.resize(cells);
}

std::optional<Round> NaiveBayesProgram::round() const {
    if (phase_ == Phase::Finished) return std::nullopt;
    if (phase_ == Phase::Scoring) {
        return Round{"naive_bayes_scores", 1, {result_bytes()}, scoring_.count()};
    }
    return Round{
        "naive_bayes_sums",
        1,
        {kernels::encode_class_centers({plan_.class_count, plan_.feature_count, model_.means})},
        static_cast<std::uint32_t>(plan_.shards.size())};
}

std::vector<TaskInput> NaiveBayesProgram::task_inputs(TaskIndex index) const {
    if (phase_ == Phase::Scoring) return scoring_.inputs(index);
    return {plan_.shards[index].features, plan_.shards[index].labels};
}

Result<void> NaiveBayesProgram::fold(std::span<const ByteSpan> outputs, RoundWork&) {
    if (phase_ != Phase::Scoring) return take_sums(outputs);
    Result<std::vector<double>> scores = scoring_.fold(outputs);
    if (!scores) return unexpected(scores.error());
    scores_ = std::move(scores).value();
    phase_ = Phase::Finished;
    return {};
}

Result<void> NaiveBayesProgram::take_sums(std::span<const ByteSpan> outputs) {
    kernels::ClassSums total;
    total.counts.resize(plan_.class_count);
    total.sums.resize(model_.means.size());
    total.squares.resize(model_.means.size());
    for (std::size_t task = 0; task < outputs.size(); ++task) {
        const auto sums =
            kernels::decode_class_sums(outputs[task], plan_.class_count, plan_.feature_count);
        if (!sums) {
            return unexpected(sums.error().code,
                              "task " + std::to_string(task) + ": " + sums.error().message);
        }
        add(sums->counts, total.counts);
        add(sums->sums, total.sums);
        add(sums->squares, total.squares);
    }
    for (std::uint32_t c = 0; c < plan_.class_count; ++c) {
        if (total.counts[c] > 0) continue;
        return unexpected(ErrorCode::InvalidArgument,
                          "training: class " + std::to_string(c + 1) + " of the target has no row");
    }
    if (phase_ == Phase::Variances) return find_variances(total);
    for (std::size_t cell = 0; cell < model_.means.size(); ++cell) {
        model_.means[cell] = total.sums[cell] / total.counts[cell / plan_.feature_count];
    }
    phase_ = Phase::Variances;
    return {};
}

/// From sums about the means of the round before, which corrects these for their rounding.
Result<void> NaiveBayesProgram::find_variances(const kernels::ClassSums& sums) {
    double rows = 0;
    for (const double count : sums.counts) rows += count;
    for (std::uint32_t c = 0; c < plan_.class_count; ++c) model_.priors[c] = sums.counts[c] / rows;
    for (std::size_t cell = 0; cell < model_.means.size(); ++cell) {
        const double count = sums.counts[cell / plan_.feature_count];
        const double shift = sums.sums[cell] / count;
        model_.means[cell] += shift;
        model_.variances[cell] = std::max(0.0, sums.squares[cell] / count - shift * shift);
    }
    // A feature's whole variance: that within the classes, and that of their means.
    double largest = 0;
    for (std::uint32_t i = 0; i < plan_.feature_count; ++i) {
        double mean = 0;
        for (std::uint32_t c = 0; c < plan_.class_count; ++c) {
            mean += model_.priors[c] * model_.means[std::size_t{c} * plan_.feature_count + i];
        }
        double variance = 0;
        for (std::uint32_t c = 0; c < plan_.class_count; ++c) {
            const std::size_t cell = std::size_t{c} * plan_.feature_count + i;
            const double apart = model_.means[cell] - mean;
            variance += model_.priors[c] * (model_.variances[cell] + apart * apart);
        }
        largest = std::max(largest, variance);
    }
    for (double& variance : model_.variances) variance += plan_.var_smoothing * largest;
    // What the workers will not read is told here, with what to do.
    if (!kernels::decode_gaussian_classes(result_bytes())) {
        return unexpected(ErrorCode::InvalidArgument,
                          "training: a feature has one value only in all rows of a class: choose "
                          "a larger var_smoothing");
    }
    phase_ = Phase::Scoring;
    return {};
}

void NaiveBayesProgram::write_state(ByteWriter& state) const {
    state.number(plan_.feature_count);
    state.number(plan_.class_count);
    state.number(static_cast<std::uint32_t>(phase_));
    for (const auto* const list : {&model_.priors, &model_.means, &model_.variances, &scores_}) {
        state.numbers(std::span<const double>{*list});
    }
}

bool NaiveBayesProgram::read_state(ByteReader& state) {
    const auto feature_count = state.number<std::uint32_t>();
    const auto class_count = state.number<std::uint32_t>();
    const auto phase = state.number<std::uint32_t>();
    if (feature_count != plan_.feature_count || class_count != plan_.class_count ||
        phase > static_cast<std::uint32_t>(Phase::Finished)) {
        return false;
    }
    phase_ = static_cast<Phase>(phase);
    read(state, model_.priors);
    read(state, model_.means);
    read(state, model_.variances);
    const std::uint64_t count = phase_ == Phase::Finished ? scoring_.score_count() : 0;
    if (state.left() != count * sizeof(double)) return false;
    scores_.resize(static_cast<std::size_t>(count));
    read(state, scores_);
    return true;
}

Progress NaiveBayesProgram::progress() const {
    return {static_cast<double>(phase_) / 3, {}};
}

Bytes NaiveBayesProgram::result_bytes() const {
    return kernels::encode_gaussian_classes(model_);
}

NaiveBayesScoresProgram::NaiveBayesScoresProgram(NaiveBayesScoresPlan plan)
    : ScoresProgram{"PNS1", rows_to_score(plan)}, model_{std::move(plan.model)} {}

Round NaiveBayesScoresProgram::only_round() const {
    return {"naive_bayes_scores", 1, {kernels::encode_gaussian_classes(model_)}, task_count()};
}

}  // namespace netcompute::programs
