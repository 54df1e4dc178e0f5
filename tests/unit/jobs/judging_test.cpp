// Evaluations and searches, from the table to the result, in one process.
#include "job_world.hpp"
#include "jobs/job_type.hpp"
#include "program_checks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <sstream>

namespace netcompute::jobs {
namespace {

using nlohmann::json;
using test_support::JobWorld;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string tables = NETCOMPUTE_SOURCE_DIR "/Data";

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
    EXPECT_THAT(refusal("search", search), HasSubstr("so there is no AUC"));
}

}  // namespace
}  // namespace netcompute::jobs
