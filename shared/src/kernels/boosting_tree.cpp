#include "boosting_search.hpp"
#include <netcompute/assert.hpp>
#include <netcompute/random.hpp>

#include <algorithm>
#include <numeric>

namespace netcompute::kernels {
namespace {

/// A gain below this is rounding (XGBoost's kRtEps).
constexpr double gain_min = 1e-6;
/// Streams of the plan's seed: one for the columns of each tree, others for its rows.
constexpr std::uint64_t column_streams = std::uint64_t{1} << 32;

/// The gradient as far as the L1 penalty leaves it.
double shrunk(double gradient, double alpha) {
    if (gradient > alpha) return gradient - alpha;
    if (gradient < -alpha) return gradient + alpha;
    return 0;
}

double leaf_value(double gradient, double hessian, const BoostingPlan& plan) {
    const double curvature = hessian + plan.reg_lambda;
    if (!(curvature > 0)) return 0;
    return -shrunk(gradient, plan.reg_alpha) / curvature * plan.learning_rate + 0.0;
}

/// Twice what the loss falls by when rows with these sums get a leaf.
double score(double gradient, double hessian, const BoostingPlan& plan) {
    const double curvature = hessian + plan.reg_lambda;
    if (!(curvature > 0)) return 0;
    const double rest = shrunk(gradient, plan.reg_alpha);
    return rest * rest / curvature;
}

/// Looks at the divisions of one column's bins for a node.
class ColumnSearch {
 public:
    ColumnSearch(const NodeSums& node, std::uint16_t feature, const BoostingPlan& plan,
                 BestSplit& best)
        : node_{node},
          feature_{feature},
          plan_{plan},
          best_{best},
          whole_{score(best.gradient, best.hessian, plan)} {}

    void run(std::span<const GradientSum> bins) {
        const GradientSum missing = bins[missing_bin];
        const bool has_missing = missing.gradient != 0 || missing.hessian != 0;
        GradientSum left;
        // The last bin of all is divided from the missing values only.
        const std::uint32_t end = has_missing ? bins_max : bins_max - 1;
        for (std::uint32_t bin = 0; bin < end; ++bin) {
            if (bins[bin].gradient == 0 && bins[bin].hessian == 0) continue;
            left.gradient += bins[bin].gradient;
            left.hessian += bins[bin].hessian;
            const auto at = static_cast<std::uint8_t>(bin);
            if (!has_missing) {
                consider(left, at, 2 * left.hessian >= node_.sum.hessian);
                continue;
            }
            consider(left, at, false);
            consider({left.gradient + missing.gradient, left.hessian + missing.hessian}, at, true);
        }
    }

 private:
    void consider(GradientSum left, std::uint8_t bin, bool missing_left) {
        const double h_left = static_cast<double>(left.hessian) * node_.hessian_unit;
        const double h_right =
            static_cast<double>(node_.sum.hessian - left.hessian) * node_.hessian_unit;
        if (!(h_left > 0 && h_right > 0) || h_left < plan_.min_child_weight ||
            h_right < plan_.min_child_weight) {
            return;
        }
        const double g_left = static_cast<double>(left.gradient) * node_.gradient_unit;
        const double g_right =
            static_cast<double>(node_.sum.gradient - left.gradient) * node_.gradient_unit;
        const double gain = score(g_left, h_left, plan_) + score(g_right, h_right, plan_) - whole_;
        if (!(gain > best_.gain) || gain <= gain_min || gain < plan_.gamma) return;
        best_.gain = gain;
        best_.gradient_left = g_left;
        best_.hessian_left = h_left;
        best_.feature = feature_;
        best_.bin = bin;
        best_.missing_left = missing_left;
    }

    const NodeSums& node_;
    std::uint16_t feature_;
    const BoostingPlan& plan_;
    BestSplit& best_;
    double whole_;  ///< The score of the node undivided.
};

}  // namespace

BestSplit search_splits(std::span<const GradientSum> histogram, std::uint32_t first_column,
                        std::uint32_t mask, const Units& units, const BoostingPlan& plan) {
    NodeSums node{{}, units.gradient, units.hessian};
    for (const GradientSum& bin : histogram.first(bin_count)) {
        node.sum.gradient += bin.gradient;
        node.sum.hessian += bin.hessian;
    }
    BestSplit best;
    best.gradient = static_cast<double>(node.sum.gradient) * units.gradient;
    best.hessian = static_cast<double>(node.sum.hessian) * units.hessian;
    for (std::uint32_t column = 0; column < bin_group_columns; ++column) {
        if ((mask >> column & 1) == 0) continue;
        ColumnSearch search{node, static_cast<std::uint16_t>(first_column + column), plan, best};
        search.run(histogram.subspan(std::size_t{column} * bin_count, bin_count));
    }
    return best;
}

void keep_better(BestSplit& best, const BestSplit& other) {
    if (other.gain > best.gain) best = other;
}

bool grow_level(GrowingTree& tree, std::span<const BestSplit> best, const BoostingPlan& plan) {
    NETCOMPUTE_ASSERT(best.size() == tree.open_nodes(), "one best split a node");
    BoostedLevel level;
    BoostedLevel children;
    for (const BestSplit& split : best) {
        BoostedNode node;
        if (split.gain > 0) {
            tree.gains.push_back(split.gain);
            node = {split.feature, split.bin, split.missing_left, 0};
            children.push_back(
                {.value = leaf_value(split.gradient_left, split.hessian_left, plan)});
            children.push_back({.value = leaf_value(split.gradient - split.gradient_left,
                                                    split.hessian - split.hessian_left, plan)});
        } else {
            node.value = leaf_value(split.gradient, split.hessian, plan);
        }
        level.push_back(node);
    }
    tree.levels.push_back(std::move(level));
    if (children.empty()) return true;
    if (tree.levels.size() < plan.max_depth) return false;
    tree.levels.push_back(std::move(children));
    return true;
}

std::vector<std::uint32_t> columns_of_tree(const BoostingPlan& plan, std::uint32_t tree) {
    std::vector<std::uint32_t> columns(plan.feature_count);
    std::iota(columns.begin(), columns.end(), 0U);
    if (plan.colsample_bytree >= 1) return columns;
    const double share = plan.colsample_bytree * plan.feature_count;
    const auto count = std::max<std::uint32_t>(1, static_cast<std::uint32_t>(share));
    Philox random{plan.seed, column_streams + tree};
    for (std::uint32_t i = 0; i < count; ++i) {
        const auto other = static_cast<std::uint32_t>(random.next_below(plan.feature_count - i));
        std::swap(columns[i], columns[i + other]);
    }
    columns.resize(count);
    std::sort(columns.begin(), columns.end());
    return columns;
}

std::vector<ColumnMask> column_masks(const BoostingPlan& plan, std::uint32_t tree) {
    std::vector<ColumnMask> masks;
    for (const std::uint32_t column : columns_of_tree(plan, tree)) {
        const std::uint32_t group = column / bin_group_columns;
        if (masks.empty() || masks.back().group != group) masks.push_back({group, 0});
        masks.back().mask |= 1U << column % bin_group_columns;
    }
    return masks;
}

}  // namespace netcompute::kernels
