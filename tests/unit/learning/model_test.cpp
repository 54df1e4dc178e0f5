#include "learning/model.hpp"

#include "read_table.hpp"
#include "temporary_folder.hpp"
#include <netcompute/sha256.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <limits>
#include <random>

namespace netcompute::learning {
namespace {

using nlohmann::json;
using testing::HasSubstr;

const programs::LogisticModel some_weights{{0.1, -1.0 / 3, 1e-17, 5e300, -0.0}, -0.7};

Model some_model() {
    Model model;
    model.algorithm = "logistic_regression";
    model.form.preprocessing.columns = {
        {"Age", NumericEncoding{28.5, {29.7, 13.1}}},
        {"Sex", CategoricalEncoding{{"female", "male"}, false, {{0.65, 0.477}}}},
        {"Port", CategoricalEncoding{{"C \"x\"", "S"}, true, {{0.2, 0.4}, {0.7, 0.5}, {0.1, 0.3}}}},
        {"Name", DroppedEncoding{}}};
    model.form.id = "PassengerId";
    model.form.target = "Survived";
    model.form.classes = {{"0", "1"}};
    model.parameters = {{"l2", 1.0}, {"solver", "newton"}};
    model.fit = logistic_fit(some_weights, 6);
    model.training_metrics = {891, {{"accuracy", 0.7778}, {"log_loss", 0.4601}, {"auc", 0.85}}};
    model.data_sha256 = std::string(64, 'a');
    return model;
}

TEST(ModelTest, ItsTextReadsBackAsTheSameModel) {
    const Model model = some_model();
    const auto read = parse_model(model_text(model), "model.json");
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->form.preprocessing, model.form.preprocessing);
    EXPECT_EQ(read->form.id, model.form.id);
    EXPECT_EQ(read->form.target, model.form.target);
    EXPECT_EQ(read->form.classes, model.form.classes);
    EXPECT_EQ(read->algorithm, "logistic_regression");
    EXPECT_EQ(read->parameters, model.parameters);
    EXPECT_EQ(read->fit->sha256(), model.fit->sha256());
    nlohmann::ordered_json document;
    read->fit->write(document);
    EXPECT_TRUE(std::signbit(document["weights"][4].get<double>()));
    EXPECT_EQ(document["iterations"], 6U);
    EXPECT_EQ(read->training_metrics, model.training_metrics);
    EXPECT_EQ(read->data_sha256, model.data_sha256);
}

TEST(ModelTest, DatesOthersBooleansAndHowToReadAreKept) {
    Model model = some_model();
    DateEncoding dates{data::ColumnKind::DateDayFirst,
                       {{19800, {19800.5, 20}}, {3, {3.5, 2}}, {2, {3, 2}}}};
    CategoricalEncoding words{{"a", "b"}, true, {{0.1, 0.3}, {0.2, 0.4}, {0.3, 0.5}, {0.4, 0.5}}};
    words.has_other = true;
    CategoricalEncoding truths{{"False", "True"}, false, {{0.5, 0.5}}};
    truths.are_booleans = true;
    model.form.preprocessing.columns = {{"Day", dates}, {"Word", words}, {"Is", truths}};
    model.form.reading.dialect.separator = ';';
    model.form.reading.dialect.usual_decimal = ',';
    model.form.reading.dialect.comment = '\0';
    model.form.reading.encoding = data::TextEncoding::Windows1252;
    model.form.reading.missing = {"?"};
    model.form.reading.columns = {{"Word", data::ColumnKind::Category}};
    model.fit = logistic_fit({std::vector<double>(8, 0.5), 1}, 6);
    const auto read = parse_model(model_text(model), "model.json");
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->form.preprocessing, model.form.preprocessing);
    EXPECT_EQ(read->form.reading, model.form.reading);
    EXPECT_EQ(read->form.preprocessing.feature_names(),
              (std::vector<std::string>{"Day days", "Day month", "Day weekday", "Word=a", "Word=b",
                                        "Word=(other)", "Word=(missing)", "Is=True"}));
}

