#include "learner_runs.hpp"
#include "learning/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace netcompute::learning {
namespace {

using testing::HasSubstr;

class LinearModelsTest : public testing::Test, protected LearnerRuns {
 protected:
    /// Learns a table whose columns are id, y, x and z.
    Model learn(const std::string& algorithm, const std::string& text,
                const params::ParamValues& values = {}) {
        table_ = read_table(text, "t.csv", "id").value();
        const Learner& learner = *find_learner(algorithm);
        auto prepared = prepare_training(
            table_, {"y", "id", {learner.article, learner.targets}, learner.features_max, 0},
            blobs_.sink());
        EXPECT_TRUE(prepared) << prepared.error().message;
        const Training training = learner.train(*prepared, values);
        run(*training.program);
        const Trained trained = training.finish();
        scores_ = trained.scores;
        const auto metrics =
            measure(prepared->target, {trained.fit->form(), scores_}, prepared->classes.size());
        EXPECT_TRUE(metrics) << metrics.error().message;
        Model model;
        model.algorithm = algorithm;
        model.form = {prepared->preprocessing, "id", "y", prepared->classes};
        model.fit = trained.fit;
        model.training_metrics = *metrics;
        return model;
    }

    /// Expects the model to be read back from its text as it is, and to score the same.
    void expect_to_last(const Model& model) {
        const std::string text = model_text(model);
        const auto read = parse_model(text, "model.json");
        ASSERT_TRUE(read) << read.error().message;
        EXPECT_EQ(model_text(*read), text);
        EXPECT_EQ(read->training_metrics, model.training_metrics);
        EXPECT_EQ(scores_of(*read, table_), scores_);
    }

    data::Table table_;
    std::vector<double> scores_;
};

/// y is 1000000 + 2 x - z / 4, and a little more or less.
std::string numbers_text(double noise) {
    std::string text = "id,y,x,z\n";
    for (int row = 0; row < 200; ++row) {
        const int x = row * 37 % 100;
        const int z = row * 11 % 7;
        const double y = 1e6 + 2 * x - 0.25 * z + (row % 2 == 0 ? noise : -noise);
        text += std::to_string(row) + "," + std::to_string(y) + "," + std::to_string(x) + "," +
                std::to_string(z) + "\n";
    }
    return text;
}

TEST_F(LinearModelsTest, ALinearRegressionFindsTheLineThatWasDrawn) {
    const Model model = learn("linear_regression", numbers_text(0));
    nlohmann::json result;
    model.fit->describe(model.form.preprocessing.feature_names(), result);
    const auto& columns = model.form.preprocessing.columns;
    const auto figures = [&](std::size_t i) {
        return std::get<NumericEncoding>(columns[i].encoding).standardization;
    };
    // Weights are for standardised features.
    EXPECT_NEAR(result["weights"]["x"].get<double>(), 2 * figures(0).deviation, 1e-8);
    EXPECT_NEAR(result["weights"]["z"].get<double>(), -0.25 * figures(1).deviation, 1e-8);
    EXPECT_NEAR(result["intercept"].get<double>(),
                1e6 + 2 * figures(0).mean - 0.25 * figures(1).mean, 1e-8);
    EXPECT_LT(result["standard_errors"]["x"].get<double>(), 1e-5);
    EXPECT_GT(model.training_metrics.find("r2").value(), 1 - 1e-12);
    expect_to_last(model);
}

TEST_F(LinearModelsTest, EachPenaltyShrinksInItsWay) {
    params::ParamValues values;
    values.put("alpha", 5.0);
    values.put("l1_ratio", 0.5);
    values.put("max_iter", std::uint64_t{1000});
    values.put("tol", 1e-10);
    const auto weight = [&](const Model& model, const char* name) {
        nlohmann::json result;
        model.fit->describe(model.form.preprocessing.feature_names(), result);
        return result["weights"][name].get<double>();
    };
    const double plain = weight(learn("linear_regression", numbers_text(3)), "x");
    const Model ridge = learn("ridge", numbers_text(3), values);
    expect_to_last(ridge);
    EXPECT_NEAR(weight(ridge, "x"), plain * 200 / 205, 0.1);
    const Model lasso = learn("lasso", numbers_text(3), values);
    expect_to_last(lasso);
    EXPECT_NEAR(weight(lasso, "x"), plain - 5, 0.1);
    EXPECT_EQ(weight(lasso, "z"), 0);
    const Model net = learn("elastic_net", numbers_text(3), values);
    expect_to_last(net);
    EXPECT_NEAR(weight(net, "x"), (plain - 2.5) / 3.5, 0.1);
}

std::string classes_text() {
    std::string text = "id,y,x,z\n";
    for (int row = 0; row < 200; ++row) {
        const int x = row * 37 % 100;
        const int z = row * 11 % 7;
        const char* const word = x + 9 * z < 60 ? "low" : x + 3 * z < 90 ? "middle" : "high";
        text += std::to_string(row) + "," + word + "," + std::to_string(x) + "," +
                std::to_string(z) + "\n";
    }
    return text;
}

params::ParamValues logistic_values() {
    params::ParamValues values;
    values.put("C", 1.0);
    values.put("max_iterations", std::uint64_t{100});
    return values;
}

TEST_F(LinearModelsTest, ALogisticRegressionOfThreeClassesHasWeightsForEach) {
    const Model model = learn("logistic_regression", classes_text(), logistic_values());
    EXPECT_EQ(model.fit->form(), (ScoreForm{ScoreKind::Logits, 3}));
    EXPECT_GT(model.training_metrics.find("accuracy").value(), 0.85);
    EXPECT_LT(model.training_metrics.find("log_loss").value(), 0.6);
    nlohmann::json result;
    model.fit->describe(model.form.preprocessing.feature_names(), result);
    ASSERT_EQ(result["weights"]["x"].size(), 3U);
    // What all classes have in common changes nothing, and so stays 0.
    double sum = 0;
    for (const auto& weight : result["weights"]["x"]) sum += weight.get<double>();
    EXPECT_NEAR(sum, 0, 1e-9);
    expect_to_last(model);
}

TEST_F(LinearModelsTest, WhatIsWrongInAFileIsNamed) {
    const auto good = nlohmann::json::parse(
        model_text(learn("logistic_regression", classes_text(), logistic_values())));
    const auto error_with = [&](const char* pointer, const nlohmann::json& value) {
        nlohmann::json document = good;
        document[nlohmann::json::json_pointer{pointer}] = value;
        const auto read = parse_model(document.dump(), "model.json");
        return read ? "no error" : read.error().message;
    };
    EXPECT_THAT(error_with("/intercepts", {1, 2}),
                HasSubstr("intercepts: there are 2 for 3 lists"));
    EXPECT_THAT(error_with("/weights/1", 5), HasSubstr("weights: each class must have a list"));
    EXPECT_THAT(error_with("/weights/1", nlohmann::json::array({1})),
                HasSubstr("weights: there are 1, but the columns make 2 features"));
    EXPECT_THAT(error_with("/weights/0/0", 0.5), HasSubstr("model_sha256"));
    EXPECT_THAT(error_with("/classes", {"low", "high"}),
                HasSubstr("classes: there are 2, but what was learned is of 3"));
    EXPECT_THAT(error_with("/classes", nullptr),
                HasSubstr("classes: there are 0, but what was learned is of 3"));
}

}  // namespace
}  // namespace netcompute::learning
