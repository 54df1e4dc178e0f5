#include "golden_tables.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace netcompute::learning {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class NeuralNetworkTest : public testing::Test, protected GoldenRuns {
 protected:
    /// A training like one of golden.py ends where scikit-learn's do, whose first weights and
    /// orders of rows are others: between the extremes of eight seeds, and a tenth.
    void expect_as_scikit_learn(const char* name, const std::string& target, const json& params) {
        json all = {{"hidden_layer_sizes", "16,8"},
                    {"max_iter", 150},
                    {"learning_rate_init", 0.01},
                    {"tol", 0},
                    {"batch_size", 32},
                    {"alpha", 0.01}};
        all.update(params);
        const data::Table table = golden_table("table.csv", target);
        const Learned got = learn("mlp", table, target, all);
        const json& expected = golden()["mlp"][name];
        const double loss = got.trained.figures["loss"];
        EXPECT_GT(loss, 0.9 * expected["loss_min"].get<double>()) << name;
        EXPECT_LT(loss, 1.1 * expected["loss_max"].get<double>()) << name;
        expect_to_last(got, table);

        const data::Table new_rows = golden_table("new_rows.csv", target);
        const auto scores = scores_of(got.model, new_rows);
        const auto truth =
            true_values(new_rows, *new_rows.dataset->find(target), got.model.form.classes);
        ASSERT_TRUE(truth) << truth.error().message;
        const auto metrics = measure(truth->values, {got.trained.fit->form(), scores},
                                     got.model.form.classes.size());
        const double score = metrics->find(target == "amount" ? "r2" : "accuracy").value();
        EXPECT_GT(score, expected["score_min"].get<double>() - 0.05) << name;
        EXPECT_LT(score, expected["score_max"].get<double>() + 0.05) << name;
    }

    std::string said_of(const json& params, const char* target = "two") {
        const Learner& learner = *find_learner("mlp");
        const auto values = values_of(learner, params);
        if (!values) return values.error().message;
        const auto prepared = prepare_training(
            golden_table("table.csv", target),
            {target, "id", question_of(learner, *values), learner.features_max}, blobs_.sink());
        const auto checked = learner.check_table(*prepared, *values);
        return checked ? "no error" : checked.error().message;
    }
};

TEST_F(NeuralNetworkTest, LossesAndScoresAreThoseOfScikitLearn) {
    expect_as_scikit_learn("adam relu kind", "kind", json::object());
    expect_as_scikit_learn("sgd tanh two", "two", {{"solver", "sgd"}, {"activation", "tanh"}});
    expect_as_scikit_learn("adam logistic amount", "amount", {{"activation", "logistic"}});
}

TEST_F(NeuralNetworkTest, ReplicasLearnAsWellAndDifferently) {
    const data::Table table = golden_table("table.csv", "kind");
    const json params = {{"hidden_layer_sizes", "16"}, {"learning_rate_init", 0.01},
                         {"batch_size", 16},           {"replicas", 3},
                         {"local_epochs", 2},          {"max_iter", 80}};
    const Learned got = learn("mlp", table, "kind", params);
    const Scores scores{got.trained.fit->form(), got.trained.scores};
    EXPECT_GT(measure(got.table.target, scores, 3)->find("accuracy").value(), 0.85);
    expect_to_last(got, table);
    json alone = params;
    alone["replicas"] = 1;
    const Learned plain = learn("mlp", table, "kind", alone);
    EXPECT_NE(plain.trained.fit->sha256(), got.trained.fit->sha256());
}

TEST_F(NeuralNetworkTest, EarlyStoppingKeepsTheWeightsThatJudgedBest) {
    const json params = {{"hidden_layer_sizes", "64,64"}, {"learning_rate_init", 0.02},
                         {"early_stopping", "true"},      {"validation_fraction", 0.2},
                         {"n_iter_no_change", 5},         {"max_iter", 1000}};
    for (const char* const target : {"kind", "amount"}) {
        const data::Table table = golden_table("table.csv", target);
        const Learned got = learn("mlp", table, target, params);
        json result;
        got.trained.fit->describe({}, result);
        EXPECT_LT(result["epochs"], 1000) << target;
        EXPECT_GT(result["epochs"], 6) << target;
        EXPECT_GT(got.trained.figures["validation_score"], 0.7) << target;
        expect_to_last(got, table);
    }
}

TEST_F(NeuralNetworkTest, WhatCannotBeLearnedIsRefusedByName) {
    EXPECT_THAT(said_of({{"hidden_layer_sizes", "10,,5"}}),
                HasSubstr("params.hidden_layer_sizes: \"10,,5\" is not 1 to 8 widths"));
    EXPECT_THAT(said_of({{"hidden_layer_sizes", "0"}}), HasSubstr("is not 1 to 8 widths"));
    EXPECT_THAT(said_of({{"hidden_layer_sizes", "1,1,1,1,1,1,1,1,1"}}), HasSubstr("1 to 8 widths"));
    EXPECT_THAT(said_of({{"early_stopping", "true"}, {"replicas", 2}}),
                HasSubstr("params.early_stopping: \"true\" is for one replica, and there are 2"));
    EXPECT_THAT(said_of({{"hidden_layer_sizes", "600,600,600"}}),
                HasSubstr("params.hidden_layer_sizes: \"600,600,600\" makes 724801 weights"));
    EXPECT_THAT(said_of({{"replicas", 4}}),
                HasSubstr("params.replicas: 4 is more than the 3 parts that 180 rows have"));
    EXPECT_THAT(said_of({{"early_stopping", "true"}, {"validation_fraction", 0.001}}),
                HasSubstr("params.validation_fraction: it would hold out 0 of 180 rows"));
    EXPECT_EQ(said_of({{"hidden_layer_sizes", " 64 , 32 "}, {"replicas", 3}}), "no error");
}

TEST_F(NeuralNetworkTest, AModelThatWasBrokenIsRefused) {
    const Learned got = learn("mlp", golden_table("table.csv", "kind"), "kind",
                              {{"hidden_layer_sizes", "3"}, {"max_iter", 2}});
    const auto said = [&](const char* at, const json& value) {
        return error_with(got.model, at, value);
    };
    EXPECT_THAT(said("/activation", "step"), HasSubstr("activation: \"step\" is none"));
    EXPECT_THAT(said("/layers/0/intercepts", {1, 2}),
                HasSubstr("layers[0].coefs[0]: it must be a list of 2 numbers"));
    EXPECT_THAT(said("/layers/1/coefs", json::array()),
                HasSubstr("layers[1].coefs: there are 0 lists, not 3"));
    EXPECT_THAT(said("/layers/1/coefs/0/0", nullptr), HasSubstr("layers[1].coefs[0][0]"));
    EXPECT_THAT(said("/layers/1", {{"coefs", {{1}, {1}, {1}}}, {"intercepts", {1}}}),
                HasSubstr("the last one has 1 outputs"));
    EXPECT_THAT(said("/layers", json::array()), HasSubstr("layers: they are no network"));
    EXPECT_THAT(said("/layers/0/intercepts/0", 5), HasSubstr("model_sha256"));
}

}  // namespace
}  // namespace netcompute::learning
