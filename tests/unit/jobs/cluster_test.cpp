#include "job_world.hpp"
#include "jobs/job_types.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace netcompute::jobs {
namespace {

using test_support::JobWorld;
using testing::HasSubstr;

std::string text_of(const std::filesystem::path& path) {
    std::ifstream file{path};
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

void write_table(const JobWorld& world) {
    std::ofstream file{world.root() / "Data" / "t.csv"};
    file << "name,size,kind\n";
    for (int i = 0; i < 20; ++i) {
        file << "row " << i << "," << (i % 2 == 0 ? 10 + i % 3 : 90 + i % 3) << ","
             << (i % 2 == 0 ? "a" : "b") << "\n";
    }
}

TEST(ClusterTest, RowsThatAreAlikeAreOneClusterWithACenterInTheTablesOwnNumbers) {
    JobWorld world;
    write_table(world);
    const auto result = world.run_job(*find_job_type("cluster"),
                                      {{"data", "Data/t.csv"}, {"id", "name"}, {"n_clusters", 2}});
    EXPECT_EQ(result["rows"], 20);
    EXPECT_EQ(result["rows_of_clusters"], nlohmann::json({10, 10}));
    const auto document = nlohmann::json::parse(text_of(world.root() / "Data" / "clusters.json"));
    EXPECT_EQ(document["features"], nlohmann::json({"size", "kind=b"}));
    const std::size_t small = document["centers"][0][0] < 50.0 ? 0 : 1;
    EXPECT_NEAR(document["centers"][small][0], 10.9, 1e-6);
    EXPECT_NEAR(document["centers"][small][1], 0, 1e-6);
    EXPECT_NEAR(document["centers"][1 - small][1], 1, 1e-6);
    const std::string rows = text_of(world.root() / "Data" / "clusters.csv");
    EXPECT_THAT(rows, HasSubstr("name,cluster,distance\nrow 0," + std::to_string(small) + ",0."));
    EXPECT_THAT(rows, HasSubstr("\nrow 1," + std::to_string(1 - small) + ","));
}

TEST(ClusterTest, MoreClustersThanRowsAreRefusedBeforeAnyTask) {
    JobWorld world;
    write_table(world);
    const auto refused = find_job_type("cluster")->prepare(
        {{"data", "Data/t.csv"}, {"id", "name"}, {"n_clusters", 21}}, world.context());
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("params.n_clusters: 21 clusters of 20 rows"));
}

}  // namespace
}  // namespace netcompute::jobs
