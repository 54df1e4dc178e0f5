// Linear regressions and logistic regressions of several classes, against independent solvers.
#include "fold_here.hpp"
#include "program_checks.hpp"
#include "training_blobs.hpp"
#include <netcompute/kernels/tile.hpp>
#include <netcompute/programs/linear.hpp>
#include <netcompute/programs/softmax_scores.hpp>
#include <netcompute/programs/softmax_train.hpp>

#include <Eigen/Dense>
#include <gmock/gmock.h>

#include <cmath>

namespace netcompute::programs {
namespace {

using testing::BlobMap;
using testing::TrainingData;

/// A table as one matrix, and its targets.
struct Whole {
    Eigen::MatrixXd x;
    Eigen::VectorXd y;
};

Whole whole_of(const TrainingData& data) {
    Eigen::Index rows = 0;
    for (const std::uint32_t count : data.row_counts) rows += count;
    Whole whole{Eigen::MatrixXd(rows, data.feature_count), Eigen::VectorXd(rows)};
    Eigen::Index row = 0;
    for (std::size_t shard = 0; shard < data.row_counts.size(); ++shard) {
        const auto features = *kernels::decode_tile(data.feature_tiles[shard]);
        const auto labels = *kernels::decode_tile(data.label_tiles[shard]);
        for (std::uint32_t r = 0; r < features.row_count; ++r, ++row) {
            for (std::uint32_t c = 0; c < data.feature_count; ++c) {
                whole.x(row, c) = features.column(c)[r];
            }
            whole.y(row) = labels.values[r];
        }
    }
    return whole;
}

/// The same rows, with these targets.
void put_targets(TrainingData& data, const Eigen::VectorXd& y) {
    Eigen::Index row = 0;
    for (std::size_t shard = 0; shard < data.row_counts.size(); ++shard) {
        std::vector<double> values;
        for (std::uint32_t r = 0; r < data.row_counts[shard]; ++r) values.push_back(y(row++));
        data.label_tiles[shard] = kernels::encode_tile(data.row_counts[shard], 1, values);
    }
}

/// Targets of 1e6 and a noisy sum of the features. `copies`: the last column is the sum of the
/// first two.
TrainingData linear_data(std::vector<std::uint32_t> rows, std::uint32_t features,
                         std::uint64_t seed, bool copies = false) {
    TrainingData data = testing::random_training_data(std::move(rows), features, seed);
    if (copies) {
        for (Bytes& tile : data.feature_tiles) {
            const auto view = *kernels::decode_tile(tile);
            std::vector<double> values{view.values.begin(), view.values.end()};
            double* const last = values.data() + (features - 1) * view.row_count;
            for (std::uint32_t r = 0; r < view.row_count; ++r) {
                last[r] = view.column(0)[r] + view.column(1)[r];
            }
            tile = kernels::encode_tile(view.row_count, features, values);
        }
    }
    const Whole whole = whole_of(data);
    Philox random{seed + 100};
    Eigen::VectorXd y(whole.y.size());
    for (Eigen::Index row = 0; row < y.size(); ++row) {
        y(row) = 1e6 + random.next_unit();
        for (std::uint32_t c = 0; c < features; c += 2) y(row) += (c + 1) * whole.x(row, c);
    }
    put_targets(data, y);
    return data;
}

LinearPlan linear_plan(const TrainingData& data, BlobMap& blobs) {
    LinearPlan plan;
    plan.shards = testing::train_plan(data, blobs).shards;
    plan.feature_count = data.feature_count;
    plan.shift = 1e6;
    return plan;
}

/// A training that has ended, and what Eigen says of the same rows, centred.
struct Solved {
    Whole centred;
    double target_mean = 0;
    Eigen::VectorXd weights;
    double intercept = 0;
    LinearFigures figures;
    std::vector<double> scores;
};

Solved solved(const TrainingData& data, const std::function<void(LinearPlan&)>& change) {
    BlobMap blobs;
    LinearPlan plan = linear_plan(data, blobs);
    change(plan);
    LinearProgram program{plan};
    const auto ran = run_in_process(program, blobs.source());
    EXPECT_TRUE(ran) << ran.error().message;
    Solved result;
    result.centred = whole_of(data);
    result.target_mean = result.centred.y.mean();
    const Eigen::RowVectorXd means = result.centred.x.colwise().mean();
    result.centred.x.rowwise() -= means;
    result.centred.y.array() -= result.target_mean;
    result.weights =
        Eigen::Map<const Eigen::VectorXd>(program.model().weights.data(), data.feature_count);
    result.intercept = program.model().intercept;
    EXPECT_NEAR(result.intercept, result.target_mean - means.dot(result.weights), 1e-8);
    result.figures = program.figures();
    result.scores = program.scores();
    return result;
}

void expect_near(const Eigen::VectorXd& got, const Eigen::VectorXd& expected, double error) {
    ASSERT_EQ(got.size(), expected.size());
    for (Eigen::Index i = 0; i < got.size(); ++i) EXPECT_NEAR(got(i), expected(i), error) << i;
}

TEST(LinearProgramTest, LeastSquaresAreThoseOfAnIndependentSolverWithItsErrors) {
    for (const std::uint32_t features : {1U, 4U, 9U}) {
        const Solved got = solved(linear_data({300, 16, 211}, features, features), [](auto&) {});
        const auto& [x, y] = got.centred;
        expect_near(got.weights, x.colPivHouseholderQr().solve(y), 1e-9);
        EXPECT_EQ(got.figures.rank, features);
        const double free = 527 - features - 1;
        const double variance = (y - x * got.weights).squaredNorm() / free;
        const Eigen::MatrixXd inverse = (x.transpose() * x).inverse();
        ASSERT_EQ(got.figures.errors.size(), features + 1);
        for (Eigen::Index i = 0; i < features; ++i) {
            EXPECT_NEAR(got.figures.errors[static_cast<std::size_t>(i)],
                        std::sqrt(variance * inverse(i, i)), 1e-9);
        }
        EXPECT_NEAR(got.figures.errors.back(), std::sqrt(variance / 527), 1e-9);
        ASSERT_EQ(got.scores.size(), 527U);
        EXPECT_NEAR(got.scores[5], got.target_mean + x.row(5).dot(got.weights), 1e-8);
    }
}

TEST(LinearProgramTest, OfDependentFeaturesTheSmallestWeightsAreFound) {
    const Solved copies = solved(linear_data({200, 100}, 6, 7, true), [](auto&) {});
    EXPECT_EQ(copies.figures.rank, 5U);
    EXPECT_TRUE(copies.figures.errors.empty());
    expect_near(copies.weights,
                copies.centred.x.completeOrthogonalDecomposition().solve(copies.centred.y), 1e-8);
    // More features than rows: every target is met.
    const Solved wide = solved(linear_data({20}, 50, 8), [](auto&) {});
    EXPECT_EQ(wide.figures.rank, 19U);
    expect_near(wide.weights,
                wide.centred.x.completeOrthogonalDecomposition().solve(wide.centred.y), 1e-7);
}

TEST(LinearProgramTest, RidgeIsItsClosedForm) {
    for (const double alpha : {1e-6, 1.0, 1e4}) {
        const Solved got = solved(linear_data({200, 41}, 5, 3, true), [&](LinearPlan& plan) {
            plan.penalty = LinearPenalty::Ridge;
            plan.alpha = alpha;
        });
        const auto& [x, y] = got.centred;
        const Eigen::MatrixXd gram = x.transpose() * x + alpha * Eigen::MatrixXd::Identity(5, 5);
        expect_near(got.weights, gram.ldlt().solve(x.transpose() * y), alpha < 1e-3 ? 1e-5 : 1e-9);
        EXPECT_TRUE(got.figures.errors.empty());
    }
}

/// The conditions of the optimum: the product of a feature and the residual is what the L1 penalty
/// holds against it, or less where the weight is 0.
void expect_optimum(const Solved& got, double l1, double l2) {
    const auto& [x, y] = got.centred;
    const Eigen::VectorXd pulls =
        x.transpose() * (y - x * got.weights) / static_cast<double>(y.size()) - l2 * got.weights;
    for (Eigen::Index i = 0; i < pulls.size(); ++i) {
        if (got.weights(i) == 0) {
            EXPECT_LE(std::fabs(pulls(i)), l1 * (1 + 1e-6));
        } else {
            EXPECT_NEAR(pulls(i), got.weights(i) > 0 ? l1 : -l1, 1e-5);
        }
    }
}

TEST(LinearProgramTest, LassoAndElasticNetAreAtTheirOptimum) {
    const TrainingData data = linear_data({400, 133}, 8, 5, true);
    for (const double l1_ratio : {1.0, 0.3}) {
        for (const double alpha : {0.01, 0.5, 2.0}) {
            const Solved got = solved(data, [&](LinearPlan& plan) {
                plan.penalty = LinearPenalty::ElasticNet;
                plan.alpha = alpha;
                plan.l1_ratio = l1_ratio;
                plan.tolerance = 1e-13;
            });
            expect_optimum(got, alpha * l1_ratio, alpha * (1 - l1_ratio));
            EXPECT_GT(got.figures.sweeps, 0U);
        }
    }
    const Solved empty = solved(data, [](LinearPlan& plan) {
        plan.penalty = LinearPenalty::ElasticNet;
        plan.alpha = 1e6;
        plan.l1_ratio = 1;
    });
    EXPECT_EQ(empty.weights, Eigen::VectorXd::Zero(8));
    EXPECT_EQ(empty.figures.sweeps, 1U);
}

TEST(LinearProgramTest, SweepsThatAreTooFewAreSaid) {
    BlobMap blobs;
    LinearPlan plan = linear_plan(linear_data({400}, 8, 5, true), blobs);
    plan.penalty = LinearPenalty::ElasticNet;
    plan.alpha = 1e-4;
    plan.l1_ratio = 1;
    plan.tolerance = 1e-14;
    plan.sweeps_max = 2;
    LinearProgram program{plan};
    const auto ran = run_in_process(program, blobs.source());
    ASSERT_FALSE(ran);
    EXPECT_THAT(ran.error().message, ::testing::HasSubstr("after 2 sweeps the objective may"));
}

template <typename Program, typename Plan>
void expect_a_sound_program(const Plan& plan, BlobMap& blobs) {
    const auto make = [&] { return std::make_unique<Program>(plan); };
    EXPECT_GE(testing::expect_restarts_to_change_nothing(make, blobs.source()), 3U);
    Program program{plan};
    testing::expect_damaged_checkpoints_to_be_refused(program);
    while (program.round()) {
        testing::expect_wrong_sizes_to_be_refused(program, blobs.source());
    }
    testing::expect_damaged_checkpoints_to_be_refused(program);
}

TEST(LinearProgramTest, RestartsDamageAndWrongSizesAreNoTrouble) {
    BlobMap blobs;
    expect_a_sound_program<LinearProgram>(linear_plan(linear_data({40, 50}, 3, 6), blobs), blobs);
}

/// Rows of `classes` classes, by the sums of some features.
TrainingData class_data(std::vector<std::uint32_t> rows, std::uint32_t features,
                        std::uint32_t classes, std::uint64_t seed) {
    TrainingData data = testing::random_training_data(std::move(rows), features, seed);
    const Whole whole = whole_of(data);
    Philox random{seed + 200};
    Eigen::VectorXd y(whole.y.size());
    for (Eigen::Index row = 0; row < y.size(); ++row) {
        double best = -1e9;
        for (std::uint32_t c = 0; c < classes; ++c) {
            const double score = whole.x(row, c % features) * (c % 2 == 0 ? 1 : -1) +
                                 3 * random.next_unit() + 0.2 * c;
            if (score > best) y(row) = c;
            best = std::max(best, score);
        }
    }
    put_targets(data, y);
    return data;
}

SoftmaxPlan softmax_plan(const TrainingData& data, std::uint32_t classes, BlobMap& blobs) {
    SoftmaxPlan plan;
    plan.shards = testing::train_plan(data, blobs).shards;
    plan.feature_count = data.feature_count;
    plan.class_count = classes;
    return plan;
}

using LongMatrix = Eigen::Matrix<long double, Eigen::Dynamic, Eigen::Dynamic>;
using LongVector = Eigen::Matrix<long double, Eigen::Dynamic, 1>;

/// The optimum by Newton's steps with the whole Hessian, in long double.
LongVector independent_softmax(const TrainingData& data, std::uint32_t classes, long double l2) {
    const Whole whole = whole_of(data);
    const Eigen::Index rows = whole.y.size();
    const Eigen::Index size = data.feature_count + 1;
    LongMatrix x = LongMatrix::Ones(rows, size);
    x.leftCols(size - 1) = whole.x.cast<long double>();
    LongVector weights = LongVector::Zero(size * classes);
    for (int step = 0; step < 40; ++step) {
        LongVector gradient = l2 * weights;
        LongMatrix hessian = l2 * LongMatrix::Identity(size * classes, size * classes);
        for (Eigen::Index c = 0; c < classes; ++c) {
            gradient(c * size + size - 1) = 0;
            // The intercepts have a direction in common that changes nothing: it is held at 0.
            hessian(c * size + size - 1, c * size + size - 1) = 0;
        }
        for (Eigen::Index a = 0; a < classes; ++a) {
            for (Eigen::Index b = 0; b < classes; ++b) {
                hessian(a * size + size - 1, b * size + size - 1) += 1e-3L;
            }
        }
        for (Eigen::Index row = 0; row < rows; ++row) {
            LongVector scores(classes);
            for (Eigen::Index c = 0; c < classes; ++c) {
                scores(c) = x.row(row).dot(weights.segment(c * size, size));
            }
            LongVector p = (scores.array() - scores.maxCoeff()).exp();
            p /= p.sum();
            const LongMatrix square = x.row(row).transpose() * x.row(row);
            for (Eigen::Index a = 0; a < classes; ++a) {
                const long double is_own = whole.y(row) == static_cast<double>(a) ? 1 : 0;
                gradient.segment(a * size, size) += (p(a) - is_own) * x.row(row).transpose();
                for (Eigen::Index b = 0; b < classes; ++b) {
                    hessian.block(a * size, b * size, size, size) +=
                        ((a == b ? p(a) : 0) - p(a) * p(b)) * square;
                }
            }
        }
        weights -= hessian.ldlt().solve(gradient);
    }
    return weights;
}

TEST(SoftmaxProgramTest, FindsTheOptimumOfAnIndependentSolver) {
    for (const double l2 : {1.0, 1e-3, 100.0}) {
        const TrainingData data = class_data({150, 33, 60}, 3, 4, 11);
        BlobMap blobs;
        SoftmaxPlan plan = softmax_plan(data, 4, blobs);
        plan.l2 = l2;
        SoftmaxProgram program{plan};
        const auto ran = run_in_process(program, blobs.source());
        ASSERT_TRUE(ran) << ran.error().message;
        const LongVector expected = independent_softmax(data, 4, l2);
        for (std::size_t i = 0; i < program.weights().size(); ++i) {
            EXPECT_NEAR(program.weights()[i],
                        static_cast<double>(expected(static_cast<Eigen::Index>(i))), 2e-7)
                << l2 << " " << i;
        }
        EXPECT_LT(program.iterations(), 60U);
        EXPECT_LT(program.gradient_max(), 1e-9 * 243);
        EXPECT_EQ(program.scores().size(), 243U * 4);
    }
}

TEST(SoftmaxProgramTest, FeaturesThatDependOnEachOtherAndMoreThanRowsAreNoTrouble) {
    BlobMap blobs;
    SoftmaxProgram wide{softmax_plan(class_data({20}, 40, 3, 4), 3, blobs)};
    const auto ran = run_in_process(wide, blobs.source());
    ASSERT_TRUE(ran) << ran.error().message;
    const LongVector expected = independent_softmax(class_data({20}, 40, 3, 4), 3, 1);
    for (std::size_t i = 0; i < wide.weights().size(); ++i) {
        EXPECT_NEAR(wide.weights()[i], static_cast<double>(expected(static_cast<Eigen::Index>(i))),
                    2e-7);
    }
}

TEST(SoftmaxProgramTest, APredictionScoresTheTrainingsRowsTheSame) {
    const TrainingData data = class_data({150, 33}, 5, 3, 2);
    BlobMap blobs;
    const SoftmaxPlan plan = softmax_plan(data, 3, blobs);
    SoftmaxProgram program{plan};
    ASSERT_TRUE(run_in_process(program, blobs.source()));
    SoftmaxScoresPlan scoring;
    for (const TrainingShard& shard : plan.shards) {
        scoring.shards.push_back(shard.features);
        scoring.row_counts.push_back(shard.row_count);
    }
    scoring.class_count = 3;
    scoring.weights = program.weights();
    SoftmaxScoresProgram prediction{scoring};
    ASSERT_TRUE(run_in_process(prediction, blobs.source()));
    EXPECT_EQ(prediction.scores(), program.scores());
}

TEST(SoftmaxProgramTest, RestartsDamageAndWrongSizesAreNoTrouble) {
    BlobMap blobs;
    expect_a_sound_program<SoftmaxProgram>(softmax_plan(class_data({40, 50}, 3, 3, 6), 3, blobs),
                                           blobs);
}

TEST(SoftmaxProgramTest, StepsThatAreTooFewAreSaid) {
    BlobMap blobs;
    SoftmaxPlan plan = softmax_plan(class_data({150}, 3, 4, 11), 4, blobs);
    plan.iterations_max = 3;
    SoftmaxProgram program{plan};
    const auto ran = run_in_process(program, blobs.source());
    ASSERT_FALSE(ran);
    EXPECT_THAT(ran.error().message, ::testing::HasSubstr("after 3 iterations the gradient's"));
}

}  // namespace
}  // namespace netcompute::programs
