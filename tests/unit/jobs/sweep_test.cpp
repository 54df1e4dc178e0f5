// A sweep checks every point before it submits anything, and gathers one table.
#include "job_world.hpp"
#include "jobs/job_type.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace netcompute::jobs {
namespace {

using nlohmann::json;
using test_support::JobWorld;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const JobType& sweep_type() {
    return *find_job_type("sweep");
}

json pi_over(json over) {
    return {{"job", "monte_carlo_pi"}, {"over", std::move(over)}};
}

std::string sweep_refusal(const json& params) {
    JobWorld world;
    const auto checked = sweep_type().check(params, world.context());
    return checked ? "accepted" : checked.error().message;
}

std::vector<json> params_of_points(const json& params) {
    JobWorld world;
    std::vector<json> all;
    const auto next = world.prepare(sweep_type(), params).next_jobs({}).value();
    for (const JobRequest& request : next.jobs) all.push_back(request.params);
    return all;
}

TEST(SweepTest, AGridHasEveryCombinationAndTheLastParamChangesFirst) {
    const json over{{"samples", {{"from", 10}, {"to", 1000}, {"steps", 3}, {"scale", "log"}}},
                    {"seed", json::array({7, 9})}};
    const std::vector<json> points = params_of_points(pi_over(over));
    ASSERT_EQ(points.size(), 6u);
    EXPECT_EQ(points[0], (json{{"samples", 10}, {"seed", 7}}));
    EXPECT_EQ(points[1], (json{{"samples", 10}, {"seed", 9}}));
    EXPECT_EQ(points[3], (json{{"samples", 100}, {"seed", 9}}));
    EXPECT_EQ(points[5], (json{{"samples", 1000}, {"seed", 9}}));
}

// With as many points as cells a Latin hypercube has each whole number once, and so has a power of
// two of points of Sobol's sequence; another random state gives others.
TEST(SweepTest, OtherDesignsSpreadThePoints) {
    for (const char* const design : {"latin_hypercube", "sobol"}) {
        json params{{"job", "option_pricing"},
                    {"over",
                     {{"strike", {{"from", 0.5}, {"to", 64.5}}},
                      {"payoff", json::array({"call", "put"})},
                      {"volatility", {{"from", 0.1}, {"to", 0.5}}}}},
                    {"design", design},
                    {"points", 64}};
        const std::vector<json> points = params_of_points(params);
        std::set<double> strikes;
        std::size_t calls = 0;
        for (const json& point : points) {
            strikes.insert(std::round(point["strike"].get<double>()));
            if (point["payoff"] == "call") ++calls;
        }
        EXPECT_EQ(points.size(), 64u);
        EXPECT_EQ(strikes.size(), 64u) << design;
        EXPECT_EQ(calls, 32u) << design;
        EXPECT_EQ(params_of_points(params), points);
        params["random_state"] = 1;
        EXPECT_NE(params_of_points(params), points);
    }
}

TEST(SweepTest, TheTableHasALineForEachPoint) {
    JobWorld world;
    json params = pi_over({{"seed", json::array({1, 2})}});
    params["params"] = {{"samples", 1000}};
    const json result = world.run_job(sweep_type(), params);
    const std::string table = test_support::read_file(world.root() / "Data/sweep.csv");
    EXPECT_THAT(table, StartsWith("point,seed,estimate,inside,samples,standard_error\n1,1,3."));
    EXPECT_THAT(table, HasSubstr("\n2,2,3."));
    EXPECT_EQ(result["points"], 2);
    EXPECT_EQ(result["files"]["table"], "Data/sweep.csv");
    // The same job by itself gives the same numbers.
    const json alone =
        world.run_job(*find_job_type("monte_carlo_pi"), {{"samples", 1000}, {"seed", 2}});
    EXPECT_THAT(table, HasSubstr("\n2,2," + alone["estimate"].dump() + ","));
}

// What children would write by default they do not write, and what their results nest is a column.
TEST(SweepTest, JobsThatWriteFilesWriteNone) {
    JobWorld world;
    const json result = world.run_job(
        sweep_type(), {{"job", "epidemic"},
                       {"params", {{"replicates", 5}, {"population", 50}, {"points", 3}}},
                       {"over", {{"reproduction_number", json::array({0.5, 3})}}}});
    EXPECT_THAT(result["columns"].dump(), HasSubstr("\"infected.quantiles.50\""));
    EXPECT_FALSE(std::filesystem::exists(world.root() / "Data/epidemic.csv"));
}

TEST(SweepTest, MistakesAreNamedBeforeAnyJobIsSubmitted) {
    const json seeds{{"seed", json::array({1})}, {"samples", json::array({10})}};
    EXPECT_EQ(sweep_refusal(pi_over(seeds)), "accepted");
    EXPECT_EQ(sweep_refusal({{"job", "train"}, {"over", seeds}}),
              "params.job: \"train\" is not one of generate, monte_carlo_pi, option_pricing, "
              "epidemic, ising, "
              "noop");
    EXPECT_EQ(
        sweep_refusal(pi_over({{"samples", json::array({10, -1})}})),
        "params.over: at {\"samples\":-1}: params.samples: -1 is not a whole number from 1 to "
        "41943040000000");
    EXPECT_THAT(sweep_refusal(pi_over({{"samples", json::array({10})}, {"sed", json::array({1})}})),
                HasSubstr("params.sed: is not a parameter of this type"));
    json twice = pi_over(seeds);
    twice["params"] = {{"seed", 1}};
    EXPECT_EQ(sweep_refusal(twice),
              "params.over: seed is one of params.params too; leave it out there");
    EXPECT_EQ(sweep_refusal(pi_over(json::object())),
              "params.over: {} is not an object of params with their values or ranges");
    EXPECT_EQ(sweep_refusal(pi_over({{"seed", 5}})),
              "params.over.seed: 5 is neither a list of 1 to 4096 values nor a range");
    EXPECT_EQ(sweep_refusal(pi_over({{"seed", {{"from", 1}}}})),
              "params.over.seed: a range has from and to");
    EXPECT_EQ(sweep_refusal(pi_over({{"seed", {{"from", 2}, {"to", 1}}}})),
              "params.over.seed: from is above to");
    EXPECT_EQ(sweep_refusal(pi_over({{"seed", {{"from", 0}, {"to", 1}, {"scale", "log"}}}})),
              "params.over.seed.from: 0 has no logarithm; give a number above 0");
    EXPECT_EQ(sweep_refusal(pi_over({{"seed", {{"from", 0}, {"to", 1}, {"step", 3}}}})),
              "params.over.seed.step: is not a key of a range; it has from, to, steps and scale");
    const json range{{"from", 1}, {"to", 100}, {"steps", 100}};
    EXPECT_THAT(sweep_refusal(pi_over({{"seed", range}, {"samples", range}})),
                HasSubstr("a grid of more than 4096 points; give fewer steps"));
    EXPECT_EQ(sweep_refusal({{"job", "epidemic"},
                             {"params", {{"output", "Data/x.csv"}}},
                             {"over", {{"seed", json::array({1})}}}}),
              "params.params: the jobs of a sweep write no files; leave out output");
}

}  // namespace
}  // namespace netcompute::jobs
