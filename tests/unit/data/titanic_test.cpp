#include "data/metrics.hpp"
#include "data/model.hpp"
#include "data/prediction_data.hpp"
#include "data/submission.hpp"
#include "data/training_data.hpp"
#include "memory_blobs.hpp"
#include "newton_reference.hpp"
#include "temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace netcompute::data {
namespace {

using test_support::MemoryBlobs;
using testing::ElementsAre;

const std::filesystem::path sample_folder = NETCOMPUTE_SOURCE_DIR "/Data";

std::vector<programs::BlobRef> feature_tiles(const programs::TrainPlan& plan) {
    std::vector<programs::BlobRef> tiles;
    for (const auto& shard : plan.shards) tiles.push_back(shard.features);
    return tiles;
}

class TitanicTest : public testing::Test {
 protected:
    void SetUp() override {
        auto training =
            prepare_training(*InputFile::open(sample_folder / "train.csv"), {}, blobs_.sink());
        ASSERT_TRUE(training) << training.error().message;
        training_ = *std::move(training);
        features_ = test_support::rows_of_tiles(blobs_, feature_tiles(training_.plan));
        model_.linear = test_support::fit_by_newton(features_, training_.labels);
        model_.preprocessing = training_.preprocessing;
        model_.classes = training_.classes;
        model_.id = "PassengerId";
        model_.target = "Survived";
    }

    MemoryBlobs blobs_;
    PreparedTraining training_;
    Eigen::MatrixXd features_;
    Model model_;
};

// The prepared data leads any solver to scikit-learn's weights, so the preprocessing is the same.
TEST_F(TitanicTest, WeightsAreThoseOfScikitLearn) {
    EXPECT_THAT(training_.preprocessing.feature_names(),
                ElementsAre("Pclass", "Sex=male", "Age", "SibSp", "Parch"));
    const std::vector<double> expected{0.977192610818, 1.281100911938, 0.479155248745,
                                       0.344302355604, 0.002413789626};
    ASSERT_EQ(model_.linear.weights.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
        EXPECT_NEAR(std::abs(model_.linear.weights[i]), expected[i], 1e-8) << i;
    }
}

TEST_F(TitanicTest, TrainingAccuracyIsThatOfScikitLearn) {
    const auto metrics = measure(training_.labels, test_support::score(features_, model_.linear));
    ASSERT_TRUE(metrics);
    EXPECT_EQ(metrics->row_count, 891U);
    EXPECT_NEAR(metrics->accuracy, 0.7778, 5e-5);
}

TEST_F(TitanicTest, TestRowsAreScaledByTrainingFiguresAndScoreAsInScikitLearn) {
    const auto test = prepare_prediction(*InputFile::open(sample_folder / "test.csv"), model_,
                                         "PassengerId", blobs_.sink());
    ASSERT_TRUE(test) << test.error().message;
    EXPECT_EQ(test->ids.size(), 418U);
    EXPECT_EQ(test->ids[0], "892");
    EXPECT_FALSE(test->labels);
    const auto scores =
        test_support::score(test_support::rows_of_tiles(blobs_, test->plan.shards), model_.linear);
    const auto labels = read_labels(*InputFile::open(sample_folder / "test_labels.csv"),
                                    "PassengerId", "Survived", model_.classes, test->ids);
    ASSERT_TRUE(labels) << labels.error().message;
    const auto metrics = measure(*labels, scores);
    ASSERT_TRUE(metrics);
    EXPECT_NEAR(metrics->accuracy, 0.7823, 5e-5);
    ASSERT_TRUE(metrics->auc);
    EXPECT_NEAR(*metrics->auc, 0.81781, 5e-6);
}

// Our own program, fed with these tiles, reaches the same weights, and its hash is the model's.
TEST_F(TitanicTest, TheTrainProgramReachesTheSameWeights) {
    programs::TrainProgram program{training_.plan};
    const auto run =
        programs::run_in_process(program, [&](const Sha256& name) -> std::optional<ByteSpan> {
            return ByteSpan{blobs_.get({name, 0})};
        });
    ASSERT_TRUE(run) << run.error().message;
    ASSERT_EQ(program.model().weights.size(), model_.linear.weights.size());
    for (std::size_t i = 0; i < model_.linear.weights.size(); ++i) {
        EXPECT_NEAR(program.model().weights[i], model_.linear.weights[i], 1e-8) << i;
    }
    EXPECT_EQ(model_sha256(program.model()), sha256(program.result_bytes()));
    const auto metrics = measure(training_.labels, program.scores());
    ASSERT_TRUE(metrics);
    EXPECT_NEAR(metrics->accuracy, 0.7778, 5e-5);
}

TEST_F(TitanicTest, NamesAreLeftOutAndSaidSo) {
    EXPECT_THAT(training_.notes,
                ElementsAre("column \"Name\": left out: text with more than 20 distinct values"));
}

TEST_F(TitanicTest, TheFileIsCutIntoShardsOf64Rows) {
    ASSERT_EQ(training_.plan.shards.size(), 14U);
    EXPECT_EQ(training_.plan.shards.front().row_count, 64U);
    EXPECT_EQ(training_.plan.shards.back().row_count, 891U - 13U * 64U);
    EXPECT_EQ(training_.plan.feature_count, 5U);
}

TEST_F(TitanicTest, TheSameFileGivesTheSameBlobsAgain) {
    MemoryBlobs again;
    const auto second =
        prepare_training(*InputFile::open(sample_folder / "train.csv"), {}, again.sink());
    ASSERT_TRUE(second);
    EXPECT_EQ(second->data_sha256, training_.data_sha256);
    EXPECT_EQ(feature_tiles(second->plan), feature_tiles(training_.plan));
}

// What is written after training is enough to predict with: nothing is kept elsewhere.
TEST_F(TitanicTest, AModelReadBackFromItsFilePreparesTheSameTestBlobs) {
    const test_support::TemporaryFolder folder;
    folder.write("model.json", model_text(model_));
    const auto loaded = load_model(*InputFile::open(folder.path() / "model.json"));
    ASSERT_TRUE(loaded) << loaded.error().message;
    const auto before = prepare_prediction(*InputFile::open(sample_folder / "test.csv"), model_,
                                           "PassengerId", blobs_.sink());
    const auto after = prepare_prediction(*InputFile::open(sample_folder / "test.csv"), *loaded,
                                          "PassengerId", blobs_.sink());
    ASSERT_TRUE(before && after);
    EXPECT_EQ(after->data_sha256, before->data_sha256);
    EXPECT_EQ(after->plan.model.weights, model_.linear.weights);
}

// The training file may be predicted too: its target is known then, and comes back as labels.
TEST_F(TitanicTest, PredictingTheTrainingFileGivesItsLabelsAndItsTiles) {
    const auto same = prepare_prediction(*InputFile::open(sample_folder / "train.csv"), model_,
                                         "PassengerId", blobs_.sink());
    ASSERT_TRUE(same) << same.error().message;
    ASSERT_TRUE(same->labels);
    EXPECT_EQ(*same->labels, training_.labels);
    EXPECT_EQ(same->plan.shards, feature_tiles(training_.plan));
}

}  // namespace
}  // namespace netcompute::data
