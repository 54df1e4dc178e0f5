#include <netcompute/assert.hpp>
#include <netcompute/programs/forest.hpp>

#include <algorithm>
#include <bit>
#include <numeric>
#include <string>

namespace netcompute::programs {
namespace {

/// Additions to sums that a core makes in a tenth of a second, roughly: what a task takes at least.
constexpr double additions_of_trees = 1 << 25;
constexpr std::uint32_t trees_at_once_max = 100;
constexpr std::uint32_t scored_rows = 1U << 15;

/// A tree's levels look at a few features of each row.
std::uint32_t plan_trees_of_task(const kernels::ForestPlan& plan) {
    const double levels = std::min<double>(plan.max_depth, std::bit_width(plan.row_count));
    const double additions = (plan.max_features + 2.0) * plan.row_count * levels;
    return static_cast<std::uint32_t>(
        std::clamp(additions_of_trees / additions, 1.0, double{trees_at_once_max}));
}

std::uint32_t tasks_for(std::uint32_t all, std::uint32_t at_once) {
    return (all + at_once - 1) / at_once;
}

Unexpected bad_task(std::size_t task, const Error& error) {
    return unexpected(error.code, "task " + std::to_string(task) + ": " + error.message);
}

void read_doubles(ByteReader& reader, std::size_t count, std::vector<double>& to) {
    to.resize(count);
    for (double& number : to) number = reader.number<double>();
}

std::vector<std::uint32_t> values_of_shards(const ForestScoresPlan& plan) {
    std::vector<std::uint32_t> counts = plan.row_counts;
    for (std::uint32_t& count : counts) {
        count *= kernels::forest_score_width(plan.class_count);
    }
    return counts;
}

}  // namespace

ForestProgram::ForestProgram(ForestJob job) : ManyRounds{"forest", "PRF1"}, job_{std::move(job)} {
    const auto blocks = kernels::bin_blocks(job_.plan.row_count);
    NETCOMPUTE_ASSERT(job_.tree_count > 0 && job_.tree_count <= kernels::forest_trees_max,
                      "a forest has trees, and not too many");
    NETCOMPUTE_ASSERT(job_.labels.size() == blocks, "labels for each block of rows");
    NETCOMPUTE_ASSERT(job_.bins.size() == blocks * kernels::bin_groups(job_.plan.feature_count),
                      "bins for each block of each group");
    trees_at_once_ = job_.trees_at_once.value_or(plan_trees_of_task(job_.plan));
}

std::pair<std::uint32_t, std::uint32_t> ForestProgram::share(TaskIndex index, std::uint32_t at_once,
                                                             std::uint32_t all) {
    const std::uint32_t begin = index * at_once;
    return {begin, std::min(at_once, all - begin)};
}

std::optional<Round> ForestProgram::round() const {
    if (phase_ == Phase::Finished) return std::nullopt;
    const bool is_growing = phase_ == Phase::Growing;
    Round round{is_growing ? "forest_trees" : "forest_training_scores", 1, {}, 0};
    round.task_count = is_growing ? tasks_for(job_.tree_count, trees_at_once_)
                                  : tasks_for(job_.plan.row_count, scored_rows);
    auto& shared = round.shared_inputs;
    shared.emplace_back(kernels::encode_forest_plan(job_.plan));
    shared.insert(shared.end(), job_.labels.begin(), job_.labels.end());
    shared.insert(shared.end(), job_.bins.begin(), job_.bins.end());
    if (!is_growing) shared.emplace_back(forest_);
    return round;
}

std::vector<TaskInput> ForestProgram::task_inputs(TaskIndex index) const {
    const auto [begin, count] = phase_ == Phase::Growing
                                    ? share(index, trees_at_once_, job_.tree_count)
                                    : share(index, scored_rows, job_.plan.row_count);
    return {kernels::encode_forest_range(begin, count)};
}

Result<void> ForestProgram::fold(std::span<const ByteSpan> outputs, RoundWork&) {
    return phase_ == Phase::Growing ? fold_trees(outputs) : fold_scores(outputs);
}

Result<void> ForestProgram::fold_trees(std::span<const ByteSpan> outputs) {
    const std::uint32_t features = job_.plan.feature_count;
    std::vector<double> sums(features);
    kernels::Forest forest{job_.plan.class_count, features, {}};
    for (std::size_t task = 0; task < outputs.size(); ++task) {
        const std::uint32_t count =
            share(static_cast<TaskIndex>(task), trees_at_once_, job_.tree_count).second;
        auto grown = kernels::decode_grown_forest(outputs[task], job_.plan, count);
        if (!grown) return bad_task(task, grown.error());
        for (std::size_t i = 0; i < grown->importances.size(); ++i) {
            sums[i % features] += grown->importances[i];
        }
        for (auto& tree : grown->trees) forest.trees.push_back(std::move(tree));
    }
    const double all = std::accumulate(sums.begin(), sums.end(), 0.0);
    for (double& sum : sums) sum = all > 0 ? sum / all : 0;
    importances_ = std::move(sums);
    forest_ = kernels::encode_forest(forest);
    phase_ = Phase::Scoring;
    return {};
}

Result<void> ForestProgram::fold_scores(std::span<const ByteSpan> outputs) {
    for (std::size_t task = 0; task < outputs.size(); ++task) {
        const std::size_t values =
            std::size_t{kernels::forest_score_width(job_.plan.class_count)} *
            share(static_cast<TaskIndex>(task), scored_rows, job_.plan.row_count).second;
        const std::size_t due = values * sizeof(double) * (job_.plan.oob_score ? 2 : 1);
        if (outputs[task].size() != due) {
            return bad_task(
                task, {ErrorCode::ShapeMismatch,
                       std::to_string(outputs[task].size()) + " bytes of scores, not " +
                           std::to_string(due) + ": the worker that sent it runs another kernel"});
        }
        ByteReader reader{outputs[task]};
        for (std::size_t i = 0; i < values; ++i) scores_.push_back(reader.number<double>());
        while (reader.left() > 0) out_of_bag_.push_back(reader.number<double>());
    }
    phase_ = Phase::Finished;
    return {};
}

void ForestProgram::write_state(ByteWriter& state) const {
    state.number(job_.plan.row_count);
    state.number(job_.plan.feature_count);
    state.number(job_.tree_count);
    state.number(static_cast<std::uint32_t>(phase_));
    state.number(static_cast<std::uint64_t>(forest_.size()));
    state.bytes(forest_);
    for (const auto* const numbers : {&importances_, &scores_, &out_of_bag_}) {
        state.numbers(std::span{*numbers});
    }
}

bool ForestProgram::read_state(ByteReader& state) {
    const kernels::ForestPlan& plan = job_.plan;
    if (state.number<std::uint32_t>() != plan.row_count ||
        state.number<std::uint32_t>() != plan.feature_count ||
        state.number<std::uint32_t>() != job_.tree_count) {
        return false;
    }
    const auto phase = state.number<std::uint32_t>();
    const auto size = state.number<std::uint64_t>();
    if (phase > static_cast<std::uint32_t>(Phase::Finished) || size > state.left()) return false;
    phase_ = static_cast<Phase>(phase);
    const ByteSpan forest = state.bytes(static_cast<std::size_t>(size));
    if (phase_ == Phase::Growing ? !forest.empty() : !kernels::decode_forest(forest)) return false;
    forest_.assign(forest.begin(), forest.end());
    const std::size_t features = phase_ == Phase::Growing ? 0 : plan.feature_count;
    const std::size_t values =
        phase_ == Phase::Finished
            ? std::size_t{plan.row_count} * kernels::forest_score_width(plan.class_count)
            : 0;
    if (state.left() != (features + values * (plan.oob_score ? 2 : 1)) * sizeof(double)) {
        return false;
    }
    read_doubles(state, features, importances_);
    read_doubles(state, values, scores_);
    read_doubles(state, plan.oob_score ? values : 0, out_of_bag_);
    return true;
}

Progress ForestProgram::progress() const {
    if (phase_ == Phase::Growing) return {};  // Its tasks tell.
    return {phase_ == Phase::Scoring ? 0.9 : 1.0,
            {{"trees", static_cast<double>(job_.tree_count)}}};
}

ForestScoresProgram::ForestScoresProgram(ForestScoresPlan plan)
    : ScoresProgram{"PFS1", {plan.shards, values_of_shards(plan)}},
      forest_{std::move(plan.forest)} {}

Round ForestScoresProgram::only_round() const {
    return {"forest_scores", 1, {forest_}, task_count()};
}

}  // namespace netcompute::programs
