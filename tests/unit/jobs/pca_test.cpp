#include "job_world.hpp"
#include "jobs/job_types.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <fstream>
#include <sstream>

namespace netcompute::jobs {
namespace {

using nlohmann::json;
using test_support::JobWorld;
using ::testing::HasSubstr;

std::string refusal(JobWorld& world, const std::string& table, json params) {
    std::ofstream{world.root() / "Data/t.csv"} << table;
    params["data"] = "Data/t.csv";
    const auto prepared = find_job_type("pca")->prepare(params, world.context());
    return prepared ? "accepted" : prepared.error().message;
}

// Variances, loadings and rows are those of scikit-learn, with standardised features and without.
TEST(PcaJobTest, FindsWhatScikitLearnFinds) {
    const json golden =
        json::parse(std::ifstream{NETCOMPUTE_SOURCE_DIR "/tests/fixtures/learning/pca.json"});
    constexpr std::array<const char*, 5> names{"a", "b", "c", "d", "e"};
    for (const std::string standardize : {"yes", "no"}) {
        SCOPED_TRACE(standardize);
        JobWorld world;
        std::ofstream{world.root() / "Data/t.csv"} << golden["csv"].get<std::string>();
        const json result = world.run_job(
            *find_job_type("pca"),
            {{"data", "Data/t.csv"}, {"components", 3}, {"standardize", standardize}});
        const json& expected = golden[standardize];
        ASSERT_EQ(result["components"].size(), 3U);
        const double scale = expected["explained_variance"][0];
        for (std::size_t k = 0; k < 3; ++k) {
            const json& component = result["components"][k];
            EXPECT_NEAR(component["explained_variance"], expected["explained_variance"][k],
                        1e-12 * scale);
            EXPECT_NEAR(component["explained_variance_ratio"],
                        expected["explained_variance_ratio"][k], 1e-12);
            EXPECT_NEAR(component["singular_value"], expected["singular_values"][k], 1e-9);
            for (std::size_t i = 0; i < names.size(); ++i) {
                EXPECT_NEAR(component["loadings"][names[i]], expected["components"][k][i], 1e-9);
            }
        }
        std::ifstream rows{world.root() / "Data/components.csv"};
        std::string line;
        std::getline(rows, line);
        EXPECT_EQ(line, "id,component_1,component_2,component_3");
        for (std::size_t row = 0; row < expected["rows"].size(); ++row) {
            std::getline(rows, line);
            std::istringstream fields{line};
            std::string field;
            std::getline(fields, field, ',');
            EXPECT_EQ(field, "r" + std::to_string(row));
            for (std::size_t k = 0; k < 3; ++k) {
                std::getline(fields, field, ',');
                EXPECT_NEAR(std::stod(field), expected["rows"][row][k], 1e-9);
            }
        }
        EXPECT_FALSE(std::getline(rows, line));
    }
}

// Features that are multiples of each other have one direction, and the rest has no variance.
TEST(PcaJobTest, DependentFeaturesHaveOneDirection) {
    JobWorld world;
    std::ofstream{world.root() / "Data/t.csv"} << "a,b,c\n1,2,-1\n2,4,-2\n3,6,-3\n5,10,-5\n";
    const json result = world.run_job(*find_job_type("pca"), {{"data", "Data/t.csv"}});
    EXPECT_NEAR(result["components"][0]["explained_variance_ratio"], 1, 1e-12);
    EXPECT_NEAR(result["components"][1]["explained_variance_ratio"], 0, 1e-12);
    EXPECT_NEAR(result["components"][0]["loadings"]["a"], std::sqrt(1.0 / 3), 1e-12);
    EXPECT_NEAR(result["components"][0]["loadings"]["c"], -std::sqrt(1.0 / 3), 1e-12);
}

TEST(PcaJobTest, MistakesAreNamed) {
    JobWorld world;
    const std::string table = "a,b,kind\n1,2,x\n2,2,x\n3,2,y\n";
    EXPECT_THAT(refusal(world, table, {}),
                HasSubstr("column \"b\" has one value only, so no component can tell its rows "
                          "apart; leave it out with params.columns: {\"b\": \"ignore\"}"));
    EXPECT_EQ(refusal(world, table, {{"columns", {{"b", "ignore"}}}}), "accepted");
    EXPECT_THAT(refusal(world, table, {{"columns", {{"b", "ignore"}}}, {"components", 3}}),
                HasSubstr("params.components: 3 components of 3 rows of 2 features in "));
    EXPECT_THAT(refusal(world, "a,b\n1,2\n", {}), HasSubstr("one row has no components"));
    EXPECT_THAT(refusal(world, "a,b,c\n1,2,4\n2,1,3\n", {{"components", 3}}),
                HasSubstr("choose at most 2"));
    EXPECT_THAT(refusal(world, table, {{"columns", {{"nope", "ignore"}}}}), HasSubstr("nope"));
}

}  // namespace
}  // namespace netcompute::jobs
