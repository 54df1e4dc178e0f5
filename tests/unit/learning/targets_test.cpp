#include "learning/targets.hpp"

#include "learning/metrics.hpp"
#include "read_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <numeric>

namespace netcompute::learning {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

constexpr TakenTargets pairs{.classes_most = 2};
constexpr TakenTargets many{.classes_most = classes_max};
constexpr TakenTargets numbers_only{.classes_most = 0, .numbers = true};
constexpr TakenTargets all{.classes_most = classes_max, .numbers = true};

/// A table whose column "y" has these fields.
data::Table table_of(const std::vector<std::string>& fields, data::ReadingOptions reading = {}) {
    std::string text = "x,y\n";
    for (const std::string& field : fields) text += "1," + field + "\n";
    auto reader = data::CsvReader::open(data::csv_text_source(text), "t.csv");
    EXPECT_TRUE(reader);
    auto dataset = data::read_dataset(*reader, reading);
    EXPECT_TRUE(dataset) << dataset.error().message;
    return {"t.csv", *dataset};
}

Result<LearnedTarget> learned(const std::vector<std::string>& fields, TakenTargets taken,
                              Task task = Task::Auto) {
    const auto table = table_of(fields);
    return learn_target(table, *table.dataset->find("y"), {"this learner", taken, task});
}

std::string error_of(const std::vector<std::string>& fields, TakenTargets taken,
                     Task task = Task::Auto) {
    const auto target = learned(fields, taken, task);
    return target ? "no error" : target.error().message;
}

/// 0, 1, 2, … with a suffix.
std::vector<std::string> counting(int count, const std::string& suffix = "") {
    std::vector<std::string> fields;
    for (int i = 0; i < count; ++i) fields.push_back(std::to_string(i) + suffix);
    return fields;
}

TEST(TargetsTest, ClassesComeInOrderOfNumbersOrOfBytes) {
    const auto numbers = learned({"10", "9", "2", "10.0", "9"}, many);
    ASSERT_TRUE(numbers) << numbers.error().message;
    EXPECT_THAT(numbers->classes.texts, ElementsAre("2", "9", "10"));
    EXPECT_THAT(numbers->values.labels, ElementsAre(2, 1, 0, 2, 1));
    const auto words = learned({"b", "a", "10", "B"}, many);
    ASSERT_TRUE(words) << words.error().message;
    EXPECT_THAT(words->classes.texts, ElementsAre("10", "B", "a", "b"));
    EXPECT_THAT(words->values.labels, ElementsAre(3, 2, 0, 1));
    EXPECT_EQ(words->note, std::nullopt);
}

TEST(TargetsTest, ThereMayBe250Classes) {
    const auto most = learned(counting(250, "x"), many);
    ASSERT_TRUE(most) << most.error().message;
    EXPECT_EQ(most->classes.size(), 250U);
    EXPECT_THAT(error_of(counting(251, "x"), many),
                HasSubstr("has more than 250 classes: \"0x\", \"1x\""));
    EXPECT_THAT(error_of({"a", "a"}, many),
                HasSubstr("has one class only: \"a\"; the target of this learner must have at "
                          "least two, and at most 250"));
}

TEST(TargetsTest, NumbersAreReadAsTheColumnIs) {
    const auto target = learned({"1.5", "-2", "1e3", "1.5"}, numbers_only);
    ASSERT_TRUE(target) << target.error().message;
    EXPECT_TRUE(target->classes.empty());
    EXPECT_THAT(target->values.numbers, ElementsAre(1.5, -2, 1000, 1.5));
    const auto long_one = learned(counting(1000, ".5"), numbers_only);
    ASSERT_TRUE(long_one) << long_one.error().message;
    EXPECT_EQ(long_one->values.numbers[999], 999.5);
}

TEST(TargetsTest, WhatNoNumbersAreALearnerOfNumbersRefuses) {
    EXPECT_THAT(error_of({"yes", "no"}, numbers_only),
                HasSubstr("t.csv: column \"y\": holds no numbers: \"yes\", \"no\"; the target of "
                          "this learner must be numbers; algorithms that take it: "
                          "\"logistic_regression\""));
    EXPECT_THAT(error_of({"yes", "no"}, all, Task::Regression),
                HasSubstr("must be numbers where task is \"regression\""));
    EXPECT_THAT(error_of({"7", "7"}, numbers_only), HasSubstr("is the same number in each row"));
    EXPECT_THAT(error_of({"7", "1e101"}, numbers_only),
                HasSubstr("line 3 (row 2), column \"y\": 1e+101 is too large"));
    std::vector<std::string> infinite = counting(300);
    infinite[7] = "inf";
    EXPECT_THAT(error_of(infinite, numbers_only),
                HasSubstr("line 9 (row 8), column \"y\": \"inf\" is not a finite number"));
    EXPECT_THAT(error_of({"7", ""}, numbers_only), HasSubstr("every training row needs one"));
}

TEST(TargetsTest, AClassifierRefusesAContinuousTarget) {
    EXPECT_THAT(error_of({"1.5", "2", "3"}, many),
                HasSubstr("holds numbers: \"1.5\", \"2\", \"3\", but this learner tells classes "
                          "apart; give columns: {\"y\": \"category\"} if they are classes"));
    EXPECT_THAT(error_of(counting(1000), many), HasSubstr("this learner tells classes apart"));
    EXPECT_THAT(error_of({"1.5", "2", "3"}, pairs), HasSubstr("must have exactly two"));
    EXPECT_TRUE(learned({"1.5", "2", "2"}, many));
    data::ReadingOptions reading;
    reading.columns["y"] = data::ColumnKind::Category;
    const auto told = table_of({"1.5", "2", "3"}, reading);
    const auto target = learn_target(told, *told.dataset->find("y"), {"this learner", many});
    ASSERT_TRUE(target) << target.error().message;
    EXPECT_EQ(target->classes.size(), 3U);
}

TEST(TargetsTest, ALearnerOfBothLooksAtTheNumbersUnlessItIsTold) {
    const auto few = learned(counting(20), all);
    ASSERT_TRUE(few);
    EXPECT_EQ(few->classes.size(), 20U);
    EXPECT_THAT(few->note.value_or(""),
                HasSubstr("was taken for 20 classes (task: \"regression\""));
    const auto more = learned(counting(21), all);
    ASSERT_TRUE(more);
    EXPECT_THAT(more->values.numbers, SizeIs(21));
    EXPECT_THAT(more->note.value_or(""), HasSubstr("was taken for a number (task: "));
    EXPECT_TRUE(learned({"1", "2.5", "3"}, all)->classes.empty());
    EXPECT_EQ(learned({"1", "2.5", "3"}, all, Task::Classification)->classes.size(), 3U);
    EXPECT_TRUE(learned({"1", "2", "3"}, all, Task::Regression)->classes.empty());
    // Nobody means two numbers as measurements.
    const auto two = learned({"1", "2.5"}, all);
    EXPECT_EQ(two->classes.size(), 2U);
    EXPECT_EQ(two->note, std::nullopt);
}

TEST(TargetsTest, TrueValuesAreFoundByTheModelsClasses) {
    const auto table = table_of({"2", "10.0", "9", ""});
    const data::Column& column = *table.dataset->find("y");
    const auto found = true_values(table, column, {{"2", "9", "10"}});
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_THAT(found->values.labels, ElementsAre(0, 2, 1));
    EXPECT_EQ(found->missing, 1U);
    const auto wrong = true_values(table, column, {{"2", "9", "11"}});
    ASSERT_FALSE(wrong);
    EXPECT_THAT(wrong.error().message,
                HasSubstr("line 3 (row 2), column \"y\": \"10.0\" is none of the model's classes: "
                          "\"2\", \"9\", \"11\"; correct it"));
    const auto numbers = true_values(table, column, {});
    ASSERT_TRUE(numbers) << numbers.error().message;
    EXPECT_THAT(numbers->values.numbers, ElementsAre(2, 10, 9));
    const auto words = table_of({"2", "two"});
    EXPECT_THAT(true_values(words, *words.dataset->find("y"), {}).error().message,
                HasSubstr("\"two\" is not a finite number"));
}

TEST(ScoresTest, EachKindHasItsClassAndProbabilities) {
    const std::array<double, 4> logits{0, std::log(3.0), 5, 5};
    const Scores pair{{ScoreKind::Logits, 2}, logits};
    EXPECT_EQ(predicted_class(pair, 0), 1U);
    EXPECT_EQ(predicted_class(pair, 1), 0U);  // Of equal ones the first.
    std::array<double, 2> chances{};
    probabilities_of(pair, 0, chances);
    EXPECT_THAT(chances, ElementsAre(DoubleNear(0.25, 1e-15), DoubleNear(0.75, 1e-15)));
    const std::array<double, 1> log_odds{std::log(3.0)};
    probabilities_of({{}, log_odds}, 0, chances);
    EXPECT_THAT(chances, ElementsAre(DoubleNear(0.25, 1e-15), DoubleNear(0.75, 1e-15)));
}

TEST(MetricsOfManyTest, AreThoseOfTheirDefinitions) {
    // Rows of class 0, 0, 1, 2; predicted 0, 1, 1, 1.
    const std::vector<double> chances{0.7, 0.2, 0.1, 0.1, 0.8, 0.1, 0.2, 0.5, 0.3, 0, 1, 0};
    const TargetValues truth{{0, 0, 1, 2}, {}};
    const auto metrics = measure(truth, {{ScoreKind::Probabilities, 3}, chances}, 3);
    ASSERT_TRUE(metrics) << metrics.error().message;
    EXPECT_EQ(metrics->find("accuracy"), 0.5);
    EXPECT_DOUBLE_EQ(metrics->find("balanced_accuracy").value(), (0.5 + 1 + 0) / 3);
    EXPECT_DOUBLE_EQ(metrics->find("f1_macro").value(), (2.0 / 3 + 2.0 / 4 + 0) / 3);
    EXPECT_NEAR(metrics->find("log_loss").value(),
                -(std::log(0.7) + std::log(0.1) + std::log(0.5) + std::log(0x1p-52)) / 4, 1e-14);
    // Logits of those chances give the same, whatever is added to a row of them.
    std::vector<double> logits;
    for (std::size_t i = 0; i < 9; ++i) logits.push_back(std::log(chances[i]) + 3);
    const TargetValues first{{0, 0, 1}, {}};
    EXPECT_NEAR(measure(first, {{ScoreKind::Logits, 3}, logits}, 3)->find("log_loss").value(),
                -(std::log(0.7) + std::log(0.1) + std::log(0.5)) / 3, 1e-14);
    EXPECT_THAT(confusion(truth.labels, {{ScoreKind::Probabilities, 3}, chances}, 3),
                ElementsAre(1, 1, 0, 0, 1, 0, 0, 1, 0));
}

TEST(MetricsOfManyTest, TwoClassesThatHaveAScoreEachAreMeasuredAsAPair) {
    const std::vector<double> chances{0.9, 0.1, 0.4, 0.6, 0.7, 0.3};
    const std::vector<double> log_odds{std::log(0.1 / 0.9), std::log(0.6 / 0.4),
                                       std::log(0.3 / 0.7)};
    const TargetValues truth{{0, 1, 1}, {}};
    const auto by_chances = measure(truth, {{ScoreKind::Probabilities, 2}, chances}, 2);
    const auto by_odds = measure(truth.labels, log_odds);
    ASSERT_TRUE(by_chances && by_odds);
    EXPECT_EQ(by_chances->find("auc"), by_odds->find("auc"));
    EXPECT_EQ(by_chances->find("accuracy"), by_odds->find("accuracy"));
    EXPECT_NEAR(by_chances->find("log_loss").value(), by_odds->find("log_loss").value(), 1e-15);
}

TEST(MetricsOfNumbersTest, AreThoseOfTheirDefinitions) {
    const TargetValues truth{{}, {1, 2, 3, 6}};
    const std::vector<double> values{1, 3, 3, 4};
    const auto metrics = measure(truth, {{ScoreKind::Numbers, 1}, values}, 0);
    ASSERT_TRUE(metrics) << metrics.error().message;
    EXPECT_DOUBLE_EQ(metrics->find("rmse").value(), std::sqrt(5.0 / 4));
    EXPECT_DOUBLE_EQ(metrics->find("mae").value(), 0.75);
    EXPECT_DOUBLE_EQ(metrics->find("r2").value(), 1 - 5.0 / 14);
    const TargetValues equal{{}, {2, 2, 2, 2}};
    EXPECT_EQ(measure(equal, {{ScoreKind::Numbers, 1}, values}, 0)->find("r2"), std::nullopt);
    const std::vector<double> odd{1, 3, std::nan(""), 4};
    EXPECT_FALSE(measure(truth, {{ScoreKind::Numbers, 1}, odd}, 0));
    EXPECT_FALSE(measure(truth, {{ScoreKind::Numbers, 2}, odd}, 0));
}

}  // namespace
}  // namespace netcompute::learning
