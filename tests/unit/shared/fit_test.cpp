// A whole training in one task: against the same training made by hand, and through what may be
// wrong.
#include "boosting_table.hpp"
#include "training_blobs.hpp"
#include <netcompute/kernels/kernel.hpp>
#include <netcompute/kernels/tile.hpp>
#include <netcompute/programs/boosted_scores.hpp>
#include <netcompute/programs/boosting.hpp>
#include <netcompute/programs/fit.hpp>

#include <gmock/gmock.h>

#include <cmath>

namespace netcompute::programs {
namespace {

using testing::BlobMap;
using ::testing::HasSubstr;
using testing::TrainingData;

constexpr std::uint32_t rows = 300;

/// Every third row is held out, every seventh of the others is not used.
Bytes some_roles(std::uint32_t count) {
    Bytes roles(count);
    for (std::uint32_t row = 0; row < count; ++row) {
        const auto role = row % 3 == 0   ? RowRole::HeldOut
                          : row % 7 == 1 ? RowRole::Unused
                                         : RowRole::Training;
        roles[row] = static_cast<std::byte>(role);
    }
    return roles;
}

std::vector<std::uint32_t> rows_of(const Bytes& roles, RowRole role) {
    std::vector<std::uint32_t> found;
    for (std::uint32_t row = 0; row < roles.size(); ++row) {
        if (roles[row] == static_cast<std::byte>(role)) found.push_back(row);
    }
    return found;
}

Result<Bytes> run_fit(const std::vector<Bytes>& inputs) {
    const std::vector<ByteSpan> spans(inputs.begin(), inputs.end());
    return kernels::run_once(*kernels::find_kernel("fit", 2), spans);
}

/// The scores that a fit gives; a failure is no output here.
std::vector<double> scores_of(const std::vector<Bytes>& inputs, std::size_t count) {
    const auto output = run_fit(inputs);
    EXPECT_TRUE(output) << output.error().message;
    const auto found = decode_fit(output.value(), count);
    EXPECT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->failure, "");
    return found->scores;
}

/// Random features whose values come in two tiles, and whose second column is far from standard.
struct LinearTable {
    LinearTable() : data{testing::random_training_data({200, 100}, 3, 5)} {
        for (std::size_t tile = 0; tile < 2; ++tile) {
            const auto features = *kernels::decode_tile(data.feature_tiles[tile]);
            const auto label = *kernels::decode_tile(data.label_tiles[tile]);
            std::vector<double> values{features.values.begin(), features.values.end()};
            for (std::uint32_t row = 0; row < features.row_count; ++row) {
                values[features.row_count + row] = 1000 + 50 * values[features.row_count + row];
            }
            for (std::uint32_t c = 0; c < 3; ++c) {
                columns[c].insert(columns[c].end(), values.begin() + c * features.row_count,
                                  values.begin() + (c + 1) * features.row_count);
            }
            data.feature_tiles[tile] = kernels::encode_tile(features.row_count, 3, values);
            labels.insert(labels.end(), label.values.begin(), label.values.end());
        }
    }

    [[nodiscard]] std::vector<Bytes> inputs(const Bytes& roles, const LogisticFit& params) const {
        return {encode_fit_table({FitFamily::LogisticRegression, rows, 3}),
                kernels::encode_tile(rows, 1, labels),
                data.feature_tiles[0],
                data.feature_tiles[1],
                roles,
                encode_fit(params)};
    }

