#include "boosting_table.hpp"
#include "program_checks.hpp"
#include "training_blobs.hpp"
#include <netcompute/programs/forest.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

namespace netcompute::programs {
namespace {

using kernels::ForestNode;
using kernels::ForestPlan;
using kernels::ForestTree;
using testing::BlobMap;
using testing::BoostingData;
using testing::random_boosting_data;

ForestPlan plan_of(const BoostingData& data) {
    ForestPlan plan;
    plan.row_count = data.rows();
    plan.feature_count = data.features();
    plan.max_features = data.features();
    plan.bootstrap = false;
    return plan;
}

ForestJob job_of(const BoostingData& data, const ForestPlan& plan, std::uint32_t trees,
                 BlobMap& blobs, std::optional<std::uint32_t> trees_at_once = {}) {
    ForestJob job{plan, trees, {blobs.add(data.label_tile())}, {}, trees_at_once};
    for (const Bytes& group : data.groups()) job.bins.push_back(blobs.add(group));
    return job;
}

/// A training that has ended.
struct Grown {
    std::vector<ForestTree> trees;
    std::vector<double> importances;
    std::vector<double> scores;  ///< As the program has them.
    std::vector<double> out_of_bag;
    Bytes result;
};

/// Of two classes: what is said of the second one.
std::vector<double> positive(const std::vector<double>& scores) {
    std::vector<double> shares;
    for (std::size_t i = 0; i < scores.size(); i += 2) {
        if (!std::isnan(scores[i])) {
            EXPECT_EQ(scores[i], 1 - scores[i + 1]);
        }
        shares.push_back(scores[i + 1]);
    }
    return shares;
}

Grown grown(const BoostingData& data, const ForestPlan& plan, std::uint32_t trees = 1,
            std::optional<std::uint32_t> trees_at_once = {}) {
    BlobMap blobs;
    ForestProgram program{job_of(data, plan, trees, blobs, trees_at_once)};
    kernels::MemoStore memo{1 << 26};
    const auto ran = run_in_process(program, blobs.source(), {.memo = &memo});
    EXPECT_TRUE(ran) << ran.error().message;
    return {kernels::decode_forest(program.forest()).value().trees, program.importances(),
            program.scores(), program.out_of_bag(), program.result_bytes()};
}

/// The place among the tree's leaves that a row reaches, by its definition.
std::size_t leaf_of(const ForestTree& tree, const BoostingData& data, std::uint32_t row) {
    std::size_t at = 0;
    std::size_t leaves = 0;
    const auto skip = [&] {
        for (std::size_t open = 1; open > 0; ++at) {
            const bool is_leaf = tree.nodes[at].is_leaf();
            open = is_leaf ? open - 1 : open + 1;
            leaves += is_leaf ? 1U : 0U;
        }
    };
    while (!tree.nodes[at].is_leaf()) {
        const ForestNode& node = tree.nodes[at++];
        const std::uint8_t bin = data.columns[node.feature][row];
        if (!(bin == kernels::missing_bin ? node.missing_left : bin <= node.bin)) skip();
    }
    return leaves;
}

TEST(ForestTest, ATreeIsWhatOneWorksOutByHand) {
    // After bin 1: one of 3 is positive, and 3 of 3. Gini falls from 6 * 4/9 to 3 * 4/9, by 4/3;
    // after bin 0 by 2 d^2 / (n l r) = 2 * 16 / 30 only. Then 1 is divided from 0, which is pure.
    const BoostingData data{{{0, 1, 1, 2, 3, 4}}, {0, 0, 1, 1, 1, 1}};
    ForestPlan plan = plan_of(data);
    const Grown whole = grown(data, plan);
    ASSERT_EQ(whole.trees.size(), 1U);
    const ForestTree expected{{{0, 1, true}, {0, 0, false}, {}, {}, {}}, {0, 0.5, 1}};
    EXPECT_EQ(whole.trees[0], expected);
    EXPECT_EQ(positive(whole.scores), (std::vector<double>{0, 0.5, 0.5, 1, 1, 1}));
    EXPECT_EQ(whole.importances, std::vector<double>{1});
    plan.max_depth = 1;
    EXPECT_EQ(grown(data, plan).trees[0].values, (std::vector<double>{1.0 / 3, 1}));
    plan.min_samples_leaf = 4;
    EXPECT_EQ(grown(data, plan).trees[0].values, std::vector<double>{4.0 / 6});
    plan.min_samples_leaf = 2;
    plan.min_samples_split = 7;
    EXPECT_EQ(grown(data, plan).trees[0].values, std::vector<double>{4.0 / 6});
}

TEST(ForestTest, LeavesOfNumbersAreTheirMeans) {
    const BoostingData data{{{0, 0, 1, 1}}, {10, 14, -3, -5}};
    ForestPlan plan = plan_of(data);
    plan.class_count = 0;
    kernels::scale_forest_labels(data.labels, plan);
    EXPECT_EQ(grown(data, plan).scores, (std::vector<double>{12, 12, -4, -4}));
}

TEST(ForestTest, MissingValuesGoToTheSideWhereTheyFit) {
    for (const bool is_random : {false, true}) {
        const BoostingData data{{{0, 1, 2, 255, 255, 2, 1, 0}}, {1, 1, 0, 0, 0, 0, 1, 1}};
        ForestPlan plan = plan_of(data);
        plan.random_cuts = is_random;
        EXPECT_EQ(positive(grown(data, plan).scores), data.labels);
    }
}

/// What the best division of some rows makes the impurity, times the rows, fall by, all of its
/// sums made anew.
double best_decrease(const BoostingData& data, const std::vector<std::uint32_t>& rows,
                     const std::function<double(const std::vector<std::uint32_t>&)>& impurity) {
    double best = -1;
    for (const auto& column : data.columns) {
        for (int bin = 0; bin < 255; ++bin) {
            for (const bool missing_left : {false, true}) {
                std::vector<std::uint32_t> sides[2];
                for (const std::uint32_t row : rows) {
                    const bool left =
                        column[row] == kernels::missing_bin ? missing_left : column[row] <= bin;
                    sides[left ? 0 : 1].push_back(row);
                }
                if (sides[0].empty() || sides[1].empty()) continue;
                best = std::max(best, impurity(rows) - impurity(sides[0]) - impurity(sides[1]));
            }
        }
    }
    return best;
}

/// Holds each split of a tree of all rows against the best of its node.
void expect_best_splits(const BoostingData& data, const Grown& got,
                        const std::function<double(const std::vector<std::uint32_t>&)>& impurity) {
    std::vector<std::vector<std::uint32_t>> open(1);
    for (std::uint32_t row = 0; row < data.rows(); ++row) open[0].push_back(row);
    const double all = impurity(open[0]);
    std::vector<double> decreases(data.features());
    std::size_t splits = 0;
    for (const ForestNode& node : got.trees[0].nodes) {
        const auto rows = open.back();
        open.pop_back();
        if (node.is_leaf()) continue;
        std::vector<std::uint32_t> sides[2];
        for (const std::uint32_t row : rows) {
            const std::uint8_t bin = data.columns[node.feature][row];
            const bool left = bin == kernels::missing_bin ? node.missing_left : bin <= node.bin;
            sides[left ? 0 : 1].push_back(row);
        }
        const double decrease = impurity(rows) - impurity(sides[0]) - impurity(sides[1]);
        EXPECT_NEAR(decrease, best_decrease(data, rows, impurity), 1e-9 * all);
        decreases[node.feature] += decrease;
        ++splits;
        open.push_back(sides[1]);
        open.push_back(sides[0]);
    }
    EXPECT_GT(splits, 10U);
    const double sum = std::accumulate(decreases.begin(), decreases.end(), 0.0);
    for (std::size_t i = 0; i < decreases.size(); ++i) {
        EXPECT_NEAR(got.importances[i], decreases[i] / sum, 1e-9);
    }
}

TEST(ForestTest, EachSplitIsTheBestOfItsNodeByDefinition) {
    BoostingData data = random_boosting_data(300, 11, 5);
    ForestPlan plan = plan_of(data);
    plan.max_depth = 5;
    const auto gini = [&](const std::vector<std::uint32_t>& rows) {
        std::vector<double> counts(3);
        for (const std::uint32_t row : rows) ++counts[static_cast<std::size_t>(data.labels[row])];
        const auto n = static_cast<double>(rows.size());
        double squares = 0;
        for (const double count : counts) squares += count * count;
        return n - squares / n;
    };
    expect_best_splits(data, grown(data, plan), gini);
    for (std::uint32_t row = 0; row < data.rows(); ++row) {
        if (data.columns[1][row] < 10) data.labels[row] = 2;
    }
    plan.class_count = 3;
    const Grown three = grown(data, plan);
    expect_best_splits(data, three, gini);
    for (std::uint32_t row = 0; row < data.rows(); ++row) {
        double sum = 0;
        for (std::size_t k = 0; k < 3; ++k) sum += three.scores[row * 3 + k];
        EXPECT_NEAR(sum, 1, 1e-15);
    }
    Philox random{3};
    for (double& label : data.labels) label = 1e6 + label + random.next_unit();
    plan.class_count = 0;
    kernels::scale_forest_labels(data.labels, plan);
    expect_best_splits(data, grown(data, plan), [&](const std::vector<std::uint32_t>& rows) {
        double sum = 0;
        for (const std::uint32_t row : rows) sum += data.labels[row];
        const double mean = sum / static_cast<double>(rows.size());
        double squares = 0;
        for (const std::uint32_t row : rows) {
            squares += (data.labels[row] - mean) * (data.labels[row] - mean);
        }
        return squares;
    });
}

TEST(ForestTest, DrawsAreAsManyAsRowsAndOfAboutTwoThirdsOfThem) {
    ForestPlan plan;
    plan.row_count = 100'003;
    const auto drawn = kernels::forest_draws(plan, 3);
    EXPECT_EQ(std::accumulate(drawn.begin(), drawn.end(), 0U), plan.row_count);
    const auto some = std::count_if(drawn.begin(), drawn.end(), [](auto n) { return n > 0; });
    EXPECT_NEAR(static_cast<double>(some) / plan.row_count, 1 - std::exp(-1.0), 0.005);
    EXPECT_NE(kernels::forest_draws(plan, 4), drawn);
    plan.seed = 1;
    EXPECT_NE(kernels::forest_draws(plan, 3), drawn);
}

TEST(ForestTest, OutOfBagScoresAreThoseOfTreesThatDidNotDrawTheRow) {
    const BoostingData data = random_boosting_data(200, 5, 9);
    ForestPlan plan = plan_of(data);
    plan.bootstrap = true;
    plan.oob_score = true;
    plan.max_features = 2;
    constexpr std::uint32_t trees = 4;
    const Grown got = grown(data, plan, trees);
    const auto scores = positive(got.scores);
    const auto out_of_bag = positive(got.out_of_bag);
    for (std::uint32_t row = 0; row < data.rows(); ++row) {
        double all = 0;
        double out = 0;
        double heard = 0;
        for (std::uint32_t tree = 0; tree < trees; ++tree) {
            const double said = got.trees[tree].values[leaf_of(got.trees[tree], data, row)];
            all += said;
            if (kernels::forest_draws(plan, tree)[row] > 0) continue;
            out += said;
            ++heard;
        }
        EXPECT_EQ(scores[row], all / trees);
        if (heard > 0) {
            EXPECT_EQ(out_of_bag[row], out / heard);
        } else {
            EXPECT_TRUE(std::isnan(out_of_bag[row]));
        }
    }
}

TEST(ForestTest, TreesAreTheSameWhicheverTaskGrowsThem) {
    const BoostingData data = random_boosting_data(2000, 9, 2);
    ForestPlan plan = plan_of(data);
    plan.bootstrap = true;
    plan.max_features = 3;
    const Grown one = grown(data, plan, 7, 1);
    EXPECT_EQ(grown(data, plan, 7, 7).result, one.result);
    EXPECT_EQ(grown(data, plan, 7, 3).importances, one.importances);
    plan.seed = 1;
    EXPECT_NE(grown(data, plan, 7, 1).result, one.result);
}

TEST(ForestTest, RowsInAnotherOrderAndColumnsThatAreConstantChangeNoTree) {
    BoostingData data = random_boosting_data(500, 4, 8);
    const ForestPlan plan = plan_of(data);
    const Grown before = grown(data, plan);
    for (auto& column : data.columns) std::reverse(column.begin(), column.end());
    std::reverse(data.labels.begin(), data.labels.end());
    EXPECT_EQ(grown(data, plan).trees, before.trees);
    // The node looks on while all that it has seen is constant.
    BoostingData constant{{std::vector<std::uint8_t>(500, 3), data.columns[0]}, data.labels};
    ForestPlan one = plan_of(constant);
    one.max_features = 1;
    EXPECT_GT(grown(constant, one).trees[0].nodes.size(), 1U);
}

TEST(ForestTest, ForestsLearnWhatOneTreeLearnsTooWell) {
    const BoostingData data = random_boosting_data(4000, 8, 3);
    ForestPlan plan = plan_of(data);
    plan.bootstrap = true;
    plan.oob_score = true;
    plan.max_features = 3;
    const auto out_of_bag = [&](std::uint32_t trees) {
        const auto shares = positive(grown(data, plan, trees).out_of_bag);
        double right = 0;
        double heard = 0;
        for (std::uint32_t row = 0; row < data.rows(); ++row) {
            if (std::isnan(shares[row])) continue;
            right += (shares[row] > 0.5) == (data.labels[row] == 1) ? 1 : 0;
            ++heard;
        }
        return right / heard;
    };
    EXPECT_GT(out_of_bag(40), out_of_bag(1) + 0.03);
    plan.bootstrap = false;
    plan.oob_score = false;
    plan.random_cuts = true;
    const Grown extra = grown(data, plan, 5);
    EXPECT_EQ(positive(extra.scores), data.labels) << "without draws every leaf is pure";
}

TEST(ForestTest, ATreeWithTooManyLeavesIsAnErrorThatSaysWhatToDo) {
    const BoostingData data = random_boosting_data(300, 3, 1);
    ForestPlan plan = plan_of(data);
    plan.leaves_max = 10;
    BlobMap blobs;
    ForestProgram program{job_of(data, plan, 1, blobs)};
    const auto ran = run_in_process(program, blobs.source());
    ASSERT_FALSE(ran);
    EXPECT_NE(ran.error().message.find("more than 10 leaves"), std::string::npos)
        << ran.error().message;
}

TEST(ForestTest, AProgramGoesOnFromEachOfItsStates) {
    const BoostingData data = random_boosting_data(600, 5, 4);
    ForestPlan plan = plan_of(data);
    plan.bootstrap = true;
    plan.oob_score = true;
    BlobMap blobs;
    const ForestJob job = job_of(data, plan, 5, blobs, 2);
    const std::size_t boundaries = testing::expect_restarts_to_change_nothing(
        [&] { return std::make_unique<ForestProgram>(job); }, blobs.source(),
        testing::expect_a_cut_checkpoint_to_be_refused);
    EXPECT_EQ(boundaries, 3);
}

TEST(ForestTest, OutputsThatAreNoTreesAreRefused) {
    const BoostingData data = random_boosting_data(50, 2, 4);
    BlobMap blobs;
    ForestProgram program{job_of(data, plan_of(data), 1, blobs)};
    const auto round = program.round();
    Bytes output = run_task(program, *round, 0, blobs.source()).value();
    output.pop_back();
    const ByteSpan spans[] = {output};
    RoundWork work{spans};
    const auto folded = program.finish_round(spans, work);
    ASSERT_FALSE(folded);
    EXPECT_NE(folded.error().message.find("task 0"), std::string::npos);
}

}  // namespace
}  // namespace netcompute::programs
