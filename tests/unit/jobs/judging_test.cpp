// Evaluations and searches, from the table to the result, in one process.
#include "job_world.hpp"
#include "jobs/job_type.hpp"
#include "program_checks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace netcompute::jobs {
namespace {

using nlohmann::json;
using test_support::JobWorld;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string tables = NETCOMPUTE_SOURCE_DIR "/Data";
const std::string fixtures = NETCOMPUTE_SOURCE_DIR "/tests/fixtures/learning/";

class JudgingTest : public ::testing::Test {
 protected:
    json run(const std::string& type, const json& params) {
        const auto job = world_.prepare(*find_job_type(type), params);
        world_.run(*job.program);
        auto result = job.finish();
        if (!result) throw std::runtime_error(result.error().message);
        return std::move(*result);
    }

    /// What is said at submission, or, where that is nothing, when the job is prepared.
    std::string refusal(const std::string& type, const json& params) {
        const JobType& job_type = *find_job_type(type);
        if (auto checked = job_type.check(params, world_.context()); !checked) {
            return checked.error().message;
        }
        const auto prepared = job_type.prepare(params, world_.context());
        return prepared ? "accepted" : prepared.error().message;
    }

    /// Params of a judging of the fixture's table, by its own folds.
    json by_parts(const std::string& target) {
        std::filesystem::copy(fixtures + "judging.csv", world_.root() / "Data/judging.csv",
                              std::filesystem::copy_options::overwrite_existing);
        json params{{"data", "Data/judging.csv"},
                    {"target", target},
                    {"id", "id"},
                    {"groups", "part"},
                    {"folds", 4}};
        for (const char* const other : {"number", "two", "three"}) {
            if (target != other) params["columns"][other] = "ignore";
        }
        return params;
    }

    std::string read(const std::string& name) {
        std::stringstream text;
        text << std::ifstream{world_.root() / name}.rdbuf();
        return text.str();
    }

    void write(const std::string& name, const std::string& text) {
        std::ofstream{world_.root() / name} << text;
    }