    TrainingData data;
    std::vector<double> columns[3];
    std::vector<double> labels;
};

// The training rows are standardised by themselves, and the others by the training rows' figures.
TEST(FitTest, ALogisticRegressionIsThatOfTheTrainingRowsAlone) {
    const LinearTable table;
    const Bytes roles = some_roles(rows);
    const auto training = rows_of(roles, RowRole::Training);
    const auto held_out = rows_of(roles, RowRole::HeldOut);
    const auto standardised = [&](const std::vector<std::uint32_t>& which) {
        std::vector<double> values;
        for (const auto& column : table.columns) {
            double sum = 0;
            double squares = 0;
            for (const auto row : training) sum += column[row];
            const double mean = sum / static_cast<double>(training.size());
            for (const auto row : training) squares += (column[row] - mean) * (column[row] - mean);
            const double deviation = std::sqrt(squares / static_cast<double>(training.size()));
            for (const auto row : which) values.push_back((column[row] - mean) / deviation);
        }
        return kernels::encode_tile(static_cast<std::uint32_t>(which.size()), 3, values);
    };
    std::vector<double> labels;
    for (const auto row : training) labels.push_back(table.labels[row]);
    BlobMap blobs;
    const auto count = static_cast<std::uint32_t>(training.size());
    TrainPlan plan{{{blobs.add(standardised(training)),
                     blobs.add(kernels::encode_tile(count, 1, labels)), count}},
                   3,
                   0.5};
    TrainProgram by_hand{plan};
    ASSERT_TRUE(run_in_process(by_hand, blobs.source()));
    PredictProgram scoring{{{blobs.add(standardised(held_out))},
                            {static_cast<std::uint32_t>(held_out.size())},
                            by_hand.model()}};
    ASSERT_TRUE(run_in_process(scoring, blobs.source()));

    const auto scores = scores_of(table.inputs(roles, {0.5, 100}), held_out.size());
    for (std::size_t i = 0; i < scores.size(); ++i) {
        EXPECT_NEAR(scores[i], scoring.scores()[i], 1e-9);
    }
}

// Labels and features of rows that are held out or unused change nothing that is learned.
TEST(FitTest, NothingOfOtherRowsLeaksIntoAModel) {
    LinearTable table;
    const Bytes roles = some_roles(rows);
    const auto held_out = rows_of(roles, RowRole::HeldOut);
    const auto before = scores_of(table.inputs(roles, {1, 100}), held_out.size());
    for (std::uint32_t row = 0; row < rows; ++row) {
        if (roles[row] != static_cast<std::byte>(RowRole::Training)) table.labels[row] = 0.25;
    }
    EXPECT_EQ(scores_of(table.inputs(roles, {1, 100}), held_out.size()), before);
    for (Bytes& tile : table.data.feature_tiles) {
        const auto view = *kernels::decode_tile(tile);
        std::vector<double> values{view.values.begin(), view.values.end()};
        const std::uint32_t first = view.row_count == 200 ? 0 : 200;
        for (std::uint32_t row = 3; row < view.row_count; ++row) {
            if (roles[first + row] != static_cast<std::byte>(RowRole::Training)) values[row] *= 9;
        }
        tile = kernels::encode_tile(view.row_count, 3, values);
    }
    EXPECT_EQ(scores_of(table.inputs(roles, {1, 100}), held_out.size()).front(), before.front());
}

TEST(FitTest, BoostedTreesAreThoseOfTheTrainingRowsAlone) {
    const auto data = testing::random_boosting_data(rows, 10, 3);
    const Bytes roles = some_roles(rows);
    const auto taken = [&](RowRole role) {
        testing::BoostingData part;
        const auto which = rows_of(roles, role);
        for (const auto& column : data.columns) {
            auto& to = part.columns.emplace_back();
            for (const auto row : which) to.push_back(column[row]);
        }
        for (const auto row : which) part.labels.push_back(data.labels[row]);
        return part;
    };
    const auto training = taken(RowRole::Training);
    const auto held_out = taken(RowRole::HeldOut);
    BoostingFit params{training.plan(), 12};
    params.plan.subsample = 0.7;
    params.plan.seed = 4;
    BlobMap blobs;
    BoostingJob job;
    job.plan = params.plan;
    job.tree_count = params.tree_count;
    job.labels = {blobs.add(training.label_tile())};
    for (const Bytes& group : training.groups()) job.bins.push_back(blobs.add(group));
    BoostingProgram by_hand{std::move(job)};
    ASSERT_TRUE(run_in_process(by_hand, blobs.source()));
    BoostedScoresProgram scoring{
        {{blobs.add(held_out.block(0, 10))}, {held_out.rows()}, by_hand.result_bytes()}};
    ASSERT_TRUE(run_in_process(scoring, blobs.source()));

    std::vector<Bytes> inputs{encode_fit_table({FitFamily::GradientBoosting, rows, 10}),
                              data.label_tile()};
    for (Bytes& group : data.groups()) inputs.push_back(std::move(group));
    inputs.push_back(roles);
    inputs.push_back(encode_fit(params));
    EXPECT_EQ(scores_of(inputs, held_out.rows()), scoring.scores());
}

/// A fit of each family: its table, labels and parameters, over tiles or bins.
struct FamilyCase {
    FitTable table;
    std::vector<double> labels;
    Bytes params;
    std::size_t width = 1;
};

std::vector<FamilyCase> family_cases(std::uint32_t features) {
    std::vector<double> classes(rows);
    std::vector<double> numbers(rows);
    for (std::uint32_t row = 0; row < rows; ++row) {
        classes[row] = row * 7 % 5 % 4;
        numbers[row] = std::sin(row) * 40 + row % 9;
    }
    kernels::BoostingPlan of_numbers;
    of_numbers.row_count = rows;
    of_numbers.feature_count = features;
    of_numbers.objective = kernels::BoostingObjective::SquaredError;
    kernels::BoostingPlan of_classes = of_numbers;
    of_classes.objective = kernels::BoostingObjective::Softmax;
    of_classes.class_count = 4;
    kernels::ForestPlan forest;
    forest.row_count = rows;
    forest.feature_count = features;
    forest.max_features = 2;
    forest.class_count = 0;
    kernels::ForestPlan forest_of_classes = forest;
    forest_of_classes.class_count = 4;
    const auto table = [&](FitFamily family, std::uint32_t class_count) {
        return FitTable{family, rows, features, class_count};
    };
    NetworkFit network;
    network.job.plan.form = {kernels::Activation::Relu, 0, {features, 6, 1}};
    network.job.plan.epochs_max = 5;
    NetworkFit network_of_classes = network;
    network_of_classes.job.plan.form = {kernels::Activation::Tanh, 4, {features, 6, 4}};
    return {
        {table(FitFamily::NaiveBayes, 4), classes, encode_fit(NaiveBayesFit{}), 4},
        {table(FitFamily::NeuralNetwork, 0), numbers, encode_fit(network)},
        {table(FitFamily::NeuralNetwork, 4), classes, encode_fit(network_of_classes), 4},
        {table(FitFamily::NearestNeighbors, 0), numbers, encode_fit(NeighborsFit{5, true})},
        {table(FitFamily::NearestNeighbors, 4), classes, encode_fit(NeighborsFit{5, false}), 4},
        {table(FitFamily::LogisticRegression, 4), classes, encode_fit(LogisticFit{}), 4},
        {table(FitFamily::LinearRegression, 0), numbers, encode_fit(LinearFit{})},
        {table(FitFamily::LinearRegression, 0), numbers,
         encode_fit(LinearFit{LinearPenalty::ElasticNet, 1000, 0.1, 0.5, 1e-8})},
        {table(FitFamily::GradientBoosting, 0), numbers, encode_fit(BoostingFit{of_numbers, 5})},
        {table(FitFamily::GradientBoosting, 4), classes, encode_fit(BoostingFit{of_classes, 8}), 4},
        {table(FitFamily::Forest, 0), numbers, encode_fit(ForestFit{forest, 3})},
        {table(FitFamily::Forest, 4), classes, encode_fit(ForestFit{forest_of_classes, 3}), 4}};
}

// Whatever a family takes from labels (a base, a scale, a shift) it takes from the training rows.
TEST(FitTest, NoFamilySeesLabelsOfOtherRows) {
    const LinearTable tiles;
    const auto bins = testing::random_boosting_data(rows, 3, 3);
    const Bytes roles = some_roles(rows);
    const auto held_out = rows_of(roles, RowRole::HeldOut);
    for (const FamilyCase& each : family_cases(3)) {
        SCOPED_TRACE(static_cast<std::uint32_t>(each.table.family));
        const auto inputs = [&](const std::vector<double>& labels) {
            std::vector<Bytes> all{encode_fit_table(each.table),
                                   kernels::encode_tile(rows, 1, labels)};
            const bool are_bins = each.table.family == FitFamily::GradientBoosting ||
                                  each.table.family == FitFamily::Forest;
            for (const Bytes& part : are_bins ? bins.groups() : tiles.data.feature_tiles) {
                all.push_back(part);
            }
            all.push_back(roles);
            all.push_back(each.params);
            return all;
        };
        const std::size_t count = held_out.size() * each.width;
        const auto scores = scores_of(inputs(each.labels), count);
        EXPECT_NE(scores.front(), scores.back());
        auto labels = each.labels;
        for (std::uint32_t row = 0; row < rows; ++row) {
            if (roles[row] != static_cast<std::byte>(RowRole::Training)) labels[row] = 1e4;
        }
        EXPECT_EQ(scores_of(inputs(labels), count), scores);
        // Of another number of classes, these are no parameters, where they depend on it.
        if (each.table.family == FitFamily::NaiveBayes ||
            each.table.family == FitFamily::NearestNeighbors) {
            continue;
        }
        auto other = inputs(each.labels);
        other[0] = encode_fit_table({each.table.family, rows, 3, each.table.class_count + 200});
        const auto refused = run_fit(other);
        EXPECT_FALSE(refused);
    }
}

/// The same bins, in which some rows have the first three columns of others.
testing::BoostingData with_moved(testing::BoostingData data, std::uint32_t first,
                                 std::uint32_t count, const std::vector<std::uint32_t>& which,
                                 const std::vector<std::uint32_t>& order) {
    for (std::uint32_t c = first; c < first + count; ++c) {
        const auto before = data.columns[c];
        for (std::size_t i = 0; i < which.size(); ++i) {
            data.columns[c][which[i]] = before[which[order[i]]];
        }
    }
    return data;
}

// What a fit says of permuted rows is what the same fit says where the table has them permuted.
TEST(FitTest, PermutedRowsAreThoseOfAPermutedTable) {
    const auto data = testing::random_boosting_data(rows, 10, 3);
    const Bytes roles = some_roles(rows);
    const auto held_out = rows_of(roles, RowRole::HeldOut);
    const auto count = static_cast<std::uint32_t>(held_out.size());
    const FitPermutations permutations{2, 77, {1, 8, 1}};
    const FitTable of_bins{FitFamily::GradientBoosting, rows, 10, 2};
    const auto inputs = [&](const testing::BoostingData& table, const Bytes& header) {
        std::vector<Bytes> all{header, table.label_tile()};
        for (Bytes& group : table.groups()) all.push_back(std::move(group));
        all.push_back(roles);
        all.push_back(encode_fit(BoostingFit{table.plan(), 12}));
        return all;
    };
    const auto told = scores_of(inputs(data, encode_fit_table(of_bins, permutations)), 7 * count);
    std::size_t at = 0;
    const auto next = [&] {
        const std::vector<double> part(told.begin() + static_cast<std::ptrdiff_t>(at),
                                       told.begin() + static_cast<std::ptrdiff_t>(at + count));
        at += count;
        return part;
    };
    EXPECT_EQ(next(), scores_of(inputs(data, encode_fit_table(of_bins)), count));
    std::uint32_t first = 0;
    for (std::uint32_t column = 0; column < 3; ++column) {
        const std::uint32_t features = permutations.features_of_columns[column];
        for (std::uint32_t repeat = 0; repeat < 2; ++repeat) {
            const auto order = fit_permutation(77, column, repeat, count);
            const auto moved = with_moved(data, first, features, held_out, order);
            EXPECT_EQ(next(), scores_of(inputs(moved, encode_fit_table(of_bins)), count))
                << "column " << column;
        }
        first += features;
    }

    LinearTable tiles;
    const FitTable of_tiles{FitFamily::LogisticRegression, rows, 3, 2};
    auto all = tiles.inputs(roles, {1, 100});
    all[0] = encode_fit_table(of_tiles, {1, 5, {1, 2}});
    const auto said = scores_of(all, 3 * count);
    const auto order = fit_permutation(5, 1, 0, count);
    for (const std::uint32_t c : {1U, 2U}) {
        const auto before = tiles.columns[c];
        for (std::uint32_t i = 0; i < count; ++i) {
            tiles.columns[c][held_out[i]] = before[held_out[order[i]]];
        }
    }
    std::vector<double> values;
    for (const auto& column : tiles.columns) {
        values.insert(values.end(), column.begin(), column.end());
    }
    const auto of_moved = scores_of({encode_fit_table(of_tiles), all[1],
                                     kernels::encode_tile(rows, 3, values), roles, all.back()},
                                    count);
    EXPECT_EQ(std::vector<double>(said.end() - count, said.end()), of_moved);

    const auto refusal = [&](const FitPermutations& bad) {
        auto refused = all;
        refused[0] = encode_fit_table(of_tiles, bad);
        const auto output = run_fit(refused);
        return output ? "accepted" : output.error().message;
    };
    EXPECT_THAT(refusal({1, 5, {1, 1}}), HasSubstr("permutations of 2 columns are none"));
    EXPECT_THAT(refusal({1, 5, {3, 0}}), HasSubstr("permutations of 2 columns are none"));
    EXPECT_THAT(refusal({101, 5, {3}}), HasSubstr("101 permutations"));
}

// A model that cannot be found is what the fit says, not an error of its task: others may be found.
TEST(FitTest, AFitThatFindsNoModelSaysWhy) {
    const LinearTable table;
    const auto output = run_fit(table.inputs(some_roles(rows), {1, 1}));
    ASSERT_TRUE(output) << output.error().message;
    const auto found = decode_fit(*output, 100);
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_THAT(found->failure, HasSubstr("after 1 iterations"));
    EXPECT_TRUE(found->scores.empty());
    EXPECT_FALSE(decode_fit(ByteSpan{*output}.first(16), 0));
}

TEST(FitTest, RefusesWhatIsNoSuchTask) {
    const LinearTable table;
    const Bytes roles = some_roles(rows);
    const auto good = table.inputs(roles, {1, 100});
    const auto refusal = [&](std::size_t input, const Bytes& bytes) {
        auto bad = good;
        bad[input] = bytes;
        const auto output = run_fit(bad);
        return output ? "accepted" : output.error().message;
    };
    EXPECT_THAT(refusal(0, encode_fit_table({FitFamily::LogisticRegression, rows, 4, 2})),
                HasSubstr("a tile of 3 features where there are 4"));
    EXPECT_THAT(refusal(0, encode_fit_table({FitFamily::LogisticRegression, 1U << 21, 3})),
                HasSubstr("is none that it takes"));
    EXPECT_THAT(refusal(1, kernels::encode_tile(2, 1, std::vector<double>{0, 1})),
                HasSubstr("labels of 2 rows"));
    EXPECT_THAT(refusal(4, some_roles(rows - 1)), HasSubstr("299 roles for 300 rows"));
    EXPECT_THAT(refusal(4, Bytes(rows, std::byte{3})), HasSubstr("none of 0, 1 and 2"));
    EXPECT_THAT(refusal(4, Bytes(rows, std::byte{1})), HasSubstr("0 rows that are held out"));
    EXPECT_THAT(refusal(5, encode_fit(LogisticFit{-1, 100})), HasSubstr("out of range"));
    EXPECT_THAT(refusal(5, encode_fit(LogisticFit{std::nan(""), 100})), HasSubstr("out of range"));
    EXPECT_THAT(refusal(5, encode_fit(LogisticFit{1, 0})), HasSubstr("out of range"));
}

}  // namespace
}  // namespace netcompute::programs
