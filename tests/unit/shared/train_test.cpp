// Training, against an independent solver, and through everything that may go wrong.
#include "fold_here.hpp"
#include "program_checks.hpp"
#include "training_blobs.hpp"
#include <netcompute/kernels/tile.hpp>
#include <netcompute/programs/train.hpp>

#include <Eigen/Dense>
#include <gmock/gmock.h>

#include <cmath>

namespace netcompute::programs {
namespace {

using testing::BlobMap;
using ::testing::HasSubstr;
using testing::TrainingData;

/// Weights and intercept by iteratively reweighted least squares, with Eigen, far beyond
/// convergence. It shares no code with the program.
Eigen::VectorXd independent_solution(const TrainingData& data, double l2) {
    Eigen::Index rows = 0;
    for (const std::uint32_t count : data.row_counts) rows += count;
    const Eigen::Index size = data.feature_count + 1;
    Eigen::MatrixXd x = Eigen::MatrixXd::Ones(rows, size);
    Eigen::VectorXd y(rows);
    Eigen::Index row = 0;
    for (std::size_t shard = 0; shard < data.row_counts.size(); ++shard) {
        const auto features = *kernels::decode_tile(data.feature_tiles[shard]);
        const auto labels = *kernels::decode_tile(data.label_tiles[shard]);
        for (std::uint32_t r = 0; r < features.row_count; ++r, ++row) {
            for (std::uint32_t c = 0; c < features.column_count; ++c) {
                x(row, c) = features.column(c)[r];
            }
            y(row) = labels.values[r];
        }
    }
    Eigen::VectorXd penalty = Eigen::VectorXd::Constant(size, l2);
    penalty(size - 1) = 0;
    Eigen::VectorXd weights = Eigen::VectorXd::Zero(size);
    for (int iteration = 0; iteration < 50; ++iteration) {
        const Eigen::ArrayXd p = 1 / (1 + (-(x * weights).array()).exp());
        const Eigen::VectorXd gradient =
            x.transpose() * (p.matrix() - y) + penalty.cwiseProduct(weights);
        Eigen::MatrixXd hessian = x.transpose() * (p * (1 - p)).matrix().asDiagonal() * x;
        hessian.diagonal() += penalty;
        weights -= hessian.colPivHouseholderQr().solve(gradient);
    }
    return weights;
}

void expect_independent_solution(const TrainingData& data, double l2) {
    BlobMap blobs;
    TrainPlan plan = testing::train_plan(data, blobs);
    plan.l2 = l2;
    plan.gradient_tolerance = 1e-13;  // One step more: the error of the weights is what is left.
    TrainProgram program{plan};
    const Result<void> result = run_in_process(program, blobs.source());
    ASSERT_TRUE(result) << result.error().message;
    const Eigen::VectorXd expected = independent_solution(data, l2);
    for (std::uint32_t i = 0; i < data.feature_count; ++i) {
        EXPECT_NEAR(program.model().weights[i], expected[i], 1e-10) << i;
    }
    EXPECT_NEAR(program.model().intercept, expected[data.feature_count], 1e-10);
}

TEST(TrainProgramTest, FindsTheSolutionOfAnIndependentSolver) {
    expect_independent_solution(testing::random_training_data({700, 333, 16, 1}, 9, 1), 1.0);
    expect_independent_solution(testing::random_training_data({2000}, 3, 2), 1.0);
    expect_independent_solution(testing::random_training_data({500, 500}, 20, 3), 10.0);
    expect_independent_solution(testing::random_training_data({5000}, 4, 4), 0.0);
    expect_independent_solution(testing::random_training_data({60}, 0, 5), 1.0);
}

/// The same in long double, with a step that is never too long.
Eigen::Matrix<long double, Eigen::Dynamic, 1> exact_solution(const TrainingData& data,
                                                             long double l2) {
    using Vector = Eigen::Matrix<long double, Eigen::Dynamic, 1>;
    using Matrix = Eigen::Matrix<long double, Eigen::Dynamic, Eigen::Dynamic>;
    const auto features = *kernels::decode_tile(data.feature_tiles[0]);
    const auto labels = *kernels::decode_tile(data.label_tiles[0]);
    const Eigen::Index size = data.feature_count + 1;
    Matrix x = Matrix::Ones(features.row_count, size);
    Vector signs(features.row_count);
    for (std::uint32_t r = 0; r < features.row_count; ++r) {
        for (std::uint32_t c = 0; c < data.feature_count; ++c) x(r, c) = features.column(c)[r];
        signs(r) = labels.values[r] == 1 ? 1 : -1;
    }
    Vector penalty = Vector::Constant(size, l2);
    penalty(size - 1) = 0;
    Vector weights = Vector::Zero(size);
    const auto objective = [&](const Vector& at) {
        long double sum = 0.5L * penalty.dot(at.cwiseProduct(at));
        for (Eigen::Index r = 0; r < x.rows(); ++r) {
            sum += std::log1p(std::exp(-signs(r) * x.row(r).dot(at)));
        }
        return sum;
    };
    for (int iteration = 0; iteration < 200; ++iteration) {
        Vector gradient = penalty.cwiseProduct(weights);
        Matrix hessian = penalty.asDiagonal();
        for (Eigen::Index r = 0; r < x.rows(); ++r) {
            const long double wrong = 1 / (1 + std::exp(signs(r) * x.row(r).dot(weights)));
            gradient -= signs(r) * wrong * x.row(r).transpose();
            hessian += wrong * (1 - wrong) * x.row(r).transpose() * x.row(r);
        }
        Vector step = hessian.ldlt().solve(gradient);
        const long double before = objective(weights);
        while (objective(weights - step) > before && step.norm() > 1e-13L) step /= 2;
        weights -= step;
        if (step.norm() < 1e-13L * (1 + weights.norm())) break;
    }
    return weights;
}

void expect_exact_solution(const TrainingData& data, double l2) {
    BlobMap blobs;
    TrainPlan plan = testing::train_plan(data, blobs);
    plan.l2 = l2;
    TrainProgram program{plan};
    const Result<void> result = run_in_process(program, blobs.source());
    ASSERT_TRUE(result) << result.error().message;
    const auto expected = exact_solution(data, l2);
    for (std::uint32_t i = 0; i <= data.feature_count; ++i) {
        const double got =
            i < data.feature_count ? program.model().weights[i] : program.model().intercept;
        const auto exact = static_cast<double>(expected[i]);
        EXPECT_NEAR(got, exact, 1e-8 * std::max(1.0, std::fabs(exact))) << l2 << " " << i;
    }
}

// Where classes can be told apart, or a category has one row, only the penalty holds a weight: the
// gradient is small long before the weight is right.
TEST(TrainProgramTest, WeightsThatThePenaltyAloneHoldsAreRightToo) {
    TrainingData parted;
    parted.feature_count = 1;
    parted.row_counts = {8};
    parted.feature_tiles = {
        kernels::encode_tile(8, 1, std::vector<double>{-2, -1.5, -1, -0.5, 0.5, 1, 1.5, 2})};
    parted.label_tiles = {kernels::encode_tile(8, 1, std::vector<double>{0, 0, 0, 0, 1, 1, 1, 1})};
    for (const double l2 : {1.0, 1e-2, 1e-4, 1e-6, 1e-9}) expect_exact_solution(parted, l2);
    // One row in 500 is of a rare category, as it is standardised.
    TrainingData rare = testing::random_training_data({500}, 2, 21);
    const auto tile = *kernels::decode_tile(rare.feature_tiles[0]);
    std::vector<double> values{tile.values.begin(), tile.values.end()};
    const double share = 1.0 / 500;
    const double deviation = std::sqrt(share * (1 - share));
    for (std::size_t r = 0; r < 500; ++r) {
        values[500 + r] = ((r == 77 ? 1 : 0) - share) / deviation;
    }
    rare.feature_tiles[0] = kernels::encode_tile(500, 2, values);
    for (const double l2 : {1.0, 1e-6}) expect_exact_solution(rare, l2);
    // By the gradient alone the training would end too early: these rows show it.
    BlobMap blobs;
    TrainPlan by_gradient = testing::train_plan(rare, blobs);
    by_gradient.l2 = 1e-6;
    by_gradient.step_tolerance = 1e9;
    TrainProgram early{by_gradient};
    ASSERT_TRUE(run_in_process(early, blobs.source()));
    const auto exact = static_cast<double>(exact_solution(rare, 1e-6L)[1]);
    EXPECT_GT(std::fabs(early.model().weights[1] / exact - 1), 1e-3);

    // More features than rows.
    const TrainingData wide = testing::random_training_data({12}, 30, 22);
    for (const double l2 : {1.0, 1e-3}) expect_exact_solution(wide, l2);
}

TEST(TrainProgramTest, ReportsTheModelItFound) {
    const TrainingData data = testing::random_training_data({400, 100}, 5, 6);
    BlobMap blobs;
    TrainProgram program{testing::train_plan(data, blobs)};
    ASSERT_TRUE(run_in_process(program, blobs.source()));
    EXPECT_LT(program.gradient_max(), 1e-9 * 500);
    EXPECT_GT(program.iterations(), 3u);
    EXPECT_EQ(program.progress().metrics.at(0),
              (std::pair<std::string_view, double>{"iterations", program.iterations()}));
    EXPECT_EQ(program.progress().metrics.at(1).second, program.objective());
    EXPECT_LT(program.iterations(), 20u);
    EXPECT_LT(program.objective(), 500 * std::log(2)) << "that is the objective of no model";
    EXPECT_EQ(program.scores().size(), 500u);
    EXPECT_EQ(program.result_bytes().size(), 6 * sizeof(double));
    EXPECT_FALSE(program.round());
}

TEST(TrainProgramTest, RestartsAtEveryRoundChangeNothing) {
    const TrainingData data = testing::random_training_data({400, 100}, 5, 6);
    BlobMap blobs;
    const TrainPlan plan = testing::train_plan(data, blobs);
    const auto make = [&] { return std::make_unique<TrainProgram>(plan); };
    EXPECT_GE(testing::expect_restarts_to_change_nothing(make, blobs.source()), 5u);
}

TEST(TrainProgramTest, DamagedCheckpointsOfEveryPhaseAreRefused) {
    const TrainingData data = testing::random_training_data({40}, 2, 6);
    BlobMap blobs;
    TrainProgram program{testing::train_plan(data, blobs)};
    testing::expect_damaged_checkpoints_to_be_refused(program);
    while (program.round()) {
        const std::vector<Bytes> outputs = testing::round_outputs(program, blobs.source());
        ASSERT_TRUE(test_support::fold_here(program, testing::spans_of(outputs)));
        testing::expect_damaged_checkpoints_to_be_refused(program);
    }
    TrainProgram other{testing::train_plan(testing::random_training_data({41}, 2, 6), blobs)};
    EXPECT_FALSE(other.restore(program.checkpoint())) << "of other data";
}

TEST(TrainProgramTest, OutputsOfTheWrongSizeAreRefusedInEveryPhase) {
    const TrainingData data = testing::random_training_data({40, 50}, 2, 6);
    BlobMap blobs;
    TrainProgram program{testing::train_plan(data, blobs)};
    while (program.round()) testing::expect_wrong_sizes_to_be_refused(program, blobs.source());
}

/// What a shard without features might send back: sums for the intercept alone.
std::vector<Bytes> scripted(double loss, double gradient, double hessian) {
    Bytes output;
    ByteWriter writer{output};
    for (const double number : {loss, gradient, hessian}) writer.number(number);
    return {output};
}

/// The intercept that the round that is due looks at.
double candidate(const TrainProgram& program) {
    const std::optional<Round> round = program.round();
    return ByteReader{std::get<Bytes>(round->shared_inputs[0])}.number<double>();
}

TrainPlan plan_without_features() {
    TrainPlan plan;
    plan.shards.push_back({{}, {}, 100});
    return plan;
}

TEST(TrainProgramTest, AStepThatRaisesTheObjectiveIsHalvedUntilOneDoesNot) {
    TrainProgram program{plan_without_features()};
    EXPECT_EQ(candidate(program), 0.0);
    ASSERT_TRUE(test_support::fold_here(program, testing::spans_of(scripted(10, 8, 4))));
    EXPECT_EQ(candidate(program), -2.0) << "the whole Newton step";
    ASSERT_TRUE(test_support::fold_here(program, testing::spans_of(scripted(11, 9, 9))));
    EXPECT_EQ(candidate(program), -1.0);
    EXPECT_EQ(program.objective(), 10.0) << "the best model so far stays";
    EXPECT_EQ(program.gradient_max(), 8.0);
    ASSERT_TRUE(test_support::fold_here(program, testing::spans_of(scripted(std::nan(""), 9, 9))));
    EXPECT_EQ(candidate(program), -0.5);
    ASSERT_TRUE(test_support::fold_here(program, testing::spans_of(scripted(9, 2, 4))));
    EXPECT_EQ(program.model().intercept, -0.5);
    EXPECT_EQ(candidate(program), -1.0) << "a whole step again, from there";
}

TEST(TrainProgramTest, ARiseWithinRoundingIsNoReasonToTurnBack) {
    TrainProgram program{plan_without_features()};
    ASSERT_TRUE(test_support::fold_here(program, testing::spans_of(scripted(10, 8, 4))));
    ASSERT_TRUE(test_support::fold_here(program, testing::spans_of(scripted(10 + 1e-12, 0, 4))));
    EXPECT_EQ(program.model().intercept, -2.0);
    EXPECT_EQ(program.round()->kernel, "linear_scores");
}

TEST(TrainProgramTest, WhenNoStepHelpsTheFitEndsInWords) {
    TrainProgram program{plan_without_features()};
    ASSERT_TRUE(test_support::fold_here(program, testing::spans_of(scripted(10, 8, 4))));
    Result<void> folded;
    while (folded && program.iterations() < 99) {
        folded = test_support::fold_here(program, testing::spans_of(scripted(11, 8, 4)));
    }
    ASSERT_FALSE(folded);
    EXPECT_THAT(folded.error().message, HasSubstr("no step"));
}

// Found by a search: undamped, the fifth Newton step raises the objective from 0.49 to 0.67.
TEST(TrainProgramTest, HalvedStepsLeadToTheSolutionWhereWholeOnesOvershoot) {
    TrainingData data;
    data.feature_count = 2;
    data.row_counts = {5};
    data.feature_tiles = {kernels::encode_tile(
        5, 2, std::vector<double>{-0.65, 1.09, -0.92, -1.19, 2.36, 2.05, 1.43, 2.12, 0.67, -1.57})};
    data.label_tiles = {kernels::encode_tile(5, 1, std::vector<double>{0, 0, 1, 1, 0})};
    BlobMap blobs;
    TrainPlan plan = testing::train_plan(data, blobs);
    plan.l2 = 0.0010087971480597523;
    TrainProgram program{plan};
    bool halved = false;
    double last = HUGE_VAL;
    while (program.round()) {
        const std::vector<Bytes> outputs = testing::round_outputs(program, blobs.source());
        const bool newton = program.round()->kernel == "logistic_newton";
        ASSERT_TRUE(test_support::fold_here(program, testing::spans_of(outputs)));
        if (newton && program.objective() == last) halved = true;
        EXPECT_LE(program.objective(), last * (1 + 1e-11)) << "the objective never rises";
        last = program.objective();
    }
    EXPECT_TRUE(halved);
    EXPECT_LT(program.gradient_max(), 1e-9 * 5);
}

TEST(TrainProgramTest, TooFewIterationsAreAnErrorWithFigures) {
    const TrainingData data = testing::random_training_data({400}, 5, 6);
    BlobMap blobs;
    TrainPlan plan = testing::train_plan(data, blobs);
    plan.iterations_max = 3;
    TrainProgram program{plan};
    const Result<void> result = run_in_process(program, blobs.source());
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::LimitExceeded);
    EXPECT_THAT(result.error().message, HasSubstr("after 3 iterations"));
    EXPECT_THAT(result.error().message, HasSubstr("4e-07"));
}

TEST(TrainProgramTest, FeaturesThatRepeatEachOtherNeedAPenalty) {
    const std::vector<double> column{1, -1, 2, 0.5, -3, 1.5};
    std::vector<double> twice = column;
    twice.insert(twice.end(), column.begin(), column.end());
    TrainingData data;
    data.feature_count = 2;
    data.row_counts = {6};
    data.feature_tiles = {kernels::encode_tile(6, 2, twice)};
    data.label_tiles = {kernels::encode_tile(6, 1, std::vector<double>{1, 0, 0, 1, 0, 1})};
    BlobMap blobs;
    TrainPlan plan = testing::train_plan(data, blobs);
    plan.l2 = 0;
    TrainProgram without{plan};
    const Result<void> result = run_in_process(without, blobs.source());
    ASSERT_FALSE(result);
    EXPECT_THAT(result.error().message, HasSubstr("not positive definite"));
    plan.l2 = 1;
    TrainProgram with{plan};
    EXPECT_TRUE(run_in_process(with, blobs.source()));
    EXPECT_NEAR(with.model().weights[0], with.model().weights[1], 1e-12);
}

TEST(TrainProgramTest, NumbersThatAreNotFiniteEndTheFitInWords) {
    const TrainingData data = testing::random_training_data({40}, 2, 6);
    BlobMap blobs;
    TrainProgram program{testing::train_plan(data, blobs)};
    std::vector<Bytes> outputs = testing::round_outputs(program, blobs.source());
    for (double& number : std::span{reinterpret_cast<double*>(outputs[0].data()), 10}) {
        number = std::nan("");
    }
    const Result<void> folded = test_support::fold_here(program, testing::spans_of(outputs));
    ASSERT_FALSE(folded);
    EXPECT_THAT(folded.error().message, HasSubstr("not positive definite"));
}

}  // namespace
}  // namespace netcompute::programs
