#include "job_world.hpp"
#include "jobs/job_types.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

namespace netcompute::jobs {
namespace {

using nlohmann::json;
using test_support::JobWorld;
using ::testing::HasSubstr;

json with_files(const JobWorld& world, const std::string& submission, const std::string& labels,
                json params = json::object()) {
    std::ofstream{world.root() / "Data/s.csv"} << submission;
    std::ofstream{world.root() / "Data/l.csv"} << labels;
    params["submission"] = "Data/s.csv";
    params["labels"] = "Data/l.csv";
    return params;
}

json score(const std::string& submission, const std::string& labels,
           const json& params = json::object()) {
    JobWorld world;
    return world.run_job(*find_job_type("score"), with_files(world, submission, labels, params));
}

std::string refusal(const std::string& submission, const std::string& labels,
                    const json& params = json::object()) {
    JobWorld world;
    const auto prepared = find_job_type("score")->prepare(
        with_files(world, submission, labels, params), world.context());
    return prepared ? "accepted" : prepared.error().message;
}

// What a training says of its own rows is what its submission scores.
TEST(ScoreJobTest, ASubmissionOfOursScoresWhatThePredictionSaid) {
    JobWorld world{NETCOMPUTE_SOURCE_DIR "/Data"};
    std::ignore = world.run_job(*find_job_type("train"), json::object());
    const json predicted =
        world.run_job(*find_job_type("predict"),
                      {{"labels", "Data/test_labels.csv"}, {"probabilities", "columns"}});
    const json scored = world.run_job(*find_job_type("score"), json::object());
    EXPECT_EQ(scored["metrics"]["accuracy"], predicted["metrics"]["accuracy"]);
    EXPECT_NEAR(scored["metrics"]["log_loss"], predicted["metrics"]["log_loss"], 1e-12);
    EXPECT_NEAR(scored["metrics"]["auc"], predicted["metrics"]["auc"], 1e-12);
    EXPECT_EQ(scored["rows"], 418);
    EXPECT_EQ(scored["notes"], json::array());
}

// Rows are compared by their ids, in whatever order they stand; what is on one side only is told.
TEST(ScoreJobTest, ClassesAreComparedById) {
    const json result = score("id,kind\n4,c\n1,a\n2,b\n3,a\n9,a\n",
                              "other,id,kind\nx,1,a\nx,2,a\nx,3,a\nx,4,b\nx,5,b\n");
    EXPECT_EQ(result["rows"], 4);
    EXPECT_EQ(result["metrics"]["accuracy"], 0.5);
    // a is met in 2 of 3 rows, b in none of 1; c is predicted once and never there.
    EXPECT_NEAR(result["metrics"]["balanced_accuracy"], (2.0 / 3 + 0) / 2, 1e-15);
    EXPECT_NEAR(result["metrics"]["f1_macro"], (0.8 + 0 + 0) / 3, 1e-15);
    EXPECT_FALSE(result["metrics"].contains("log_loss"));
    EXPECT_EQ(result["confusion"],
              (json{{"a", {{"a", 2}, {"b", 1}}}, {"b", {{"c", 1}}}, {"c", json::object()}}));
    EXPECT_EQ(result["rows_not_predicted"], 1);
    EXPECT_EQ(result["rows_without_label"], 1);
    EXPECT_THAT(result["notes"].dump(),
                HasSubstr("1 row of Data/l.csv not in Data/s.csv, the first in line 6"));
    EXPECT_THAT(result["notes"].dump(),
                HasSubstr("1 row of Data/s.csv not in Data/l.csv, the first in line 6"));
}

TEST(ScoreJobTest, ProbabilitiesHaveTheirOwnFigures) {
    const json result = score(
        "id,y,probability 0,probability 1\n1,0,0.8,0.2\n2,1,0.4,0.6\n3,1,0.3,0.7\n4,0,0.5,0.5\n",
        "id,y\n1,0\n2,0\n3,1\n4,1\n");
    EXPECT_EQ(result["metrics"]["accuracy"], 0.5);
    EXPECT_NEAR(result["metrics"]["log_loss"],
                -(std::log(0.8) + std::log(0.4) + std::log(0.7) + std::log(0.5)) / 4, 1e-14);
    EXPECT_EQ(result["metrics"]["auc"], 0.75);
    const json without = score("id,y,probability 0\n1,0,0.8\n2,1,0.4\n", "id,y\n1,0\n2,1\n");
    EXPECT_FALSE(without["metrics"].contains("auc"));
    EXPECT_THAT(without["notes"].dump(), HasSubstr("there is no column \\\"probability 1\\\""));
}

TEST(ScoreJobTest, NumbersAreMeasuredAsNumbers) {
    const json result =
        score("n,y\n1,1.5\n2,2.5\n3,1\n", "y,n\n1,1\n2.5,2\n3,3\n", {{"task", "regression"}});
    EXPECT_NEAR(result["metrics"]["rmse"], std::sqrt((0.25 + 0 + 4) / 3), 1e-15);
    EXPECT_NEAR(result["metrics"]["mae"], 2.5 / 3, 1e-15);
    EXPECT_FALSE(result.contains("confusion"));
    EXPECT_EQ(score("n,y\n3,1\n2,2.5\n1,1.5\n", "y,n\n1,1\n2.5,2\n3,3\n",
                    {{"task", "regression"}})["metrics"],
              result["metrics"]);
}

TEST(ScoreJobTest, MistakesAreNamed) {
    const std::string labels = "id,y\n1,a\n2,b\n";
    EXPECT_THAT(refusal("id,y\n1,a\n2,b\n1,b\n", labels),
                HasSubstr("s.csv: line 4 (row 3), column \"id\": \"1\" stands in line 2 too"));
    EXPECT_THAT(refusal("id,y\n1,a\n", labels + "2,a\n"), HasSubstr("l.csv: line 4"));
    EXPECT_THAT(refusal("id,y\n1,a\n2,\n", labels),
                HasSubstr("line 3 (row 2), column \"y\": nothing is predicted"));
    EXPECT_THAT(refusal("id,y\n1,a\n2,b\n", "id,y\n1,a\n2,\n"), HasSubstr("l.csv: line 3"));
    EXPECT_THAT(refusal("id,y\n7,a\n8,b\n", labels), HasSubstr("none of its ids is in Data/l.csv"));
    EXPECT_THAT(refusal("id,z\n1,a\n", labels), HasSubstr("l.csv: no column \"z\" (the target)"));
    EXPECT_THAT(refusal("id\n1\n", labels), HasSubstr("has one column only"));
    EXPECT_THAT(refusal("id,y\n1,a\n", labels, {{"target", "id"}}),
                HasSubstr("params.target: \"id\" is the id column as well"));
    EXPECT_THAT(refusal("id,y,probability a,probability b\n1,a,0.6,0.4\n2,b,0.5,0.7\n", labels),
                HasSubstr("line 3: its probabilities add up to 1.2, not 1"));
    EXPECT_THAT(refusal("id,y,probability a,probability b\n1,a,1.6,-0.6\n2,b,0.5,0.5\n", labels),
                HasSubstr("1.6 is no probability, from 0 to 1"));
    EXPECT_THAT(refusal("id,y\n1,a\n2,x\n", "id,y\n1,1.5\n2,2\n", {{"task", "regression"}}),
                HasSubstr("column \"y\": \"a\" is not a finite number"));
}

}  // namespace
}  // namespace netcompute::jobs
