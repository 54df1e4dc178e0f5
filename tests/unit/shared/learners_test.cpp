// Programs of learners through stops, restarts and damaged outputs.
#include "program_checks.hpp"
#include "training_blobs.hpp"
#include <netcompute/programs/naive_bayes.hpp>

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace netcompute::programs
