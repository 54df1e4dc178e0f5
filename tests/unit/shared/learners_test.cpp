// Programs of learners through stops, restarts and damaged outputs.
#include "program_checks.hpp"
#include "training_blobs.hpp"
#include <netcompute/kernels/tile.hpp>
#include <netcompute/programs/local_blobs.hpp>
#include <netcompute/programs/naive_bayes.hpp>
#include <netcompute/programs/neighbors.hpp>
#include <netcompute/programs/network.hpp>

#include <gtest/gtest.h>

#include <cmath>

namespace netcompute::programs {
namespace {

using testing::BlobMap;
using testing::TrainingData;

NaiveBayesPlan naive_bayes_plan(const TrainingData& data, BlobMap& blobs) {
    NaiveBayesPlan plan;
    plan.shards = testing::train_plan(data, blobs).shards;
    plan.feature_count = data.feature_count;
    plan.class_count = 2;
    return plan;
}

TEST(NaiveBayesProgramTest, RestartsChangeNothingAndWhatIsDamagedIsRefused) {
    BlobMap blobs;
    const TrainingData data = testing::random_training_data({200, 64, 17}, 5, 3);
    const auto make = [&] {
        return std::make_unique<NaiveBayesProgram>(naive_bayes_plan(data, blobs));
    };
    const auto look = [&](Program& program) {
        testing::expect_a_cut_checkpoint_to_be_refused(program);
    };
    EXPECT_EQ(testing::expect_restarts_to_change_nothing(make, blobs.source(), look), 4U);
    const auto program = make();
    for (int round = 0; round < 3; ++round) {
        testing::expect_wrong_sizes_to_be_refused(*program, blobs.source());
    }
    EXPECT_FALSE(program->round());
}

kernels::NetworkPlan small_network() {
    kernels::NetworkPlan plan;
    plan.form = {kernels::Activation::Tanh, 2, {5, 4, 3, 1}};
    plan.solver = kernels::NetworkSolver::Sgd;
    plan.momentum = 0;
    plan.alpha = 0.3;
    plan.learning_rate = 0.25;
    plan.batch_size = 281;
    plan.tolerance = 0;
    return plan;
}

/// One call of network_steps.
kernels::NetworkState steps(const kernels::NetworkPlan& plan, const TrainingData& data,
                            const kernels::NetworkTask& task, const Bytes& weights = {},
                            const Bytes& state = {}) {
    const std::vector<Bytes> own{kernels::encode_network_plan(plan), weights,
                                 kernels::encode_network_task(task), state};
    std::vector<ByteSpan> inputs{own.begin(), own.end()};
    for (std::size_t i = 0; i < data.feature_tiles.size(); ++i) {
        inputs.emplace_back(data.feature_tiles[i]);
        inputs.emplace_back(data.label_tiles[i]);
    }
    const auto output = kernels::run_once(*kernels::find_kernel("network_steps", 1), inputs);
    EXPECT_TRUE(output) << output.error().message;
    auto read = kernels::decode_network_state(*output, plan);
    EXPECT_TRUE(read) << read.error().message;
    return std::move(read).value();
}

Bytes as_bytes(const std::vector<double>& numbers) {
    const ByteSpan bytes = std::as_bytes(std::span{numbers});
    return {bytes.begin(), bytes.end()};
}

TEST(NetworkKernelTest, AStepGoesDownTheGradientOfFiniteDifferences) {
    for (const auto activation :
         {kernels::Activation::Tanh, kernels::Activation::Logistic, kernels::Activation::Relu}) {
        for (const std::uint32_t classes : {0U, 2U, 3U}) {
            TrainingData data = testing::random_training_data({200, 64, 17}, 5, 3);
            kernels::NetworkPlan plan = small_network();
            plan.form.activation = activation;
            plan.form.class_count = classes;
            plan.form.widths.back() = kernels::network_outputs(classes);
            const auto before = kernels::first_network_weights(plan);
            const auto after = steps(plan, data, {0, 1, 1}).weights;
            ASSERT_EQ(after.size(), before.size());
            // The loss is of the weights before the step.
            const auto loss = [&](std::size_t place, double change) {
                std::vector<double> weights = before;
                weights[place] += change;
                return steps(plan, data, {0, 1, 1}, as_bytes(weights)).loss;
            };
            for (std::size_t w = 0; w < before.size(); ++w) {
                constexpr double apart = 1e-5;
                const double slope = (loss(w, apart) - loss(w, -apart)) / (2 * apart);
                EXPECT_NEAR((before[w] - after[w]) / plan.learning_rate, slope, 1e-7) << w;
            }
        }
    }
}

TEST(NetworkKernelTest, AStepIsTheOneThatIsComputedByHand) {
    // One hidden unit, two rows of one feature, one step over both.
    TrainingData data;
    data.feature_count = 1;
    data.row_counts = {2};
    data.feature_tiles = {kernels::encode_tile(2, 1, std::vector<double>{1, -2})};
    data.label_tiles = {kernels::encode_tile(2, 1, std::vector<double>{1, 0})};
    kernels::NetworkPlan plan = small_network();
    plan.form = {kernels::Activation::Logistic, 2, {1, 1, 1}};
    plan.batch_size = 2;
    const std::vector<double> weights{0.5, 0.1, -1.5, 0.25};  // w, b; v, c.
    const auto state = steps(plan, data, {0, 1, 1}, as_bytes(weights));
    const auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
    double w = 0.3 * 0.5;  // The penalty's part.
    double b = 0;
    double v = 0.3 * -1.5;
    double c = 0;
    double loss = 0.5 * 0.3 * (0.5 * 0.5 + 1.5 * 1.5);
    for (const auto& [x, y] : {std::pair{1.0, 1.0}, std::pair{-2.0, 0.0}}) {
        const double hidden = sigmoid(0.5 * x + 0.1);
        const double p = sigmoid(-1.5 * hidden + 0.25);
        loss -= y == 1 ? std::log(p) : std::log(1 - p);
        const double delta = (p - y) * -1.5 * hidden * (1 - hidden);
        w += delta * x;
        b += delta;
        v += (p - y) * hidden;
        c += p - y;
    }
    EXPECT_NEAR(state.loss, loss / 2, 1e-15);
    EXPECT_NEAR(state.weights[0], 0.5 - 0.25 * w / 2, 1e-15);
    EXPECT_NEAR(state.weights[1], 0.1 - 0.25 * b / 2, 1e-15);
    EXPECT_NEAR(state.weights[2], -1.5 - 0.25 * v / 2, 1e-15);
    EXPECT_NEAR(state.weights[3], 0.25 - 0.25 * c / 2, 1e-15);
}

TEST(NetworkKernelTest, WhereATrainingIsCutChangesNoBit) {
    const TrainingData data = testing::random_training_data({200, 64, 17}, 5, 3);
    kernels::NetworkPlan plan = small_network();
    plan.solver = kernels::NetworkSolver::Adam;
    plan.batch_size = 32;
    plan.epochs_max = 7;
    plan.early_stopping = true;
    plan.validation_fraction = 0.25;
    const Bytes whole = kernels::encode_network_state(steps(plan, data, {0, 7, 1000}));
    Bytes state;
    for (int task = 0; task < 20; ++task) {
        state = kernels::encode_network_state(steps(plan, data, {0, 7, 3}, {}, state));
    }
    EXPECT_EQ(state, whole);
}

NetworkJob two_replicas(const TrainingData& data, BlobMap& blobs) {
    NetworkJob job;
    job.plan = small_network();
    job.plan.solver = kernels::NetworkSolver::Adam;
    job.plan.batch_size = 16;
    job.plan.epochs_max = 5;
    job.plan.replicas = 2;
    job.local_epochs = 2;
    job.shards = testing::train_plan(data, blobs).shards;
    return job;
}

TEST(NetworkProgramTest, RestartsChangeNothingAndWhatIsDamagedIsRefused) {
    BlobMap blobs;
    const TrainingData data = testing::random_training_data({200, 64, 17}, 5, 3);
    const auto make = [&] { return std::make_unique<NetworkProgram>(two_replicas(data, blobs)); };
    LocalBlobs local{blobs.source()};
    auto program = make();
    auto other = make();
    std::size_t rounds = 0;
    for (; program->round(); ++rounds) {
        testing::expect_a_cut_checkpoint_to_be_refused(*program);
        const auto outputs = testing::round_outputs(*program, local.source());
        std::vector<Bytes> cut = outputs;
        cut[0].pop_back();
        const auto spans = testing::spans_of(cut);
        RoundWork unused{spans};
        ASSERT_TRUE(other->restore(program->checkpoint()));
        EXPECT_FALSE(other->finish_round(spans, unused));
        ASSERT_TRUE(local.fold(*program, testing::spans_of(outputs)));
        // Each fold is followed by a restart.
        other = make();
        ASSERT_TRUE(other->restore(program->checkpoint()));
        EXPECT_EQ(other->checkpoint(), program->checkpoint());
        std::swap(program, other);
        other = make();
    }
    EXPECT_EQ(rounds, 4U);  // 2 + 2 + 1 epochs, and the scores.
    EXPECT_EQ(program->figures().epochs, 5U);
    const auto whole = make();
    ASSERT_TRUE(run_in_process(*whole, blobs.source()));
    EXPECT_EQ(program->result_bytes(), whole->result_bytes());
    EXPECT_EQ(program->scores(), whole->scores());
}

TEST(NetworkProgramTest, AnOuterStepOfFullLengthIsTheMeanOfTheReplicas) {
    BlobMap blobs;
    const TrainingData data = testing::random_training_data({64, 64}, 5, 3);
    NetworkJob job = two_replicas(data, blobs);
    job.plan.epochs_max = 2;
    job.outer_learning_rate = 1;
    job.outer_momentum = 0;
    NetworkProgram program{job};
    LocalBlobs local{blobs.source()};
    const auto outputs = testing::round_outputs(program, local.source());
    ASSERT_TRUE(local.fold(program, testing::spans_of(outputs)));
    const auto first = *kernels::decode_network_state(outputs[0], job.plan);
    const auto second = *kernels::decode_network_state(outputs[1], job.plan);
    EXPECT_NE(first.weights, second.weights);
    const auto weights = program.model().weights;
    for (std::size_t w = 0; w < weights.size(); ++w) {
        EXPECT_NEAR(weights[w], (first.weights[w] + second.weights[w]) / 2, 1e-15);
    }
}

TEST(NetworkProgramTest, WeightsBeyondAllNumbersAreToldOf) {
    BlobMap blobs;
    const TrainingData data = testing::random_training_data({64, 64}, 5, 3);
    NetworkJob job = two_replicas(data, blobs);
    job.plan.form = {kernels::Activation::Relu, 0, {5, 8, 8, 1}};
    job.plan.solver = kernels::NetworkSolver::Sgd;
    job.plan.learning_rate = 1e3;
    job.plan.replicas = 1;
    NetworkProgram program{job};
    const auto ran = run_in_process(program, blobs.source());
    ASSERT_FALSE(ran);
    EXPECT_NE(ran.error().message.find("smaller learning_rate_init"), std::string::npos)
        << ran.error().message;
}

TEST(NeighborsTrainingTest, RestartsChangeNothingAndWhatIsDamagedIsRefused) {
    BlobMap blobs;
    const TrainingData data = testing::random_training_data({200, 64, 17}, 5, 3);
    const auto make = [&] {
        NeighborsPlan plan;
        for (const TrainingShard& shard : testing::train_plan(data, blobs).shards) {
            plan.shards.push_back(shard.features);
            plan.row_counts.push_back(shard.row_count);
        }
        plan.model = {2, 5, 3, true, {}, std::vector<double>(281, 1)};
        return std::make_unique<NeighborsTraining>(plan);
    };
    const auto look = [&](Program& program) {
        testing::expect_a_cut_checkpoint_to_be_refused(program);
    };
    EXPECT_EQ(testing::expect_restarts_to_change_nothing(make, blobs.source(), look), 3U);
    const auto program = make();
    for (int round = 0; round < 2; ++round) {
        testing::expect_wrong_sizes_to_be_refused(*program, blobs.source());
    }
    EXPECT_FALSE(program->round());
}

}  // namespace
}  // namespace netcompute::programs
