#include "learner_runs.hpp"
#include "learning/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace netcompute::learning {
namespace {

using testing::HasSubstr;

params::ParamValues forest_values(std::string_view learner) {
    params::ParamValues values;
    values.put("n_estimators", std::uint64_t{20});
    values.put("min_samples_split", std::uint64_t{2});
    values.put("min_samples_leaf", std::uint64_t{1});
    values.put("max_features", std::string{"auto"});
    values.put("bootstrap", std::string{learner == "random_forest" ? "true" : "false"});
    values.put("oob_score", std::string{"false"});
    values.put("max_bin", std::uint64_t{255});
    values.put("random_state", std::uint64_t{0});
    values.put("task", std::string{"auto"});
    return values;
}

class ForestsTest : public testing::TestWithParam<const char*>, protected LearnerRuns {
 protected:
    Learned learn(const data::Table& table, const std::string& target, const std::string& id,
                  const params::ParamValues& values) {
        const Learner& learner = *find_learner(GetParam());
        auto prepared = prepare_training(
            table, {target, id, question_of(learner, values), learner.features_max, 255},
            blobs_.sink());
        EXPECT_TRUE(prepared) << prepared.error().message;
        Training training = learner.train(*prepared, values);
        run(*training.program);
        Trained trained = training.finish();
        Model model;
        model.algorithm = GetParam();
        model.form = {prepared->preprocessing, id, target, prepared->classes};
        model.fit = trained.fit;
        return {std::move(*prepared), std::move(trained), std::move(model)};
    }
};

TEST_P(ForestsTest, TwoClassesAreLearnedAndAModelReadBackScoresTheSame) {
    Learned got = learn(titanic("train.csv"), "Survived", "PassengerId", forest_values(GetParam()));
    EXPECT_EQ(got.trained.fit->form(), (ScoreForm{ScoreKind::Probabilities, 2}));
    const Scores scores{got.trained.fit->form(), got.trained.scores};
    EXPECT_GT(measure(got.table.target, scores, 2)->find("accuracy").value(), 0.9);
    EXPECT_EQ(scores_of(got.model, titanic("train.csv")), got.trained.scores);
    const std::string text = model_text(got.model);
    const auto read = parse_model(text, "model.json");
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(model_text(*read), text);
    EXPECT_EQ(scores_of(*read, titanic("test.csv")), scores_of(got.model, titanic("test.csv")));
}

TEST_P(ForestsTest, ManyClassesAndNumbersAreLearned) {
    std::string text = "id,y,z,a,b\n";
    for (int row = 0; row < 600; ++row) {
        const int a = row * 7 % 30;
        const int b = row * 11 % 17;
        const char* const kind = a < 10 ? "low" : b < 8 ? "mid" : "high";
        text += std::to_string(row) + "," + kind + "," + std::to_string(100 + a * b + 0.25) + "," +
                std::to_string(a) + "," + std::to_string(b) + "\n";
    }
    const auto table = read_table(text, "t.csv", "id").value();
    Learned classes = learn(table, "y", "id", forest_values(GetParam()));
    EXPECT_EQ(classes.trained.fit->form(), (ScoreForm{ScoreKind::Probabilities, 3}));
    const Scores of_classes{classes.trained.fit->form(), classes.trained.scores};
    EXPECT_EQ(measure(classes.table.target, of_classes, 3)->find("accuracy").value(), 1);
    Learned numbers = learn(table, "z", "id", forest_values(GetParam()));
    EXPECT_EQ(numbers.trained.fit->form(), (ScoreForm{ScoreKind::Numbers, 1}));
    const Scores of_numbers{numbers.trained.fit->form(), numbers.trained.scores};
    EXPECT_GT(measure(numbers.table.target, of_numbers, 0)->find("r2").value(), 0.98);
    for (const Learned* const got : {&classes, &numbers}) {
        const auto read = parse_model(model_text(got->model), "model.json");
        ASSERT_TRUE(read) << read.error().message;
        EXPECT_EQ(scores_of(*read, table), got->trained.scores);
    }
}

TEST_P(ForestsTest, WhatIsWrongInAFileIsNamed) {
    const Learned got =
        learn(titanic("train.csv"), "Survived", "PassengerId", forest_values(GetParam()));
    const auto document = nlohmann::json::parse(model_text(got.model));
    const auto error_with = [&](const char* pointer, const nlohmann::json& value) {
        nlohmann::json bad = document;
        bad[nlohmann::json::json_pointer{pointer}] = value;
        const auto read = parse_model(bad.dump(), "model.json");
        return read ? "read" : read.error().message;
    };
    EXPECT_THAT(error_with("/trees/1/feature/0", 99), HasSubstr("trees[1].feature: "));
    EXPECT_THAT(error_with("/trees/1/feature/0", -1), HasSubstr("do not fit together"));
    EXPECT_THAT(error_with("/trees/1/cut/0", 255), HasSubstr("a split that the table cannot"));
    EXPECT_THAT(error_with("/trees/1/missing_left/0", 2), HasSubstr("a split that the table"));
    EXPECT_THAT(error_with("/trees/1/value/0", "x"), HasSubstr("trees[1].value[0]: "));
    EXPECT_THAT(error_with("/trees/0/value/0", 7), HasSubstr("model_sha256"));
    EXPECT_THAT(error_with("/feature_importances", nlohmann::json::array()),
                HasSubstr("feature_importances: there are 0"));
    EXPECT_THAT(error_with("/trees", nlohmann::json::array()), HasSubstr("trees: there are 0"));
}

TEST_P(ForestsTest, OutOfBagScoresNeedDraws) {
    params::ParamValues values = forest_values(GetParam());
    values.put("oob_score", std::string{"true"});
    values.put("bootstrap", std::string{"true"});
    const Learned got = learn(titanic("train.csv"), "Survived", "PassengerId", values);
    const double score = got.trained.figures.at("oob_score");
    EXPECT_GT(score, 0.75);
    EXPECT_LT(score, 0.9);
    nlohmann::json result = got.trained.figures;
    result["rows"] = 891;
    got.model.fit->describe(got.model.form.preprocessing.feature_names(), result);
    const auto lines = find_learner(GetParam())->report(result);
    EXPECT_THAT(lines[1], HasSubstr("out-of-bag score 0."));
    EXPECT_THAT(lines[2], HasSubstr(" % of the purity by "));
    EXPECT_TRUE(find_learner(GetParam())->check(values));
    values.put("bootstrap", std::string{"false"});
    const auto checked = find_learner(GetParam())->check(values);
    ASSERT_FALSE(checked);
    EXPECT_THAT(checked.error().message, HasSubstr("params.oob_score: without draws"));
}

INSTANTIATE_TEST_SUITE_P(Both, ForestsTest, testing::Values("random_forest", "extra_trees"));

}  // namespace
}  // namespace netcompute::learning
