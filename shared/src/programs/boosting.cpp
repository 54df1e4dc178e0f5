#include "state_blob.hpp"
#include <netcompute/assert.hpp>
#include <netcompute/programs/boosting.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

namespace netcompute::programs {
namespace {

using kernels::BestSplit;

/// Additions to sums that a core makes in a tenth of a second, roughly: what a task takes at least.
constexpr double additions_of_task = 1 << 28;
/// A tree of fewer is grown by one task: six rounds would take longer.
constexpr double additions_alone_max = 1 << 25;

/// The last trees ride in each lease up to this size; then they are published.
constexpr std::size_t last_trees_max = 3000;
/// A published part grows, as a new blob, until it has this size.
constexpr std::size_t part_bytes = std::size_t{32} << 10;
/// Scores of one task.
constexpr std::uint32_t scores_of_task = 1U << 16;

std::uint32_t score_rows(const kernels::BoostingPlan& plan) {
    return scores_of_task / plan.class_count;
}

std::uint32_t score_tasks(const kernels::BoostingPlan& plan) {
    return (plan.row_count + score_rows(plan) - 1) / score_rows(plan);
}

/// Of one tree: about three times each value, and a search through all bins of each node.
double additions_of_tree(const kernels::BoostingPlan& plan) {
    const double nodes = std::min<double>(plan.row_count, 1U << plan.max_depth);
    return plan.feature_count * (3.0 * plan.row_count + 512 * nodes);
}

std::uint32_t plan_trees_at_once(const kernels::BoostingPlan& plan) {
    const double additions = additions_of_tree(plan);
    if (additions > additions_alone_max) return 0;
    return static_cast<std::uint32_t>(std::clamp(additions_of_task / additions, 1.0,
                                                 double{kernels::boosting_trees_at_once_max}));
}

Unexpected bad_output(std::size_t task, const std::string& what) {
    return unexpected(ErrorCode::ShapeMismatch, "task " + std::to_string(task) + ": " + what +
                                                    ": the worker that sent it runs another "
                                                    "kernel");
}

bool is_possible(const BestSplit& split, std::uint32_t feature_count) {
    const bool are_finite = std::isfinite(split.gain) && std::isfinite(split.gradient) &&
                            std::isfinite(split.hessian) && std::isfinite(split.gradient_left) &&
                            std::isfinite(split.hessian_left);
    return are_finite && (split.gain <= 0 || split.feature < feature_count);
}

std::uint64_t split_count(std::span<const kernels::BoostedTree> trees) {
    std::uint64_t count = 0;
    for (const auto& tree : trees) {
        for (const auto& level : tree) count += kernels::nodes_after(level) / 2;
    }
    return count;
}

}  // namespace

BoostingProgram::BoostingProgram(BoostingJob job)
    : ManyRounds{"boosting", "PGB1"}, job_{std::move(job)} {
    const auto blocks = kernels::bin_blocks(job_.plan.row_count);
    NETCOMPUTE_ASSERT(job_.tree_count > 0, "a round has at least one task");
    NETCOMPUTE_ASSERT(job_.labels.size() == blocks, "labels for each block of rows");
    NETCOMPUTE_ASSERT(job_.bins.size() == blocks * kernels::bin_groups(job_.plan.feature_count),
                      "bins for each block of each group");
    trees_at_once_ = job_.trees_at_once.value_or(plan_trees_at_once(job_.plan));
    columns_ = kernels::column_masks(job_.plan, 0);
}

std::uint32_t BoostingProgram::trees_of_round() const {
    return std::min(trees_at_once_, job_.tree_count - tree_);
}

/// How many of trees_ are published, in the last part.
std::size_t BoostingProgram::open_bytes() const {
    if (parts_.size() == gains_of_parts_.size()) return 0;
    return static_cast<std::size_t>(parts_.back().size);
}

std::vector<BlobRef> BoostingProgram::blobs() const {
    std::vector<BlobRef> all = parts_;
    all.insert(all.end(), gains_of_parts_.begin(), gains_of_parts_.end());
    return all;
}

/// What the task of the last round gives back: the full parts, then their gains.
const BlobRef& BoostingProgram::collected(TaskIndex index) const {
    const std::size_t full = gains_of_parts_.size();
    return index < full ? parts_[index] : gains_of_parts_[index - full];
}

std::optional<Round> BoostingProgram::round() const {
    if (phase_ == Phase::Finished) return std::nullopt;
    if (phase_ == Phase::Collecting) {
        return Round{"noop", 1, {}, static_cast<std::uint32_t>(2 * gains_of_parts_.size())};
    }
    const ByteSpan last = ByteSpan{trees_}.subspan(open_bytes());
    kernels::BoostingState state{tree_, {last.begin(), last.end()}, {}};
    ByteWriter levels{state.levels};
    kernels::write_tree(levels, growing_.levels);
    Round round{"boosting_splits", 1, {}, static_cast<std::uint32_t>(columns_.size())};
    if (phase_ == Phase::Scoring) {
        round.kernel = "boosting_scores";
        round.task_count = score_tasks(job_.plan);
    } else if (trees_at_once_ > 0) {
        round.kernel = "boosting_trees";
        round.task_count = 1;
    }
    auto& shared = round.shared_inputs;
    shared.emplace_back(kernels::encode_boosting_plan(job_.plan));
    shared.emplace_back(kernels::encode_boosting_state(state));
    for (const auto* const blobs : {&job_.labels, &job_.bins, &parts_}) {
        shared.insert(shared.end(), blobs->begin(), blobs->end());
    }
    return round;
}

std::vector<TaskInput> BoostingProgram::task_inputs(TaskIndex index) const {
    if (phase_ == Phase::Collecting) return {collected(index)};
    if (phase_ == Phase::Scoring) {
        const std::uint32_t most = score_rows(job_.plan);
        const std::uint32_t begin = index * most;
        return {kernels::encode_boosting_range(begin, std::min(most, job_.plan.row_count - begin))};
    }
    if (trees_at_once_ > 0) return {kernels::encode_boosting_range(0, trees_of_round())};
    return {kernels::encode_column_mask(columns_[index])};
}

Result<void> BoostingProgram::fold(std::span<const ByteSpan> outputs, RoundWork& work) {
    if (phase_ == Phase::Scoring) return fold_scores(outputs);
    if (phase_ == Phase::Collecting) return fold_parts(outputs);
    return trees_at_once_ > 0 ? fold_trees(outputs[0], work) : fold_splits(outputs, work);
}

/// The best of all groups for each node; of equal ones that of the first column.
Result<void> BoostingProgram::fold_splits(std::span<const ByteSpan> outputs, RoundWork& work) {
    std::vector<BestSplit> best;
    for (std::size_t task = 0; task < outputs.size(); ++task) {
        const auto splits = kernels::decode_splits(outputs[task], growing_.open_nodes());
        if (!splits) return unexpected(splits.error());
        for (const BestSplit& split : *splits) {
            if (!is_possible(split, job_.plan.feature_count)) {
                return bad_output(task, "a split is none");
            }
        }
        if (task == 0) best = *splits;
        for (std::size_t i = 0; i < best.size(); ++i) kernels::keep_better(best[i], (*splits)[i]);
    }
    if (!kernels::grow_level(growing_, best, job_.plan)) return {};
    Bytes tree;
    ByteWriter writer{tree};
    kernels::write_tree(writer, growing_.levels);
    add_trees(tree, growing_.gains, 1, work);
    growing_ = {};
    return {};
}

Result<void> BoostingProgram::fold_trees(ByteSpan output, RoundWork& work) {
    const auto grown = kernels::decode_grown_trees(output);
    if (!grown) return unexpected(grown.error());
    const auto trees = kernels::read_trees(grown->trees, job_.plan.feature_count);
    if (!trees) return bad_output(0, trees.error().message);
    const bool are_gains = std::all_of(grown->gains.begin(), grown->gains.end(),
                                       [](double gain) { return std::isfinite(gain) && gain > 0; });
    if (trees->size() != trees_of_round() || !are_gains ||
        split_count(*trees) != grown->gains.size()) {
        return bad_output(0, std::to_string(trees->size()) + " trees with " +
                                 std::to_string(grown->gains.size()) + " gains");
    }
    add_trees(grown->trees, grown->gains, trees_of_round(), work);
    return {};
}

void BoostingProgram::add_trees(ByteSpan trees, std::span<const double> gains, std::uint32_t count,
                                RoundWork& work) {
    trees_.insert(trees_.end(), trees.begin(), trees.end());
    gains_.insert(gains_.end(), gains.begin(), gains.end());
    tree_ += count;
    columns_ = kernels::column_masks(job_.plan, tree_);
    if (tree_ == job_.tree_count) phase_ = Phase::Scoring;
    if (trees_.size() - open_bytes() <= last_trees_max) return;
    if (open_bytes() > 0) parts_.pop_back();
    const bool is_full = trees_.size() >= part_bytes;
    parts_.push_back(work.publish(trees_));
    if (!is_full) return;
    const ByteSpan gains_of_part = std::as_bytes(std::span{gains_});
    gains_of_parts_.push_back(work.publish({gains_of_part.begin(), gains_of_part.end()}));
    trees_.clear();
    gains_.clear();
}

/// The trees as one again. The parts have names, so nobody can give back others.
Result<void> BoostingProgram::fold_parts(std::span<const ByteSpan> outputs) {
    Bytes trees;
    std::vector<double> gains;
    for (std::size_t task = 0; task < outputs.size(); ++task) {
        const BlobRef& part = collected(static_cast<TaskIndex>(task));
        if (outputs[task].size() != part.size || sha256(outputs[task]) != part.sha256) {
            return bad_output(task, "what it gives back is not what it was given");
        }
        if (task < gains_of_parts_.size()) {
            trees.insert(trees.end(), outputs[task].begin(), outputs[task].end());
            continue;
        }
        ByteReader reader{outputs[task]};
        while (reader.left() > 0) gains.push_back(reader.number<double>());
    }
    trees_.insert(trees_.begin(), trees.begin(), trees.end());
    gains_.insert(gains_.begin(), gains.begin(), gains.end());
    parts_.clear();
    gains_of_parts_.clear();
    phase_ = Phase::Finished;
    return {};
}

Result<void> BoostingProgram::fold_scores(std::span<const ByteSpan> outputs) {
    for (std::size_t task = 0; task < outputs.size(); ++task) {
        const std::uint32_t most = score_rows(job_.plan);
        const auto begin = static_cast<std::uint32_t>(task) * most;
        const std::size_t rows = std::min(most, job_.plan.row_count - begin);
        const std::size_t scores = rows * job_.plan.class_count;
        if (outputs[task].size() != scores * sizeof(double)) {
            return bad_output(task, std::to_string(outputs[task].size()) + " bytes of scores for " +
                                        std::to_string(rows) + " rows");
        }
        ByteReader reader{outputs[task]};
        for (std::size_t i = 0; i < scores; ++i) scores_.push_back(reader.number<double>());
    }
    phase_ = Phase::Collecting;
    if (!gains_of_parts_.empty()) return {};
    parts_.clear();
    phase_ = Phase::Finished;
    return {};
}

void BoostingProgram::write_state(ByteWriter& state) const {
    state.number(job_.plan.row_count);
    state.number(job_.plan.feature_count);
    state.number(static_cast<std::uint32_t>(phase_));
    state.number(tree_);
    state.number(static_cast<std::uint64_t>(trees_.size()));
    state.bytes(trees_);
    state.number(static_cast<std::uint64_t>(gains_.size()));
    state.numbers(std::span{gains_});
    state.number(static_cast<std::uint64_t>(parts_.size()));
    for (const BlobRef& part : parts_) write_blob(state, part);
    state.number(static_cast<std::uint64_t>(gains_of_parts_.size()));
    for (const BlobRef& part : gains_of_parts_) write_blob(state, part);
    state.number(static_cast<std::uint64_t>(growing_.gains.size()));
    state.numbers(std::span{growing_.gains});
    Bytes levels;
    ByteWriter writer{levels};
    kernels::write_tree(writer, growing_.levels);
    state.number(static_cast<std::uint64_t>(levels.size()));
    state.bytes(levels);
    state.numbers(std::span{scores_});
}

bool BoostingProgram::read_state(ByteReader& state) {
    const std::uint32_t features = job_.plan.feature_count;
    const auto rows = state.number<std::uint32_t>();
    if (rows != job_.plan.row_count || state.number<std::uint32_t>() != features) return false;
    const auto phase = state.number<std::uint32_t>();
    tree_ = state.number<std::uint32_t>();
    if (phase > static_cast<std::uint32_t>(Phase::Finished) || tree_ > job_.tree_count)
        return false;
    phase_ = static_cast<Phase>(phase);
    const auto bytes_of = [&] {
        const auto size = state.number<std::uint64_t>();
        return size <= state.left() ? state.bytes(static_cast<std::size_t>(size)) : ByteSpan{};
    };
    const auto read_numbers = [&](std::vector<double>& numbers, std::uint64_t count) {
        if (count > state.left() / sizeof(double)) return false;
        numbers.resize(static_cast<std::size_t>(count));
        for (double& number : numbers) number = state.number<double>();
        return true;
    };
    const ByteSpan trees = bytes_of();
    const auto read = kernels::read_trees(trees, features);
    if (!read || read->size() > tree_) return false;
    trees_.assign(trees.begin(), trees.end());
    if (!read_numbers(gains_, state.number<std::uint64_t>())) return false;
    if (gains_.size() != split_count(*read)) return false;
    for (std::vector<BlobRef>* const blobs : {&parts_, &gains_of_parts_}) {
        const auto count = state.number<std::uint64_t>();
        if (count > state.left() / sizeof(BlobRef)) return false;
        blobs->clear();
        for (std::uint64_t i = 0; i < count; ++i) blobs->push_back(read_blob(state));
    }
    const std::size_t full = gains_of_parts_.size();
    if (parts_.size() != full && parts_.size() != full + 1) return false;
    if (open_bytes() > trees_.size() || (full == 0 && read->size() != tree_)) return false;
    growing_ = {};
    if (!read_numbers(growing_.gains, state.number<std::uint64_t>())) return false;
    ByteReader levels{bytes_of()};
    auto growing = kernels::read_tree(levels, features, true);
    if (!growing || !levels.finished()) return false;
    growing_.levels = std::move(*growing);
    if (split_count({&growing_.levels, 1}) != growing_.gains.size()) return false;
    columns_ = kernels::column_masks(job_.plan, tree_);
    const std::uint64_t scores = std::uint64_t{rows} * job_.plan.class_count;
    return read_numbers(scores_, phase_ >= Phase::Collecting ? scores : 0);
}

Progress BoostingProgram::progress() const {
    const double whole = tree_;
    const double levels = static_cast<double>(growing_.levels.size());
    return {(whole + levels / (job_.plan.max_depth + 1)) / job_.tree_count, {{"trees", whole}}};
}

Bytes BoostingProgram::result_bytes() const {
    Bytes bytes;
    ByteWriter writer{bytes};
    writer.number(job_.plan.base_margin);
    writer.bytes(trees_);
    return bytes;
}

}  // namespace netcompute::programs