TEST(ModelTest, AnUndefinedAreaUnderTheCurveReadsBackAsUndefined) {
    Model model = some_model();
    model.training_metrics.figures.back().value.reset();
    const auto read = parse_model(model_text(model), "model.json");
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_FALSE(read->training_metrics.find("auc"));
}

// The hash is over bits, so every double must survive the text.
TEST(ModelTest, WeightsOfAnyBitsSurviveTheText) {
    std::mt19937_64 dice{42};
    Model model = some_model();
    programs::LogisticModel linear = some_weights;
    for (int i = 0; i < 2000; ++i) {
        for (double& weight : linear.weights) {
            do weight = std::bit_cast<double>(dice());
            while (!std::isfinite(weight));
        }
        linear.intercept = std::numeric_limits<double>::denorm_min() * (i + 1);
        model.fit = logistic_fit(linear);
        const auto read = parse_model(model_text(model), "model.json");
        ASSERT_TRUE(read) << read.error().message;
        ASSERT_EQ(read->fit->sha256(), model.fit->sha256());
    }
}

TEST(ModelTest, ItsHashIsThatOfTheWeightsBytesThenTheIntercepts) {
    const programs::LogisticModel linear{{1.0, 2.0}, 3.0};
    const double bytes[] = {1.0, 2.0, 3.0};
    EXPECT_EQ(logistic_fit(linear)->sha256(), sha256(std::as_bytes(std::span{bytes})));
    const auto document = json::parse(model_text(some_model()));
    EXPECT_EQ(document.at("model_sha256"), to_hex(some_model().fit->sha256()));
}

TEST(ModelTest, ASavedModelLoads) {
    const test_support::TemporaryFolder folder;
    const auto path = folder.write("model.json", model_text(some_model()));
    const auto loaded = load_model(*data::InputFile::open(path));
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_EQ(loaded->form.preprocessing, some_model().form.preprocessing);
}

// What the first version wrote, byte for byte: models outlive programs.
TEST(ModelTest, AModelOfTheFirstFormatIsRead) {
    const auto read = load_model(
        *data::InputFile::open(NETCOMPUTE_SOURCE_DIR "/tests/fixtures/model_format_1.json"));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(to_hex(read->fit->sha256()),
              "204b29c37788b6d3eac9622e8b19d91ceb14e8ab9a492718b0b834c5ca457aae");
    EXPECT_EQ(read->parameters, (json{{"C", 1.0}}));
    EXPECT_EQ(read->form.classes, (Classes{{"0", "1"}}));
}

struct BadModel {
    const char* pointer;  ///< Which value is replaced; its key is removed where `value` is "".
    const char* value;
    const char* message;
};

class BadModelTest : public testing::TestWithParam<BadModel> {};

