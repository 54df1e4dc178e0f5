#include "learner_runs.hpp"
#include "learning/metrics.hpp"
#include <netcompute/kernels/boosting.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace netcompute::learning {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const Learner& learner() {
    return *find_learner("gradient_boosting");
}

params::ParamValues values_with(std::uint64_t trees) {
    params::ParamValues values;
    values.put("n_estimators", trees);
    values.put("max_depth", std::uint64_t{6});
    for (const auto& [name, value] : {std::pair{"learning_rate", 0.3},
                                      {"reg_lambda", 1.0},
                                      {"reg_alpha", 0.0},
                                      {"gamma", 0.0},
                                      {"min_child_weight", 1.0},
                                      {"subsample", 1.0},
                                      {"colsample_bytree", 1.0}}) {
        values.put(name, value);
    }
    values.put("max_bin", std::uint64_t{255});
    values.put("random_state", std::uint64_t{0});
    return values;
}

class GradientBoostingTest : public testing::Test, protected LearnerRuns {
 protected:
    Learned learn(const data::Table& table, const std::string& target, const std::string& id,
                  std::uint64_t trees, std::uint32_t bins_max = 255, Task task = Task::Auto) {
        auto prepared = prepare_training(table,
                                         {target,
                                          id,
                                          {learner().article, learner().targets, task},
                                          learner().features_max,
                                          bins_max},
                                         blobs_.sink());
        EXPECT_TRUE(prepared) << prepared.error().message;
        Training training = learner().train(*prepared, values_with(trees));
        run(*training.program);
        Trained trained = training.finish();
        Model model;
        model.algorithm = "gradient_boosting";
        model.form = {prepared->preprocessing, id, target, prepared->classes};
        model.fit = trained.fit;
        const auto metrics = measure(prepared->target, {trained.fit->form(), trained.scores},
                                     prepared->classes.size());
        EXPECT_TRUE(metrics) << metrics.error().message;
        if (metrics) model.training_metrics = *metrics;
        return {std::move(*prepared), std::move(trained), std::move(model)};
    }
};

/// The AUC is that of XGBoost 1.7.4 (hist, the same parameters and features), to the last digit.
TEST_F(GradientBoostingTest, TheTitanicIsLearnedTheSameForEver) {
    const Learned got = learn(titanic("train.csv"), "Survived", "PassengerId", 100);
    const auto metrics = measure(got.table.target.labels, got.trained.scores);
    ASSERT_TRUE(metrics);
    EXPECT_NEAR(metrics->find("auc").value(), 0.956715, 1e-6);
    EXPECT_EQ(to_hex(got.model.fit->sha256()),
              "051b27516718bb8bd5084c27773bd8ad581df44d96408447e0a6fcc8dae506d8");
}

TEST_F(GradientBoostingTest, RowsAreScoredAsTheyWereInTheTraining) {
    const Learned got = learn(titanic("train.csv"), "Survived", "PassengerId", 20);
    EXPECT_EQ(scores_of(got.model, titanic("train.csv")), got.trained.scores);
}

TEST_F(GradientBoostingTest, AModelReadBackScoresTheSameAndIsWrittenTheSame) {
    Learned got = learn(titanic("train.csv"), "Survived", "PassengerId", 20);
    got.model.parameters = {{"n_estimators", 20}};
    const std::string text = model_text(got.model);
    const auto read = parse_model(text, "model.json");
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(model_text(*read), text);
    EXPECT_EQ(scores_of(*read, titanic("test.csv")), scores_of(got.model, titanic("test.csv")));
}

TEST_F(GradientBoostingTest, MissingNumbersAndFewOrManyValuesHaveTheirBins) {
    std::string text = "id,y,few,many,word\n";
    for (int row = 0; row < 2000; ++row) {
        const bool is_missing = row % 10 == 9;
        text += std::to_string(row) + "," + std::to_string(row % 3 == 0) + "," +
                std::to_string(row % 4 * 10) + "," + (is_missing ? "" : std::to_string(row * 0.5)) +
                "," + (row % 2 ? "a" : "b") + "\n";
    }
    const Learned got = learn(read_table(text, "t.csv", "id").value(), "y", "id", 1, 16);
    const Binning& binning = got.table.binned->binning;
    ASSERT_EQ(binning.cuts.size(), 3U);
    EXPECT_THAT(binning.cuts[0], ElementsAre(5, 15, 25));
    EXPECT_EQ(binning.cuts[1].size(), 15U);
    EXPECT_NEAR(binning.cuts[1][7], 500, 5);
    EXPECT_THAT(binning.cuts[2], ElementsAre(0.5));
    const auto bins = kernels::decode_bins(blobs_.get(got.table.binned->groups[0])).value();
    EXPECT_EQ(bins.bin(3, 0), 3);
    EXPECT_EQ(bins.bin(9, 1), kernels::missing_bin);
    EXPECT_EQ(bins.bin(0, 1), 0);
    EXPECT_EQ(bins.bin(1998, 1), 15);
    EXPECT_EQ(bins.bin(0, 2), 1);
    EXPECT_EQ(bins.bin(1, 2), 0);
    std::vector<std::uint64_t> rows(256);
    for (std::uint32_t row = 0; row < 2000; ++row) ++rows[bins.bin(row, 1)];
    for (std::size_t bin = 0; bin < 16; ++bin)
        EXPECT_NEAR(static_cast<double>(rows[bin]), 112.5, 2);
}

