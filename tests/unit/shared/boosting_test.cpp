#include "boosting_table.hpp"
#include "training_blobs.hpp"
#include <netcompute/programs/boosted_scores.hpp>
#include <netcompute/programs/boosting.hpp>
#include <netcompute/programs/local_blobs.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <memory>

namespace netcompute::programs {
namespace {

using kernels::BoostedNode;
using kernels::BoostedTree;
using kernels::BoostingObjective;
using kernels::BoostingPlan;
using testing::BlobMap;
using testing::BoostingData;
using testing::random_boosting_data;

BoostingJob job_of(const BoostingData& data, const BoostingPlan& plan, std::uint32_t trees,
                   BlobMap& blobs, std::uint32_t trees_at_once = 0) {
    BoostingJob job{plan, trees, {blobs.add(data.label_tile())}, {}, trees_at_once};
    for (const Bytes& group : data.groups()) job.bins.push_back(blobs.add(group));
    return job;
}

/// A training that has ended.
struct Boosted {
    std::vector<BoostedTree> trees;
    std::vector<double> gains;
    std::vector<double> scores;
    Bytes result;
};

Boosted finished(const BoostingProgram& program, std::uint32_t features) {
    return {kernels::read_trees(program.trees(), features).value(), program.gains(),
            program.scores(), program.result_bytes()};
}

Boosted boosted(const BoostingData& data, const BoostingPlan& plan, std::uint32_t trees = 1,
                std::uint32_t trees_at_once = 0) {
    BlobMap blobs;
    BoostingProgram program{job_of(data, plan, trees, blobs, trees_at_once)};
    kernels::MemoStore memo{1 << 26};
    const auto ran = run_in_process(program, blobs.source(), {.memo = &memo});
    EXPECT_TRUE(ran) << ran.error().message;
    return finished(program, data.features());
}

double log_loss(const BoostingData& data, const std::vector<double>& scores) {
    double sum = 0;
    for (std::size_t row = 0; row < scores.size(); ++row) {
        sum += math::softplus(data.labels[row] == 1 ? -scores[row] : scores[row]);
    }
    return sum / static_cast<double>(scores.size());
}

/// Six rows of one column, whose first tree follows from G = sum(p - y), H = sum(p (1 - p)),
/// p = 1/2: to the left of bin 2 are rows of class 0, but for one.
BoostingData six_rows() {
    return {{{0, 1, 1, 2, 3, 4}}, {0, 0, 1, 1, 1, 1}};
}

TEST(BoostingTest, TheFirstTreeIsWhatOneWorksOutByHand) {
    BoostingPlan plan = six_rows().plan();
    plan.max_depth = 1;
    plan.min_child_weight = 0;
    const Boosted got = boosted(six_rows(), plan);
    // Divided after bin 0: left G = 0.5, H = 0.25; right G = -1.5, H = 1.25.
    // Divided after bin 1: left G = 0.5, H = 0.75; right G = -1.5, H = 0.75. After bin 0 is better:
    // 0.25/1.25 + 2.25/2.25 = 1.2 against 0.25/1.75 + 2.25/1.75 = 1.43. So after bin 1.
    ASSERT_EQ(got.trees.size(), 1U);
    const BoostedTree& tree = got.trees[0];
    ASSERT_EQ(tree.size(), 2U);
    // Missing values, of which there are none, would go to the heavier side, or the left one.
    EXPECT_EQ(tree[0][0], (BoostedNode{0, 1, true, 0}));
    EXPECT_DOUBLE_EQ(got.gains[0], 0.25 / 1.75 + 2.25 / 1.75 - 1 / 2.5);
    EXPECT_DOUBLE_EQ(tree[1][0].value, -0.3 * 0.5 / 1.75);
    EXPECT_DOUBLE_EQ(tree[1][1].value, 0.3 * 1.5 / 1.75);
    EXPECT_EQ(got.scores[2], tree[1][0].value);
    EXPECT_EQ(got.scores[3], tree[1][1].value);
}

TEST(BoostingTest, PenaltiesShrinkLeavesAsTheirFormulasSay) {
    BoostingPlan plan = six_rows().plan();
    plan.max_depth = 1;
    plan.min_child_weight = 0;
    plan.reg_lambda = 3;
    plan.reg_alpha = 0.25;
    const Boosted got = boosted(six_rows(), plan);
    EXPECT_DOUBLE_EQ(got.trees[0][1][0].value, -0.3 * (0.5 - 0.25) / (0.75 + 3));
    EXPECT_DOUBLE_EQ(got.trees[0][1][1].value, 0.3 * (1.5 - 0.25) / (0.75 + 3));
}

TEST(BoostingTest, ASplitThatIsWorthTooLittleOrLeavesTooLittleIsNotMade) {
    BoostingPlan plan = six_rows().plan();
    plan.min_child_weight = 0.8;
    EXPECT_TRUE(boosted(six_rows(), plan).trees[0][0][0].is_leaf());
    plan.min_child_weight = 0.75;
    EXPECT_FALSE(boosted(six_rows(), plan).trees[0][0][0].is_leaf());
    plan.gamma = 1.03;  // The gain is 1.028….
    EXPECT_TRUE(boosted(six_rows(), plan).trees[0][0][0].is_leaf());
    plan.gamma = 1.02;
    EXPECT_FALSE(boosted(six_rows(), plan).trees[0][0][0].is_leaf());
}

TEST(BoostingTest, MissingValuesGoToTheSideWhereTheyFit) {
    BoostingPlan plan = BoostingPlan{};
    for (const double label_of_missing : {0.0, 1.0}) {
        BoostingData data{{{}}, {}};
        for (std::uint8_t row = 0; row < 40; ++row) {
            const std::uint8_t bin = row % 4 == 3 ? kernels::missing_bin : row % 4;
            data.columns[0].push_back(bin);
            data.labels.push_back(row % 4 == 3 ? label_of_missing : (bin > 1 ? 1 : 0));
        }
        plan = data.plan();
        plan.max_depth = 1;
        const BoostedNode root = boosted(data, plan).trees[0][0][0];
        EXPECT_EQ(root, (BoostedNode{0, 1, label_of_missing == 0, 0}));
    }
}

TEST(BoostingTest, WhetherAValueIsMissingCanBeAllThatASplitAsks) {
    BoostingData data{{{}}, {}};
    for (std::uint8_t row = 0; row < 40; ++row) {
        data.columns[0].push_back(row % 2 == 0 ? kernels::missing_bin : row % 5);
        data.labels.push_back(row % 2);
    }
    BoostingPlan plan = data.plan();
    plan.max_depth = 1;
    const Boosted got = boosted(data, plan);
    const BoostedNode root = got.trees[0][0][0];
    EXPECT_EQ(root.bin, 4);
    EXPECT_FALSE(root.missing_left);
    EXPECT_GT(got.scores[1], 0);
    EXPECT_LT(got.scores[0], 0);
}

TEST(BoostingTest, SquaredErrorFitsMeans) {
    BoostingData data{{{0, 0, 1, 1}}, {10, 14, -3, -5}};
    BoostingPlan plan = data.plan();
    plan.objective = BoostingObjective::SquaredError;
    plan.max_depth = 1;
    plan.learning_rate = 1;
    plan.reg_lambda = 0;
    const Boosted got = boosted(data, plan);
    EXPECT_DOUBLE_EQ(got.trees[0][1][0].value, 12);
    EXPECT_DOUBLE_EQ(got.trees[0][1][1].value, -4);
}

/// The best division by its definition: each candidate's sums from all rows anew.
double best_gain(const BoostingData& data, const std::vector<double>& scores,
                 const std::vector<std::uint32_t>& rows, const BoostingPlan& plan) {
    const auto gain_of = [&](auto&& goes_left) {
        double g[2] = {};
        double h[2] = {};
        for (const std::uint32_t row : rows) {
            const double p = 1 / (1 + std::exp(-scores[row]));
            const int side = goes_left(row) ? 0 : 1;
            g[side] += p - data.labels[row];
            h[side] += p * (1 - p);
        }
        if (h[0] < plan.min_child_weight || h[1] < plan.min_child_weight) return 0.0;
        const auto score = [&](double a, double b) { return a * a / (b + plan.reg_lambda); };
        return score(g[0], h[0]) + score(g[1], h[1]) - score(g[0] + g[1], h[0] + h[1]);
    };
    double best = 0;
    for (const auto& column : data.columns) {
        for (int bin = 0; bin < 255; ++bin) {
            for (const bool missing_left : {false, true}) {
                best = std::max(best, gain_of([&](std::uint32_t row) {
                                    return column[row] == kernels::missing_bin ? missing_left
                                                                               : column[row] <= bin;
                                }));
            }
        }
    }
    return best;
}

TEST(BoostingTest, EachSplitIsTheBestOfItsNodeByDefinition) {
    const BoostingData data = random_boosting_data(300, 11, 5);
    BoostingPlan plan = data.plan();
    plan.max_depth = 3;
    const Boosted got = boosted(data, plan, 2);
    std::vector<double> scores(data.rows(), 0);
    std::size_t gain = 0;
    for (const BoostedTree& tree : got.trees) {
        std::vector<std::vector<std::uint32_t>> nodes(1);
        for (std::uint32_t row = 0; row < data.rows(); ++row) nodes[0].push_back(row);
        const std::vector<double> before = scores;
        for (const auto& level : tree) {
            std::vector<std::vector<std::uint32_t>> next;
            for (std::size_t i = 0; i < level.size(); ++i) {
                const BoostedNode& node = level[i];
                if (node.is_leaf()) {
                    for (const std::uint32_t row : nodes[i]) scores[row] += node.value;
                    continue;
                }
                EXPECT_NEAR(got.gains[gain++], best_gain(data, before, nodes[i], plan), 1e-4);
                next.resize(next.size() + 2);
                for (const std::uint32_t row : nodes[i]) {
                    const std::uint8_t bin = data.columns[node.feature][row];
                    const bool left =
                        bin == kernels::missing_bin ? node.missing_left : bin <= node.bin;
                    next[next.size() - (left ? 2 : 1)].push_back(row);
                }
            }
            nodes = std::move(next);
        }
    }
    EXPECT_EQ(gain, got.gains.size());
    EXPECT_EQ(scores, got.scores);
}

TEST(BoostingTest, TheLossFallsWithEachTree) {
    const BoostingData data = random_boosting_data(2000, 9, 6);
    double before = std::log(2.0);
    for (const std::uint32_t trees : {1U, 5U, 20U}) {
        const double loss = log_loss(data, boosted(data, data.plan(), trees).scores);
        EXPECT_LT(loss, before);
        before = loss;
    }
}

/// Spreads each round over several workers with memories of their own, in a drawn order; one of
/// them now and then begins with nothing, and some tasks of former rounds are computed again.
Bytes result_spread(const BoostingData& data, const BoostingPlan& plan, std::uint32_t trees,
                    std::uint32_t trees_at_once, std::uint32_t workers) {
    BlobMap blobs;
    BoostingProgram program{job_of(data, plan, trees, blobs, trees_at_once)};
    LocalBlobs local{blobs.source()};
    Philox random{workers};
    std::vector<std::unique_ptr<kernels::MemoStore>> memos;
    for (std::uint32_t i = 0; i < workers; ++i) {
        memos.push_back(std::make_unique<kernels::MemoStore>(1 << 26));
    }
    Bytes before;
    while (const auto round = program.round()) {
        std::vector<Bytes> outputs(round->task_count);
        for (TaskIndex task = 0; task < round->task_count; ++task) {
            auto& memo = memos[random.next_below(workers)];
            if (random.next_below(5) == 0) memo->clear();
            outputs[task] =
                run_task(program, *round, task, local.source(), {.memo = memo.get()}).value();
        }
        if (!before.empty() && random.next_below(3) == 0) {
            BoostingProgram former{job_of(data, plan, trees, blobs, trees_at_once)};
            EXPECT_TRUE(former.restore(before));
            std::ignore =
                run_task(former, *former.round(), 0, local.source(), {.memo = memos[0].get()});
        }
        before = program.checkpoint();
        const std::vector<ByteSpan> spans(outputs.begin(), outputs.end());
        EXPECT_TRUE(local.fold(program, spans));
    }
    return program.result_bytes();
}

TEST(BoostingTest, NeitherWorkersNorMemoriesNorTheKindOfTasksChangeABit) {
    const BoostingData data = random_boosting_data(5000, 21, 7);
    BoostingPlan plan = data.plan();
    plan.subsample = 0.7;
    plan.colsample_bytree = 0.6;
    plan.max_depth = 5;
    const Bytes expected = boosted(data, plan, 12).result;
    EXPECT_EQ(boosted(data, plan, 12, 5).result, expected);
    for (const std::uint32_t workers : {1U, 2U, 7U}) {
        EXPECT_EQ(result_spread(data, plan, 12, 0, workers), expected) << workers;
    }
    EXPECT_EQ(result_spread(data, plan, 12, 3, 2), expected);
}

TEST(BoostingTest, TheOrderOfRowsAndASecondCopyOfAColumnChangeNothing) {
    const BoostingData data = random_boosting_data(700, 9, 8);
    const Bytes expected = boosted(data, data.plan(), 8).result;
    BoostingData reversed = data;
    for (auto& column : reversed.columns) std::ranges::reverse(column);
    std::ranges::reverse(reversed.labels);
    EXPECT_EQ(boosted(reversed, data.plan(), 8).result, expected);
    BoostingData twice = data;
    twice.columns.push_back(data.columns[0]);
    EXPECT_EQ(boosted(twice, twice.plan(), 8).result, expected);
}

/// Two columns in two blocks of rows.
Bytes result_of_two_blocks(const BoostingData& data) {
    BlobMap blobs;
    BoostingPlan plan = data.plan();
    plan.max_depth = 3;
    BoostingJob job{plan, 2, {}, {}, 0};
    for (std::uint32_t begin = 0; begin < data.rows(); begin += kernels::bin_block_rows) {
        const std::uint32_t rows = std::min(kernels::bin_block_rows, data.rows() - begin);
        const std::span labels{data.labels};
        job.labels.push_back(blobs.add(kernels::encode_tile(rows, 1, labels.subspan(begin, rows))));
        Bytes block = kernels::empty_bins(rows, data.features());
        const auto bins = kernels::bins_of_group(block, rows, 0);
        for (std::size_t row = 0; row < rows; ++row) {
            for (std::size_t i = 0; i < data.features(); ++i) {
                bins[row * kernels::bin_group_columns + i] = data.columns[i][begin + row];
            }
        }
        job.bins.push_back(blobs.add(block));
    }
    BoostingProgram program{job};
    kernels::MemoStore memo{1 << 28};
    EXPECT_TRUE(run_in_process(program, blobs.source(), {.memo = &memo}));
    return program.result_bytes();
}

TEST(BoostingTest, RowsOfSeveralBlocksAreOneTable) {
    BoostingData data = random_boosting_data(kernels::bin_block_rows + 5, 2, 3);
    const Bytes result = result_of_two_blocks(data);
    EXPECT_GT(result.size(), 100U);
    for (auto& column : data.columns) std::ranges::reverse(column);
    std::ranges::reverse(data.labels);
    EXPECT_EQ(result_of_two_blocks(data), result);
}

TEST(BoostingTest, SubsamplingDrawsRowsAndColumnsBySeed) {
    const BoostingData data = random_boosting_data(1000, 12, 9);
    BoostingPlan plan = data.plan();
    plan.subsample = 0.5;
    const Bytes first = boosted(data, plan, 3).result;
    EXPECT_EQ(boosted(data, plan, 3).result, first);
    plan.seed = 1;
    EXPECT_NE(boosted(data, plan, 3).result, first);
    plan.colsample_bytree = 0.25;
    for (std::uint32_t tree = 0; tree < 5; ++tree) {
        EXPECT_EQ(kernels::columns_of_tree(plan, tree).size(), 3U);
    }
    EXPECT_NE(kernels::columns_of_tree(plan, 0), kernels::columns_of_tree(plan, 1));
    const Boosted got = boosted(data, plan, 5);
    for (std::uint32_t tree = 0; tree < 5; ++tree) {
        const auto allowed = kernels::columns_of_tree(plan, tree);
        for (const auto& level : got.trees[tree]) {
            for (const BoostedNode& node : level) {
                EXPECT_TRUE(node.is_leaf() || std::ranges::count(allowed, node.feature) == 1);
            }
        }
    }
}

TEST(BoostingTest, OtherRowsAreScoredLikeThoseOfTheTraining) {
    const BoostingData data = random_boosting_data(500, 13, 10);
    const Boosted got = boosted(data, data.plan(), 10);
    const std::vector<Bytes> inputs{got.result, data.block(0, data.features())};
    const std::vector<ByteSpan> spans(inputs.begin(), inputs.end());
    const Bytes output =
        kernels::run_once(*kernels::find_kernel("boosted_scores", 1), spans).value();
    const auto expected = std::as_bytes(std::span{got.scores});
    EXPECT_EQ(output, Bytes(expected.begin(), expected.end()));
}

TEST(BoostingTest, AProgramStopsAndGoesOnAtEachRound) {
    const BoostingData data = random_boosting_data(500, 9, 11);
    for (const std::uint32_t trees_at_once : {0U, 20U}) {
        BlobMap blobs;
        BoostingPlan plan = data.plan();
        plan.min_child_weight = 0;
        plan.learning_rate = 0.005;
        const BoostingJob job = job_of(data, plan, 140, blobs, trees_at_once);
        kernels::MemoStore memo{1 << 26};
        BoostingProgram whole{job};
        ASSERT_TRUE(run_in_process(whole, blobs.source(), {.memo = &memo}));
        auto current = std::make_unique<BoostingProgram>(job);
        LocalBlobs local{blobs.source()};
        while (const auto round = current->round()) {
            std::vector<Bytes> outputs;
            for (TaskIndex task = 0; task < round->task_count; ++task) {
                outputs.push_back(
                    run_task(*current, *round, task, local.source(), {.memo = &memo}).value());
            }
            const std::vector<ByteSpan> spans(outputs.begin(), outputs.end());
            ASSERT_TRUE(local.fold(*current, spans));
            auto restored = std::make_unique<BoostingProgram>(job);
            const Bytes state = current->checkpoint();
            ASSERT_TRUE(restored->restore(state));
            EXPECT_EQ(restored->checkpoint(), state);
            for (std::size_t size = 0; size < state.size(); size += 1 + state.size() / 8) {
                EXPECT_FALSE(restored->restore(ByteSpan{state}.first(size))) << size;
            }
            // What is published is not in the state: that does not grow with the trees.
            EXPECT_TRUE(state.size() < 60'000 || !restored->round());
            current = std::move(restored);
        }
        EXPECT_EQ(current->checkpoint(), whole.checkpoint());
        EXPECT_GT(whole.trees().size(), 66'000U);
        EXPECT_EQ(kernels::read_trees(whole.trees(), data.features()).value().size(), 140U);
    }
}

TEST(BoostingTest, OutputsThatAreNoneAreRefused) {
    const BoostingData data = random_boosting_data(50, 3, 12);
    for (const std::uint32_t trees_at_once : {0U, 2U}) {
        BlobMap blobs;
        const BoostingJob job = job_of(data, data.plan(), 2, blobs, trees_at_once);
        const BoostingProgram first{job};
        const Bytes good = run_task(first, *first.round(), 0, blobs.source()).value();
        std::vector<Bytes> bad(3, good);
        bad[0].pop_back();
        bad[1].clear();
        bad[2][7] = std::byte{0x7f};  // A gain, or a count, beyond all numbers.
        bad[2][6] = std::byte{0xf8};
        for (const Bytes& output : bad) {
            BoostingProgram program{job};
            const ByteSpan span{output};
            RoundWork work{{&span, 1}};
            EXPECT_EQ(program.finish_round({&span, 1}, work).error().code,
                      ErrorCode::ShapeMismatch);
        }
    }
}

/// Random rows of `classes` classes, by bins of the first columns.
BoostingData random_classes(std::uint32_t rows, std::uint32_t features, std::uint32_t classes) {
    BoostingData data = random_boosting_data(rows, features, classes);
    for (std::uint32_t row = 0; row < rows; ++row) {
        const std::uint32_t bin = data.columns[0][row];
        data.labels[row] = (bin * classes / 255 + (data.labels[row] == 1 ? 0 : 1)) % classes;
    }
    return data;
}

BoostingPlan softmax_plan(const BoostingData& data, std::uint32_t classes) {
    BoostingPlan plan = data.plan();
    plan.objective = BoostingObjective::Softmax;
    plan.class_count = classes;
    return plan;
}

TEST(SoftmaxBoostingTest, TheFirstTreesAreWhatOneWorksOutByHand) {
    const BoostingData data{{{0, 0, 1, 1, 2, 2}}, {0, 0, 1, 1, 2, 2}};
    BoostingPlan plan = softmax_plan(data, 3);
    plan.max_depth = 2;
    plan.min_child_weight = 0;
    plan.reg_lambda = 0;
    const Boosted got = boosted(data, plan, 3);
    ASSERT_EQ(got.trees.size(), 3U);
    // Each class has its rows alone in a leaf: p = 1/3, so G = 2 (1/3 - 1) = -4/3 for two rows of
    // the class and 2/3 for two others, H = 2 * 2 * 1/3 * 2/3 = 8/9, and leaves are -0.3 G / H.
    const double own = 0.3 * (4.0 / 3) / (8.0 / 9);
    const double other = -0.3 * (2.0 / 3) / (8.0 / 9);
    for (std::size_t row = 0; row < 6; ++row) {
        for (std::size_t c = 0; c < 3; ++c) {
            EXPECT_NEAR(got.scores[row * 3 + c],
                        data.labels[row] == static_cast<double>(c) ? own : other, 1e-5);
        }
    }
}

TEST(SoftmaxBoostingTest, TreesThatGrowByLevelsAreThoseThatGrowWhole) {
    const BoostingData data = random_classes(700, 11, 4);
    BoostingPlan plan = softmax_plan(data, 4);
    plan.max_depth = 3;
    plan.subsample = 0.8;
    plan.colsample_bytree = 0.7;
    const Boosted by_levels = boosted(data, plan, 12);
    EXPECT_EQ(boosted(data, plan, 12, 5).result, by_levels.result);
    EXPECT_EQ(boosted(data, plan, 12, 12).scores, by_levels.scores);
    // Without a memory everything is made anew for each task.
    BlobMap blobs;
    BoostingProgram program{job_of(data, plan, 12, blobs, 5)};
    kernels::MemoStore none{0};
    ASSERT_TRUE(run_in_process(program, blobs.source(), {.memo = &none}));
    EXPECT_EQ(program.result_bytes(), by_levels.result);
    EXPECT_EQ(program.scores(), by_levels.scores);
}

TEST(SoftmaxBoostingTest, ItsLossFallsAndItsScoresAreThoseOfAPrediction) {
    const BoostingData data = random_classes(900, 9, 3);
    const BoostingPlan plan = softmax_plan(data, 3);
    double before = std::log(3.0);
    for (const std::uint32_t turns : {1U, 5U, 20U}) {
        const Boosted got = boosted(data, plan, 3 * turns);
        double loss = 0;
        for (std::size_t row = 0; row < data.rows(); ++row) {
            const double* const scores = got.scores.data() + 3 * row;
            const double sum = std::exp(scores[0]) + std::exp(scores[1]) + std::exp(scores[2]);
            loss += std::log(sum) - scores[static_cast<std::size_t>(data.labels[row])];
        }
        EXPECT_LT(loss / data.rows(), before * 0.9);
        before = loss / data.rows();
        BlobMap blobs;
        BoostedScoresProgram prediction{
            {{blobs.add(data.block(0, data.features()))}, {data.rows()}, got.result, 3}};
        ASSERT_TRUE(run_in_process(prediction, blobs.source()));
        EXPECT_EQ(prediction.scores(), got.scores);
    }
}

}  // namespace
}  // namespace netcompute::programs