TEST_P(BadModelTest, IsRefusedWithTheKeyAndWhatIsWrong) {
    json document = json::parse(model_text(some_model()));
    const json::json_pointer pointer{GetParam().pointer};
    ASSERT_TRUE(document.contains(pointer));
    if (*GetParam().value == '\0') {
        document[pointer.parent_pointer()].erase(pointer.back());
    } else {
        document[pointer] = json::parse(GetParam().value);
    }
    const auto read = parse_model(document.dump(), "model.json");
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(read.error().message, HasSubstr(std::string{"model.json: "} + GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    EachKey, BadModelTest,
    testing::Values(
        BadModel{"/format", "\"other\"", "format: \"other\" is not \"netcompute-model\""},
        BadModel{"/format_version", "5", "format_version: 5 is not one that this version reads"},
        BadModel{"/format_version", "0", "format_version: 0 is not one that this version reads"},
        BadModel{"/algorithm", "1", "algorithm: 1 is not a text"},
        BadModel{"/algorithm", "\"magic\"",
                 "algorithm: \"magic\" is not one that this version has: \"logistic_regression\", "
                 "\"gradient_boosting\", \"linear_regression\""},
        BadModel{"/parameters", "[]", "parameters: [] is not an object"},
        BadModel{"/parameters/l2", "[1]", "parameters.l2: [1] is not a finite number"},
        BadModel{"/id", "", "id: null is not a text"},
        BadModel{"/target", "null", "target: null is not a text"},
        BadModel{"/classes", "3", "classes: 3 is not an object"},
        BadModel{"/classes/negative", "0", "classes.negative: 0 is not a text"},
        BadModel{"/classes/positive", "\"0\"", "classes: both are \"0\""},
        BadModel{"/preprocessing/columns", "{}", "preprocessing.columns: {} is not a list"},
        BadModel{"/preprocessing/columns/0", "7", "preprocessing.columns[0]: 7 is not an object"},
        BadModel{"/preprocessing/columns/0/name", "\"Sex\"",
                 "preprocessing.columns: two are named \"Sex\""},
        BadModel{"/preprocessing/columns/0/kind", "\"odd\"",
                 "preprocessing.columns[0].kind: \"odd\" is none of numeric, categorical"},
        BadModel{"/preprocessing/columns/0/median", "",
                 "preprocessing.columns[0].median: null is not a finite number"},
        BadModel{"/preprocessing/columns/0/deviation", "0",
                 "preprocessing.columns[0].deviation: must be above 0"},
        BadModel{"/preprocessing/columns/1/categories", "[\"male\",\"female\"]",
                 "preprocessing.columns[1].categories: must be 1 to 250 distinct texts"},
        BadModel{"/preprocessing/columns/1/categories", "[]",
                 "preprocessing.columns[1].categories: must be 1 to 250"},
        BadModel{"/preprocessing/columns/1/categories/0", "5",
                 "preprocessing.columns[1].categories[0]: 5 is not a text"},
        BadModel{"/preprocessing/columns/1/missing_is_a_category", "0",
                 "preprocessing.columns[1].missing_is_a_category: 0 is neither true nor false"},
        BadModel{"/preprocessing/columns/2/means", "[1]",
                 "preprocessing.columns[2].means: there must be 3 means and deviations"},
        BadModel{"/weights", "[1, 2]", "weights: there are 2, but the columns make 5 features"},
        BadModel{"/weights/3", "null", "weights[3]: null is not a finite number"},
        BadModel{"/weights/0", "0.10000000000000002", "model_sha256: "},
        BadModel{"/intercept", "\"x\"", "intercept: \"x\" is not a finite number"},
        BadModel{"/intercept", "-0.71", "model_sha256: "},
        BadModel{"/iterations", "-1", "iterations: -1 is not a count"},
        BadModel{"/iterations", "4294967296", "iterations: 4294967296 is too many"},
        BadModel{"/metrics/train/rows", "1.5", "metrics.train.rows: 1.5 is not a count"},
        BadModel{"/metrics", "", "metrics: null is not an object"},
        BadModel{"/data_sha256", "4", "data_sha256: 4 is not a text"},
        BadModel{"/model_sha256", "\"00\"",
                 "model_sha256: \"00\" is not the hash of what was learned"}));

TEST(ModelTest, WhatIsNotJsonOrNotAnObjectIsRefused) {
    const std::string text = model_text(some_model());
    const auto half = parse_model(std::string_view{text}.substr(0, text.size() / 2), "model.json");
    ASSERT_FALSE(half);
    EXPECT_THAT(half.error().message, HasSubstr("model.json: line "));
    for (const char* other : {"[]", "null", "3", "{}"}) {
        EXPECT_FALSE(parse_model(other, "model.json")) << other;
    }
    const auto infinite = parse_model(R"({"format": 1e999})", "model.json");
    ASSERT_FALSE(infinite);
    EXPECT_EQ(infinite.error().message,
              "model.json: holds a number that is too large for a double");
}

}  // namespace
}  // namespace netcompute::learning