TEST_F(GradientBoostingTest, WhatIsWrongInAFileIsNamed) {
    const Learned got = learn(titanic("train.csv"), "Survived", "PassengerId", 3);
    const auto document = nlohmann::json::parse(model_text(got.model));
    const auto error_with = [&](const char* pointer, const nlohmann::json& value) {
        nlohmann::json bad = document;
        bad[nlohmann::json::json_pointer{pointer}] = value;
        const auto read = parse_model(bad.dump(), "model.json");
        return read ? "read" : read.error().message;
    };
    EXPECT_THAT(error_with("/trees/1/feature/0", 99), HasSubstr("trees[1].feature: "));
    EXPECT_THAT(error_with("/trees/1/feature/0", 0.5), HasSubstr("trees[1].feature: "));
    EXPECT_THAT(error_with("/trees/1/feature/0", -1), HasSubstr("do not fit together"));
    EXPECT_THAT(error_with("/trees/1/cut/0", 255), HasSubstr("a split that the table cannot"));
    EXPECT_THAT(error_with("/trees/1/missing_left/0", 1), HasSubstr("do not fit together"));
    EXPECT_THAT(error_with("/trees/1/value/0", "x"), HasSubstr("trees[1].value[0]: "));
    EXPECT_THAT(error_with("/trees/0", 1), HasSubstr("trees[0]: 1 is not an object"));
    EXPECT_THAT(error_with("/cuts/0", {2, 1}), HasSubstr("cuts: "));
    EXPECT_THAT(error_with("/cuts", {{1}}), HasSubstr("cuts: there are 1"));
    EXPECT_THAT(error_with("/trees/0/value/0", 7), HasSubstr("model_sha256"));
    EXPECT_THAT(error_with("/cuts/0/0", -1e9), HasSubstr("model_sha256"));
}

TEST_F(GradientBoostingTest, TheReportNamesWhatGainedMost) {
    const Learned got = learn(titanic("train.csv"), "Survived", "PassengerId", 20);
    nlohmann::json result{{"rows", 891}};
    got.model.fit->describe(got.model.form.preprocessing.feature_names(), result);
    EXPECT_EQ(result["trees"], 20);
    double sum = 0;
    for (const auto& share : result["feature_importances"]) sum += share.get<double>();
    EXPECT_NEAR(sum, 1, 1e-12);
    const auto lines = learner().report(result);
    EXPECT_EQ(lines[0], "trained on 891 rows: 20 trees");
    EXPECT_THAT(lines[1], HasSubstr("of the gain by Sex=male"));
}

// As tiles have them: three parts of a date, and the rest of the categories between the named ones
// and what is missing.
TEST_F(GradientBoostingTest, DatesAndOtherCategoriesHaveTheirBins) {
    std::string text = "y,day,word,z\n";
    for (int row = 0; row < 120; ++row) {
        const bool is_summer = row % 12 >= 6;
        const char* const word = row % 5 == 0 ? "often" : row % 5 == 1 ? "" : "rare";
        text += std::string{is_summer ? "1" : "0"} + ",2024-" + (row % 12 < 9 ? "0" : "") +
                std::to_string(row % 12 + 1) + "-15," + word +
                (*word == 'r' ? std::to_string(row) : "") + "," + std::to_string(row) + "\n";
    }
    const auto table = read_table(text, "t.csv", "").value();
    TrainingOptions options{"y", "", {learner().article}, learner().features_max, 255};
    options.max_categories = 2;
    const auto prepared = prepare_training(table, options, blobs_.sink());
    ASSERT_TRUE(prepared) << prepared.error().message;
    EXPECT_THAT(prepared->preprocessing.feature_names(),
                ElementsAre("day days", "day month", "day weekday", "word=often", "word=(other)",
                            "word=(missing)", "z"));
    const auto& cuts = prepared->binned->binning.cuts;
    ASSERT_EQ(cuts.size(), 7U);
    EXPECT_EQ(cuts[1].size(), 11U);
    const Bytes bytes = blobs_.get(prepared->binned->groups.at(0));
    const auto bins = *kernels::decode_bins(bytes);
    for (std::uint32_t row = 0; row < 120; ++row) {
        EXPECT_EQ(bins.bin(row, 1), row % 12);
        EXPECT_EQ(bins.bin(row, 3), row % 5 == 0 ? 1 : 0);
        EXPECT_EQ(bins.bin(row, 4), row % 5 > 1 ? 1 : 0);
        EXPECT_EQ(bins.bin(row, 5), row % 5 == 1 ? 1 : 0);
    }
}

