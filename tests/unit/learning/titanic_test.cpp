#include "learning/ids.hpp"
#include "learning/metrics.hpp"
#include "learning/model.hpp"
#include "learning/prediction_data.hpp"
#include "learning/training_data.hpp"
#include "memory_blobs.hpp"
#include "newton_reference.hpp"
#include "read_table.hpp"
#include "temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace netcompute::learning {
namespace {

using test_support::MemoryBlobs;
using testing::ElementsAre;

const std::filesystem::path sample_folder = NETCOMPUTE_SOURCE_DIR "/Data";

data::Table sample(const char* name) {
    return read_file_table(sample_folder / name, "PassengerId").value();
}

params::ParamValues default_params() {
    params::ParamValues values;
    values.put("C", 1.0);
    values.put("max_iterations", std::uint64_t{100});
    return values;
}

class TitanicTest : public testing::Test {
 protected:
    void SetUp() override {
        auto training = prepare_training(
            sample("train.csv"), logistic_options("Survived", "PassengerId"), blobs_.sink());
        ASSERT_TRUE(training) << training.error().message;
        training_ = *std::move(training);
        features_ = test_support::rows_of_tiles(blobs_, training_.features.blobs);
        linear_ = test_support::fit_by_newton(features_, training_.target.labels);
        model_.algorithm = "logistic_regression";
        model_.form = {training_.preprocessing, "PassengerId", "Survived", training_.classes};
        model_.fit = logistic_fit(linear_);
    }

    Result<PreparedPrediction> prepare(const char* name) {
        return prepare_prediction(sample(name), model_.form, "PassengerId", blobs_.sink());
    }

    MemoryBlobs blobs_;
    PreparedTraining training_;
    Eigen::MatrixXd features_;
    programs::LogisticModel linear_;
    Model model_;
};

// The prepared data leads any solver to scikit-learn's weights, so the preprocessing is the same.
TEST_F(TitanicTest, WeightsAreThoseOfScikitLearn) {
    EXPECT_THAT(training_.preprocessing.feature_names(),
                ElementsAre("Pclass", "Sex=male", "Age", "SibSp", "Parch"));
    const std::vector<double> expected{0.977192610818, 1.281100911938, 0.479155248745,
                                       0.344302355604, 0.002413789626};
    ASSERT_EQ(linear_.weights.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
        EXPECT_NEAR(std::abs(linear_.weights[i]), expected[i], 1e-8) << i;
    }
}

TEST_F(TitanicTest, TrainingAccuracyIsThatOfScikitLearn) {
    const auto metrics = measure(training_.target.labels, test_support::score(features_, linear_));
    ASSERT_TRUE(metrics);
    EXPECT_EQ(metrics->row_count, 891U);
    EXPECT_NEAR(metrics->find("accuracy").value(), 0.7778, 5e-5);
}

TEST_F(TitanicTest, TestRowsAreScaledByTrainingFigures) {
    const auto test = prepare("test.csv");
    ASSERT_TRUE(test) << test.error().message;
    EXPECT_EQ(test->features.row_counts.size(), 7U);
    EXPECT_FALSE(test->truth);
    const auto scores =
        test_support::score(test_support::rows_of_tiles(blobs_, test->features.blobs), linear_);
    EXPECT_EQ(scores.size(), 418U);
    const auto ids = ids_of(sample("test.csv"), "PassengerId");
    ASSERT_TRUE(ids);
    EXPECT_EQ(ids->size(), 418U);
}

// Our own program, fed with these tiles, reaches the same weights, and its hash is the model's.
TEST_F(TitanicTest, TheTrainProgramReachesTheSameWeights) {
    Training training = find_learner("logistic_regression")->train(training_, default_params());
    const auto run = programs::run_in_process(*training.program,
                                              [&](const Sha256& name) -> std::optional<ByteSpan> {
                                                  return ByteSpan{blobs_.get({name, 0})};
                                              });
    ASSERT_TRUE(run) << run.error().message;
    const Trained trained = training.finish();
    nlohmann::ordered_json found;
    trained.fit->write(found);
    for (std::size_t i = 0; i < linear_.weights.size(); ++i) {
        EXPECT_NEAR(found["weights"].at(i).get<double>(), linear_.weights[i], 1e-8) << i;
    }
    EXPECT_EQ(trained.fit->sha256(), sha256(training.program->result_bytes()));
    EXPECT_EQ(to_hex(trained.fit->sha256()),
              "204b29c37788b6d3eac9622e8b19d91ceb14e8ab9a492718b0b834c5ca457aae");
    const auto metrics = measure(training_.target.labels, trained.scores);
    ASSERT_TRUE(metrics);
    EXPECT_NEAR(metrics->find("accuracy").value(), 0.7778, 5e-5);
}

TEST_F(TitanicTest, NamesAreLeftOutAndSaidSo) {
    EXPECT_THAT(training_.notes,
                ElementsAre("column \"Name\": left out: text with more than 20 distinct values"));
}

TEST_F(TitanicTest, TheFileIsCutIntoShardsOf64Rows) {
    ASSERT_EQ(training_.features.row_counts.size(), 14U);
    EXPECT_EQ(training_.features.row_counts.front(), 64U);
    EXPECT_EQ(training_.features.row_counts.back(), 891U - 13U * 64U);
    EXPECT_EQ(training_.features.feature_count, 5U);
}

TEST_F(TitanicTest, TheSameFileGivesTheSameBlobsAgain) {
    MemoryBlobs again;
    const auto second = prepare_training(sample("train.csv"),
                                         logistic_options("Survived", "PassengerId"), again.sink());
    ASSERT_TRUE(second);
    EXPECT_EQ(second->data_sha256, training_.data_sha256);
    EXPECT_EQ(second->features.blobs, training_.features.blobs);
}

// What is written after training is enough to predict with: nothing is kept elsewhere.
TEST_F(TitanicTest, AModelReadBackFromItsFilePreparesTheSameTestBlobs) {
    const test_support::TemporaryFolder folder;
    folder.write("model.json", model_text(model_));
    const auto loaded = load_model(*data::InputFile::open(folder.path() / "model.json"));
    ASSERT_TRUE(loaded) << loaded.error().message;
    const auto before = prepare("test.csv");
    const auto after =
        prepare_prediction(sample("test.csv"), loaded->form, "PassengerId", blobs_.sink());
    ASSERT_TRUE(before && after);
    EXPECT_EQ(after->data_sha256, before->data_sha256);
    EXPECT_EQ(loaded->fit->sha256(), model_.fit->sha256());
}

// The training file may be predicted too: its target is known then, and comes back as labels.
TEST_F(TitanicTest, PredictingTheTrainingFileGivesItsLabelsAndItsTiles) {
    const auto same = prepare("train.csv");
    ASSERT_TRUE(same) << same.error().message;
    ASSERT_TRUE(same->truth);
    EXPECT_EQ(same->truth->labels, training_.target.labels);
    EXPECT_EQ(same->features.blobs, training_.features.blobs);
}

}  // namespace
}  // namespace netcompute::learning
