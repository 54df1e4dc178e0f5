// Which candidates a search tries, and which of them go on.
#include "learning/search_plan.hpp"

#include "learning/candidates.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

namespace netcompute::learning {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const Learner& boosting() {
    return *find_learner("gradient_boosting");
}

/// A learner's defaults.
params::ParamValues defaults_of(const Learner& learner) {
    params::ParamValues values;
    for (const params::Param& param : learner.params) {
        if (const auto* const number = std::get_if<params::Number>(&param)) {
            values.put(number->name, *number->otherwise);
        } else if (const auto* const whole = std::get_if<params::WholeNumber>(&param)) {
            values.put(whole->name, *whole->otherwise);
        }
    }
    return values;
}

std::vector<json> tried(const json& grid, std::optional<std::uint64_t> draws = {},
                        std::uint64_t seed = 0) {
    EXPECT_TRUE(check_grid(grid)) << grid;
    const auto candidates =
        plan_candidates(boosting(), defaults_of(boosting()), {grid, draws, seed});
    EXPECT_TRUE(candidates) << candidates.error().message;
    std::vector<json> params;
    for (const Candidate& candidate : candidates.value()) params.push_back(candidate.params);
    return params;
}

std::string grid_refusal(const json& grid, std::optional<std::uint64_t> draws = {}) {
    if (const auto good = check_grid(grid); !good) return good.error().message;
    const auto candidates = check_candidates(boosting(), defaults_of(boosting()), {grid, draws, 0});
    return candidates ? "accepted" : candidates.error().message;
}

TEST(CandidatesTest, AGridIsEachCombinationTheLastNameChangingFirst) {
    EXPECT_THAT(tried({{"max_depth", {2, 3}}, {"learning_rate", {0.1, 0.3}}}),
                ElementsAre(json{{"learning_rate", 0.1}, {"max_depth", 2}},
                            json{{"learning_rate", 0.1}, {"max_depth", 3}},
                            json{{"learning_rate", 0.3}, {"max_depth", 2}},
                            json{{"learning_rate", 0.3}, {"max_depth", 3}}));
}

TEST(CandidatesTest, DrawnOnesFollowFromTheSeedStayInTheirRangesAndAreNeverTwice) {
    const json grid{{"max_depth", {{"min", 2}, {"max", 5}}},
                    {"learning_rate", {{"min", 0.001}, {"max", 1}, {"scale", "log"}}},
                    {"n_estimators", {{"min", 10}, {"max", 1000}, {"scale", "log"}}},
                    {"subsample", {0.5, 1}}};
    const auto first = tried(grid, 400, 3);
    EXPECT_EQ(tried(grid, 400, 3), first);
    EXPECT_NE(tried(grid, 400, 4), first);
    std::set<json> known;
    std::set<json> depths;
    std::size_t small_rates = 0;
    for (const json& candidate : first) {
        EXPECT_TRUE(known.insert(candidate).second) << candidate;
        depths.insert(candidate["max_depth"]);
        const double rate = candidate["learning_rate"];
        EXPECT_GE(rate, 0.001);
        EXPECT_LE(rate, 1);
        small_rates += rate < 0.01 ? 1 : 0;
        EXPECT_TRUE(candidate["n_estimators"].is_number_integer());
        EXPECT_GE(candidate["n_estimators"], 10);
        EXPECT_LE(candidate["n_estimators"], 1000);
    }
    EXPECT_THAT(depths, ElementsAre(2, 3, 4, 5));
    EXPECT_NEAR(static_cast<double>(small_rates), 400.0 / 3, 40);
    // As many as there are: each of them, once.
    EXPECT_EQ(tried({{"max_depth", {1, 2, 3, 4, 5}}}, 5).size(), 5U);
}

TEST(CandidatesTest, RefusesByName) {
    EXPECT_THAT(grid_refusal(json::object()),
                HasSubstr("grid: {} is not an object of at least one"));
    EXPECT_THAT(grid_refusal({{"max_depth", 3}}), HasSubstr("grid.max_depth: 3 is neither a list"));
    EXPECT_THAT(grid_refusal({{"max_depth", json::array()}}), HasSubstr("no values are listed"));
    EXPECT_EQ(grid_refusal({{"max_depth", {3, 4, 3.0}}}), "grid.max_depth: 3.0 is listed twice");
    EXPECT_THAT(grid_refusal({{"depth", json::array({3})}}),
                HasSubstr("params.grid.depth: is not a parameter of gradient boosting; there are "
                          "n_estimators, max_depth"));
    EXPECT_EQ(grid_refusal({{"max_depth", {3, 99}}}),
              "params.grid.max_depth: 99 is not a whole number from 1 to 12");
    EXPECT_THAT(grid_refusal({{"subsample", {{"min", 0.1}, {"max", 2}}}}, 5),
                HasSubstr("params.grid.subsample: 2 is not a number from 0.001 to 1"));
    EXPECT_THAT(grid_refusal({{"subsample", {{"min", 0.1}, {"max", 1}}}}),
                HasSubstr("a range is for candidates that are drawn; give n_iter"));
    EXPECT_THAT(grid_refusal({{"subsample", {{"min", 1}, {"max", 0.1}}}}),
                HasSubstr("\"min\" is not below \"max\""));
    EXPECT_THAT(grid_refusal({{"gamma", {{"min", 0}, {"max", 1}, {"scale", "log"}}}}, 5),
                HasSubstr("\"min\" must be above 0 on a log scale"));
    EXPECT_THAT(grid_refusal({{"gamma", {{"min", 0}, {"top", 1}}}}, 5),
                HasSubstr("is not part of a range"));
    EXPECT_EQ(grid_refusal({{"max_depth", {3, 4}}}, 3),
              "params.n_iter: 3 candidates are more than the 2 that the grid has; leave it out, "
              "to try them all");
    json many = json::array();
    for (int i = 0; i < 300; ++i) many.push_back(i + 1);
    EXPECT_THAT(grid_refusal({{"n_estimators", many}, {"gamma", many}}),
                HasSubstr("its lists have 90000 combinations; at most 10000 are tried"));
}

FitRecord record(double figure) {
    return {{}, 1, {figure}};
}

std::vector<std::uint32_t> candidates_of(const std::vector<FitTask>& tasks) {
    std::vector<std::uint32_t> candidates;
    for (const FitTask& task : tasks) candidates.push_back(task.candidate);
    return candidates;
}

// Nine candidates, the later the better; a third goes on, and the last one stands first.
TEST(SearchPlanTest, TheBetterThirdGoesOn) {
    SearchPlan plan;
    plan.tables.assign(9, 0);
    plan.factor = 3;
    plan.scopes = {{.rungs = {{0}, {1}, {2}}}};
    EXPECT_EQ(rung_count(9, 3), 3U);
    EXPECT_EQ(plan.fit_count(), 9U + 3U + 1U);
    std::vector<FitRecord> records;
    EXPECT_EQ(follow(plan, records).due.size(), 9U);
    for (int i = 0; i < 9; ++i) records.push_back(record(i));
    auto due = follow(plan, records).due;
    EXPECT_THAT(candidates_of(due), ElementsAre(6, 7, 8));
    EXPECT_EQ(due.front().split, 1U);
    for (const double figure : {5.0, 9.0, 1.0}) records.push_back(record(figure));
    due = follow(plan, records).due;
    EXPECT_THAT(candidates_of(due), ElementsAre(7));
    records.push_back(record(0));
    const auto standing = follow(plan, records);
    EXPECT_TRUE(standing.due.empty());
    EXPECT_THAT(standing.scopes.front().order, ElementsAre(7, 6, 8, 5, 4, 3, 2, 1, 0));
    EXPECT_EQ(standing.scopes.front().candidates[6].rung, 1U);
}

TEST(SearchPlanTest, LessIsBetterForLossesEqualOnesKeepTheirOrderAndFailuresComeLast) {
    SearchPlan plan;
    plan.tables = {1, 0, 1, 0};
    plan.is_gain = false;
    plan.scopes = {{.rungs = {{0, 1}}}};
    const auto due = follow(plan, {}).due;
    EXPECT_THAT(due, ElementsAre(FitTask{1, 0}, FitTask{3, 0}, FitTask{1, 1}, FitTask{3, 1},
                                 FitTask{0, 0}, FitTask{2, 0}, FitTask{0, 1}, FitTask{2, 1}))
        << "fits over one table come together, and those of a split";
    std::vector<FitRecord> records{record(2), record(2), record(4), record(4),
                                   record(1), record(9), record(1), record(9)};
    EXPECT_THAT(follow(plan, records).scopes.front().order, ElementsAre(0, 1, 3, 2));
    EXPECT_EQ(follow(plan, records).scopes.front().candidates[1].mean, 3);
    records[4].failure = "it did not converge";
    records[7] = record(std::numeric_limits<double>::quiet_NaN());
    EXPECT_THAT(follow(plan, records).scopes.front().order, ElementsAre(1, 3, 0, 2));
}

// Each outer fold is judged by the candidate that is best within it.
TEST(SearchPlanTest, AnOuterFoldJudgesTheBestOfItsOwnSearch) {
    SearchPlan plan;
    plan.tables = {0, 0};
    plan.scopes = {{.rungs = {{0}}}, {.rungs = {{1}}, .outer = 2}, {.rungs = {{3}}, .outer = 4}};
    EXPECT_EQ(plan.fit_count(), 8U);
    std::vector<FitRecord> records{record(1), record(2), record(5),
                                   record(4), record(1), record(3)};
    EXPECT_THAT(follow(plan, records).due, ElementsAre(FitTask{0, 2}, FitTask{1, 4}));
    records.push_back(record(0.5));
    records.push_back(record(0.25));
    const auto standing = follow(plan, records);
    EXPECT_TRUE(standing.due.empty());
    EXPECT_EQ(standing.scopes[0].outer, nullptr);
    EXPECT_EQ(standing.scopes[1].outer->figures.front(), 0.5);
    EXPECT_EQ(standing.scopes[2].outer->figures.front(), 0.25);
}

}  // namespace
}  // namespace netcompute::learning