/// Rows whose y is a step and a slope of x and z.
std::string table_of_numbers() {
    std::string text = "id,y,x,z\n";
    for (int row = 0; row < 600; ++row) {
        const int x = row * 37 % 100;
        const int z = row * 11 % 7;
        text += std::to_string(row) + "," + std::to_string(1000 + (x > 40 ? 50.5 : 0) + z) + "," +
                std::to_string(x) + "," + std::to_string(z) + "\n";
    }
    return text;
}

TEST_F(GradientBoostingTest, NumbersAreLearnedFromTheirMeanOn) {
    const auto table = read_table(table_of_numbers(), "t.csv", "id").value();
    const Learned got = learn(table, "y", "id", 40);
    EXPECT_EQ(got.trained.fit->form(), (ScoreForm{ScoreKind::Numbers, 1}));
    EXPECT_GT(got.model.training_metrics.find("r2").value(), 0.999);
    nlohmann::ordered_json document;
    got.trained.fit->write(document);
    double sum = 0;
    for (const double number : got.table.target.numbers) sum += number;
    EXPECT_EQ(document["base_score"], sum / 600);
    EXPECT_EQ(scores_of(got.model, table), got.trained.scores);
    const std::string text = model_text(got.model);
    EXPECT_EQ(nlohmann::json::parse(text)["format_version"], 4);
    EXPECT_TRUE(nlohmann::json::parse(text)["classes"].is_null());
    const auto read = parse_model(text, "model.json");
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(model_text(*read), text);
}

TEST_F(GradientBoostingTest, ManyClassesHaveATreeEachInEveryTurn) {
    std::string text = "id,y,x,z\n";
    const char* const words[] = {"low", "middle", "high", "other"};
    for (int row = 0; row < 800; ++row) {
        const int x = row * 37 % 100;
        const int z = row * 11 % 7;
        text += std::to_string(row) + "," + words[z == 3 ? 3 : x / 34] + "," + std::to_string(x) +
                "," + std::to_string(z) + "\n";
    }
    const auto table = read_table(text, "t.csv", "id").value();
    const Learned got = learn(table, "y", "id", 10);
    EXPECT_EQ(got.trained.fit->form(), (ScoreForm{ScoreKind::Logits, 4}));
    EXPECT_THAT(got.table.classes.texts, ElementsAre("high", "low", "middle", "other"));
    EXPECT_EQ(got.model.training_metrics.find("accuracy"), 1);
    EXPECT_LT(got.model.training_metrics.find("log_loss").value(), 0.2);
    EXPECT_EQ(scores_of(got.model, table), got.trained.scores);
    const std::string written = model_text(got.model);
    const auto read = parse_model(written, "model.json");
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(model_text(*read), written);
    EXPECT_EQ(scores_of(*read, table), got.trained.scores);

    auto document = nlohmann::json::parse(written);
    EXPECT_EQ(document["trees"].size(), 40U);
    document["classes"] = {"low", "low", "middle", "other"};
    EXPECT_THAT(parse_model(document.dump(), "model.json").error().message,
                HasSubstr("classes: must be 2 to 250 distinct texts"));
    document["classes"] = {"high", "low", "middle"};
    EXPECT_THAT(parse_model(document.dump(), "model.json").error().message,
                HasSubstr("trees: there are 40, not as many for each of 3 classes"));
    document["objective"] = "magic";
    EXPECT_THAT(parse_model(document.dump(), "model.json").error().message,
                HasSubstr("objective: \"magic\" with 3 classes is none that this version has"));
}

}  // namespace
}  // namespace netcompute::learning