    JobWorld world_{tables};
};

// The mean of accuracies over folds of nearly equal size is that of all out-of-fold predictions.
TEST_F(JudgingTest, AnEvaluationPredictsEachRowByAModelOfOthers) {
    const json result = run("evaluate", {{"folds", 3}});
    EXPECT_EQ(result["fits"], 3);
    EXPECT_EQ(result["rows"], 891);
    ASSERT_EQ(result["folds"].size(), 3U);
    double accuracy = 0;
    for (const json& fold : result["folds"]) {
        EXPECT_EQ(fold["held_out_rows"], 297);
        accuracy += fold["metrics"]["accuracy"].get<double>() / 3;
    }
    EXPECT_NEAR(result["metrics"]["accuracy"], accuracy, 1e-12);
    EXPECT_GT(result["metrics"]["auc"], 0.8);
    EXPECT_GT(result["deviations"]["log_loss"], 0);

    std::istringstream lines{read("Data/out_of_fold.csv")};
    std::string line;
    std::getline(lines, line);
    EXPECT_EQ(line, "PassengerId,Survived,predicted,probability");
    int hits = 0;
    int count = 0;
    for (; std::getline(lines, line); ++count) {
        std::istringstream fields{line};
        std::string id;
        std::string truth;
        std::string predicted;
        std::getline(fields, id, ',');
        std::getline(fields, truth, ',');
        std::getline(fields, predicted, ',');
        hits += truth == predicted ? 1 : 0;
    }
    EXPECT_EQ(count, 891);
    EXPECT_NEAR(hits / 891.0, accuracy, 1e-12);
}

// Each learner and kind of target: what tests/fixtures/learning/judging.py finds by the same folds.
TEST_F(JudgingTest, FiguresAreThoseOfScikitLearnAndXgboost) {
    const json cases = json::parse(std::ifstream{fixtures + "judging.json"});
    ASSERT_EQ(cases.size(), 14U);
    for (const json& expected : cases) {
        SCOPED_TRACE(expected["algorithm"].dump() + " of " + expected["target"].dump());
        json params = by_parts(expected["target"]);
        params["algorithm"] = expected["algorithm"];
        params.update(expected["params"]);
        params["output"] = "Data/" + expected["algorithm"].get<std::string>() + "_" +
                           expected["target"].get<std::string>() + ".csv";
        const json metrics = run("evaluate", params)["metrics"];
        EXPECT_EQ(metrics.size(), expected["metrics"].size());
        for (const auto& [name, figure] : expected["metrics"].items()) {
            EXPECT_NEAR(metrics[name].get<double>(), figure.get<double>(),
                        expected["tolerance"].get<double>())
                << name;
        }
    }
}

TEST_F(JudgingTest, PredictionsHaveColumnsByTheirTarget) {
    const auto evaluated = [&](json params) {
        params["output"] = "Data/" + params["target"].get<std::string>() + ".csv";
        return run("evaluate", params);
    };
    const json of_three = evaluated(by_parts("three"));
    EXPECT_THAT(read("Data/three.csv"),
                StartsWith("id,three,predicted,probability high,probability low,probability "
                           "middle\n0,high,"));
    std::uint64_t rows = 0;
    for (const json& row : of_three["confusion"]) {
        for (const json& count : row) rows += count.get<std::uint64_t>();
    }
    EXPECT_EQ(rows, 240U);
    EXPECT_FALSE(of_three.contains("roc"));

    json params = by_parts("number");
    params["algorithm"] = "extra_trees";
    params["n_estimators"] = 5;
    const json of_numbers = evaluated(params);
    EXPECT_THAT(read("Data/number.csv"), StartsWith("id,number,predicted\n0,3.824,"));
    EXPECT_FALSE(of_numbers.contains("confusion"));

    const json of_two = evaluated(by_parts("two"));
    EXPECT_THAT(read("Data/two.csv"), StartsWith("id,two,predicted,probability\n0,yes,"));
    const json& roc = of_two["roc"];
    EXPECT_EQ(roc["true_positive_rate"].size(), 200U);
    EXPECT_EQ(roc["false_positive_rate"].back(), 1);
    std::uint64_t told = 0;
    for (const json& bin : of_two["calibration"]) told += bin["rows"].get<std::uint64_t>();
    EXPECT_EQ(told, 240U);
}

// Folds by lot where there are no classes to be stratified by: each row is held out once.
TEST_F(JudgingTest, NumbersAreDividedByLot) {
    json params = by_parts("number");
    params.erase("groups");
    params["columns"]["part"] = "ignore";
    params["algorithm"] = "ridge";
    const json result = run("evaluate", params);
    EXPECT_GT(result["metrics"]["r2"], 0.5);
    params["split"] = "random";
    EXPECT_EQ(run("evaluate", params)["result_sha256"], result["result_sha256"]);
}

// A class of which a fold's training rows have none is as unlikely as metrics can tell.
TEST_F(JudgingTest, AClassThatAFoldDoesNotKnowIsUnlikelyThere) {
    std::string text = "id,x,y\n";
    for (int i = 0; i < 40; ++i) {
        const char* const label = i == 7 ? "rare" : i % 3 == 0 ? "a" : "b";
        text += std::to_string(i) + "," + std::to_string(i * i % 11) + "," + label + "\n";
    }
    write("Data/rare.csv", text);
    json params{{"data", "Data/rare.csv"}, {"target", "y"}, {"id", "id"}, {"folds", 4}};
    for (const char* const algorithm : {"logistic_regression", "naive_bayes"}) {
        params["algorithm"] = algorithm;
        params["output"] = std::string{"Data/rare_"} + algorithm + ".csv";
        const json result = run("evaluate", params);
        double worst = 0;
        for (const json& fold : result["folds"]) {
            worst = std::max(worst, fold["metrics"]["log_loss"].get<double>());
        }
        EXPECT_GT(worst, 36.0 / 10) << algorithm;
        EXPECT_LT(worst, 36.1 / 10 + 1) << algorithm;
    }
}

// The share of all rows is the evaluation itself; models of few rows do worse.
TEST_F(JudgingTest, ALearningCurveLearnsFromSharesOfTheRows) {
    json params = by_parts("two");
    const json plain = run("evaluate", params);
    params["training_sizes"] = {0.05, 0.5, 1};
    const json result = run("evaluate", params);
    EXPECT_EQ(result["fits"], 4 * 4);
    EXPECT_EQ(result["folds"], plain["folds"]);
    EXPECT_EQ(result["roc"], plain["roc"]);
    const json& curve = result["learning_curve"];
    ASSERT_EQ(curve.size(), 3U);
    EXPECT_EQ(curve[2]["metrics"], plain["metrics"]);
    EXPECT_EQ(curve[2]["deviations"], plain["deviations"]);
    EXPECT_EQ(curve[1]["training_rows"], 90.25);  // Half of 180, of each class rounded up.
    EXPECT_GT(curve[0]["metrics"]["log_loss"], curve[1]["metrics"]["log_loss"]);
    const auto refused = [&](const json& sizes) {
        params["training_sizes"] = sizes;
        return refusal("evaluate", params);
    };
    EXPECT_THAT(refused({0.5, 0.1}), HasSubstr("params.training_sizes: 0.1 is not above"));
    EXPECT_THAT(refused({0.5, 2}), HasSubstr("params.training_sizes: 2 is no share"));
    EXPECT_THAT(refused("all"), HasSubstr("params.training_sizes: is no list"));
}

// By column, not by feature; a column that no model looks at is worth exactly nothing.
TEST_F(JudgingTest, ImportancesTellWhatModelsDependOn) {
    json params{{"folds", 3}, {"algorithm", "gradient_boosting"}, {"n_estimators", 10}};
    const json plain = run("evaluate", params);
    params["importance_repeats"] = 4;
    params["training_sizes"] = {1};
    const json result = run("evaluate", params);
    EXPECT_EQ(result["folds"], plain["folds"]);
    EXPECT_EQ(result["confusion"], plain["confusion"]);
    EXPECT_EQ(result["learning_curve"][0]["metrics"], plain["metrics"]);
    const json& importances = result["importances"];
    ASSERT_EQ(importances.size(), 5U);
    EXPECT_EQ(importances[0]["column"], "Sex");
    EXPECT_GT(importances[0]["metrics"]["accuracy"], 0.1);
    EXPECT_GT(importances[0]["metrics"]["log_loss"], 0.1);
    EXPECT_GT(importances[0]["deviations"]["auc"], 0);
    EXPECT_EQ(importances[0]["metrics"].size(), 7U);

    json lasso = by_parts("number");
    lasso.update({{"algorithm", "lasso"}, {"alpha", 0.6}, {"importance_repeats", 2}});
    lasso["output"] = "Data/lasso.csv";
    const json of_lasso = run("evaluate", lasso)["importances"];
    EXPECT_EQ(of_lasso[0]["column"], "a");
    EXPECT_GT(of_lasso[0]["metrics"]["r2"], 0.1);
    EXPECT_EQ(of_lasso[3]["metrics"], json({{"rmse", 0}, {"mae", 0}, {"r2", 0}}));
    const auto make = [&] { return world_.prepare(*find_job_type("evaluate"), params).program; };
    testing::expect_restarts_to_change_nothing(make, world_.blobs());

    std::string wide = "id,y";
    for (int i = 0; i < 60; ++i) wide += ",x" + std::to_string(i);
    for (int row = 0; row < 400; ++row) {
        wide += "\n" + std::to_string(row) + "," + std::to_string(row % 2);
        for (int i = 0; i < 60; ++i) wide += "," + std::to_string(row * (i + 3) % 97);
    }
    write("Data/wide.csv", wide + "\n");
    EXPECT_THAT(refusal("evaluate", {{"data", "Data/wide.csv"},
                                     {"target", "y"},
                                     {"folds", 2},
                                     {"output", "Data/wide_rows.csv"},
                                     {"importance_repeats", 100}}),
                HasSubstr("params.importance_repeats: 100 permutations of each of 60 columns among "
                          "200 rows that a fold holds out are more than the 1048576 scores"));
}

// Nested, and of a number: the best candidate's model is that of a training.
TEST_F(JudgingTest, ASearchOfAForestIsJudgedItself) {
    json params = by_parts("number");
    params.erase("groups");
    params["columns"]["part"] = "ignore";
    params.update({{"algorithm", "random_forest"},
                   {"n_estimators", 4},
                   {"grid", {{"max_depth", {1, 6}}, {"max_bin", {8, 32}}}},
                   {"folds", 3},
                   {"outer_folds", 2}});
    const auto make = [&] { return world_.prepare(*find_job_type("search"), params).program; };
    EXPECT_GE(testing::expect_restarts_to_change_nothing(make, world_.blobs()), 5U);
    const json result = run("search", params);
    EXPECT_EQ(result["scoring"], "r2");
    EXPECT_EQ(result["fits"], 3 * 3 * 4 + 2);
    EXPECT_EQ(result["best_params"]["max_depth"], 6);
    EXPECT_GT(result["outer"]["metrics"]["r2"], 0.3);
    EXPECT_THAT(read("Data/search.csv"), StartsWith("rank,max_bin,max_depth,rmse,rmse deviation"));
    json best = params;
    for (const char* const key : {"grid", "folds", "outer_folds"}) best.erase(key);
    best.update(result["best_params"]);
    const json trained = run("train", best);
    EXPECT_EQ(trained["model_sha256"], result["model_sha256"]);
    EXPECT_EQ(trained["metrics"], result["training_metrics"]);
}

TEST_F(JudgingTest, AMetricThatDoesNotSuitTheTargetIsRefused) {
    const auto refused = [&](const std::string& algorithm, const std::string& metric, json params) {
        params.update({{"algorithm", algorithm}, {"scoring", metric}});
        params["grid"] = algorithm == "ridge" ? json{{"alpha", json::array({1, 2})}}
                                              : json{{"random_state", json::array({1, 2})}};
        if (algorithm == "logistic_regression") params["grid"] = {{"C", json::array({1, 2})}};
        return refusal("search", params);
    };
    EXPECT_EQ(refused("ridge", "auc", by_parts("number")),
              "params.scoring: \"auc\" is no metric of a number; choose rmse, mae or r2");
    EXPECT_THAT(refused("logistic_regression", "mae", by_parts("two")),
                HasSubstr("params.scoring: \"mae\" is no metric of classes; choose accuracy, "));
    EXPECT_EQ(refused("logistic_regression", "f1", by_parts("three")),
              "params.scoring: \"f1\" is no metric of the target \"three\", which has 3 classes; "
              "choose accuracy, log_loss, balanced_accuracy or f1_macro");
    EXPECT_THAT(refused("random_forest", "brier", by_parts("number")),
                HasSubstr("\"number\", which is a number; choose rmse, mae or r2"));
    json task = by_parts("number");
    task["task"] = "regression";
    EXPECT_THAT(refused("gradient_boosting", "log_loss", task),
                HasSubstr("is no metric of a number; choose rmse, mae or r2"));
    EXPECT_THAT(refusal("evaluate", {{"algorithm", "ridge"}, {"target", "Sex"}}), HasSubstr("Sex"));
}

TEST_F(JudgingTest, GradientBoostingIsEvaluatedToo) {
    const json result = run(
        "evaluate",
        {{"algorithm", "gradient_boosting"}, {"n_estimators", 10}, {"repeats", 2}, {"folds", 2}});
    EXPECT_EQ(result["fits"], 4);
    EXPECT_EQ(result["folds"][3]["repeat"], 2);
    EXPECT_EQ(result["folds"][3]["steps"], 10);
    EXPECT_GT(result["metrics"]["auc"], 0.8);
}

// Rows of one group stay together, and what groups them is no feature: the model needs it not.
TEST_F(JudgingTest, AColumnThatGroupsIsNoFeature) {
    run("train", json::object());
    const auto weights = json::parse(read("Data/model.json"))["weights"].size();
    const json params{{"groups", "Pclass"}, {"folds", 2}, {"grid", {{"C", {0.1, 1}}}}};
    EXPECT_EQ(run("search", params)["candidate_count"], 2);
    EXPECT_EQ(json::parse(read("Data/model.json"))["weights"].size(), weights - 1);
    EXPECT_EQ(run("predict", json::object())["rows"], 418);
    EXPECT_THAT(refusal("evaluate", {{"groups", "Age"}}),
                HasSubstr("no value, but this column groups the rows"));
    EXPECT_THAT(refusal("evaluate", {{"groups", "Cabin no"}}), HasSubstr("no column \"Cabin no\""));
    EXPECT_THAT(refusal("evaluate", {{"groups", "Survived"}}),
                HasSubstr("params.groups: \"Survived\" is the target column as well"));
}

// The refitted model is the one that a training with the best parameters makes, to the hash.
TEST_F(JudgingTest, ASearchRanksCandidatesAndTrainsTheBest) {
    const json params{{"grid", {{"C", {1e-6, 0.5, 100}}}}, {"scoring", "log_loss"}};
    const json result = run("search", params);
    EXPECT_EQ(result["fits"], 15);
    ASSERT_EQ(result["candidates"].size(), 3U);
    double before = 0;
    for (const json& candidate : result["candidates"]) {
        EXPECT_GE(candidate["metrics"]["log_loss"], before);
        before = candidate["metrics"]["log_loss"];
    }
    EXPECT_EQ(result["candidates"][2]["params"], json({{"C", 1e-6}}));
    EXPECT_EQ(result["best_params"], result["candidates"][0]["params"]);
    const json evaluated = run("evaluate", result["best_params"]);
    EXPECT_EQ(evaluated["metrics"], result["metrics"]);
    EXPECT_EQ(evaluated["deviations"], result["deviations"]);
    const json trained = run("train", result["best_params"]);
    EXPECT_EQ(trained["model_sha256"], result["model_sha256"]);
    EXPECT_EQ(trained["metrics"], result["training_metrics"]);
    EXPECT_THAT(read("Data/search.csv"), StartsWith("rank,C,accuracy,accuracy deviation,log_loss"));
}

// A parameter that changes how values become bins makes tables of its own; halving, drawn
// candidates and outer folds go together.
TEST_F(JudgingTest, ASearchIsTheSameWhereverItIsStopped) {
    const json params{{"algorithm", "gradient_boosting"},
                      {"n_estimators", 5},
                      {"grid", {{"max_bin", {16, 64}}, {"max_depth", {{"min", 1}, {"max", 6}}}}},
                      {"n_iter", 6},
                      {"factor", 2},
                      {"folds", 2},
                      {"outer_folds", 2},
                      {"scoring", "auc"}};
    ASSERT_EQ(refusal("search", params), "accepted");
    const auto make = [&] { return world_.prepare(*find_job_type("search"), params).program; };
    const auto rounds = testing::expect_restarts_to_change_nothing(make, world_.blobs());
    EXPECT_GE(rounds, 5U);
    const json result = run("search", params);
    ASSERT_EQ(result["outer"]["folds"].size(), 2U);
    EXPECT_GT(result["outer"]["metrics"]["auc"], 0.75);
    EXPECT_EQ(result["candidates"][0]["rung"], 4);
    EXPECT_EQ(result["candidates"][5]["rung"], 1);
    json best{{"algorithm", "gradient_boosting"}, {"n_estimators", 5}};
    best.update(result["best_params"]);
    EXPECT_EQ(run("train", best)["model_sha256"], result["model_sha256"]);
}

// A candidate that cannot be fitted is ranked last, with the reason; only where none can, it fails.
TEST_F(JudgingTest, ACandidateThatFailsIsRankedLast) {
    const json result = run("search", {{"grid", {{"max_iterations", {2, 100}}}}, {"folds", 2}});
    EXPECT_EQ(result["best_params"]["max_iterations"], 100);
    EXPECT_THAT(result["candidates"][1]["failure"], HasSubstr("after 2 iterations"));
    const auto none = world_.prepare(*find_job_type("search"),
                                     {{"grid", {{"max_iterations", {1, 2}}}}, {"folds", 2}});
    const auto ran = programs::run_in_process(*none.program, world_.blobs());
    ASSERT_FALSE(ran);
    EXPECT_THAT(ran.error().message, HasSubstr("no candidate could be fitted to every fold"));
    const auto alone =
        world_.prepare(*find_job_type("evaluate"), {{"max_iterations", 1}, {"folds", 2}});
    world_.run(*alone.program);
    EXPECT_THAT(alone.finish().error().message, HasSubstr("fold 1 of repeat 1: "));
}

TEST_F(JudgingTest, RefusesBeforeAnyTask) {
    EXPECT_THAT(refusal("search", json::object()), HasSubstr("params.grid: is missing"));
    EXPECT_THAT(refusal("search", {{"grid", {{"D", {1, 2}}}}}),
                HasSubstr("params.grid.D: is not a parameter of a logistic regression"));
    EXPECT_THAT(refusal("search", {{"grid", {{"C", {0, 1}}}}}),
                HasSubstr("params.grid.C: 0 is not a number from 1e-06 to"));
    EXPECT_THAT(refusal("search", {{"grid", {{"C", {1, 2}}}}, {"repeats", 1000}, {"folds", 1000}}),
                HasSubstr("1000 x 1000 folds are 2000000 fits, more than 100000"));
    EXPECT_THAT(refusal("evaluate", {{"folds", 1}}), HasSubstr("params.folds: 1 is not"));
    EXPECT_THAT(refusal("evaluate", {{"test_size", 1}}), HasSubstr("params.test_size: 1 is not"));
    EXPECT_EQ(refusal("evaluate", {{"folds", 900}, {"split", "random"}}),
              "params.folds: 900 folds of 891 rows; give at most 891");
    std::string rare = "id,x,y\n";
    for (int i = 0; i < 40; ++i) {
        rare += std::to_string(i) + "," + std::to_string(i % 7) + (i == 5 ? ",1\n" : ",0\n");
    }
    write("Data/rare.csv", rare);
    const json table{{"data", "Data/rare.csv"}, {"target", "y"}, {"id", "id"}};
    EXPECT_THAT(refusal("evaluate", table), HasSubstr("its training rows are of one class only"));
    json search = table;
    search["grid"] = {{"C", {1, 2}}};
    EXPECT_THAT(refusal("search", search), HasSubstr("its training rows are of one class only"));
    search["data"] = "Data/train.csv";
    search["target"] = "Survived";
    search.erase("id");
    search.update({{"folds", 400}, {"split", "random"}, {"scoring", "auc"}});
    EXPECT_THAT(refusal("search", search), HasSubstr("so there is no auc"));
}

}  // namespace
}  // namespace netcompute::jobs
