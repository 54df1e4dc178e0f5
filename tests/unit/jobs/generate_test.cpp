#include "job_world.hpp"
#include "jobs/job_types.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <map>
#include <sstream>

namespace netcompute::jobs {
namespace {

using nlohmann::json;
using test_support::JobWorld;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string generated_text(const std::filesystem::path& path) {
    std::ifstream file{path};
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::string generated(const json& params) {
    JobWorld world;
    std::ignore = world.run_job(*find_job_type("generate"), params);
    return generated_text(world.root() / "Data/generated.csv");
}

std::vector<std::vector<double>> rows_of(const std::string& text) {
    std::istringstream lines{text};
    std::string line;
    std::getline(lines, line);
    std::vector<std::vector<double>> rows;
    while (std::getline(lines, line)) {
        std::istringstream fields{line};
        std::string field;
        rows.emplace_back();
        while (std::getline(fields, field, ',')) rows.back().push_back(std::stod(field));
    }
    return rows;
}

// A row depends on the seed and its number alone, so a longer table begins with the shorter one;
// 20,000 rows are several tasks.
TEST(GenerateJobTest, ALongerTableBeginsWithTheShorterOne) {
    const std::string longer = generated({{"rows", 20'000}, {"seed", 5}});
    const std::string shorter = generated({{"rows", 300}, {"seed", 5}});
    EXPECT_THAT(shorter, StartsWith("id,informative_1,informative_2,informative_3,informative_4,"
                                    "informative_5,redundant_1,redundant_2,noise_1,noise_2,noise_3,"
                                    "target\n1,"));
    EXPECT_TRUE(longer.starts_with(shorter));
    EXPECT_EQ(std::count(longer.begin(), longer.end(), '\n'), 20'001);
    EXPECT_NE(generated({{"rows", 300}, {"seed", 6}}), shorter);
}

// Each class has its corner of the cube, a deviation of 1 around it, and its share of the rows.
TEST(GenerateJobTest, ClassesLieAroundCorners) {
    const auto rows = rows_of(generated({{"rows", 8000},
                                         {"columns", 4},
                                         {"informative", 2},
                                         {"redundant", 1},
                                         {"classes", 4},
                                         {"class_sep", 3},
                                         {"flip_y", 0}}));
    std::map<double, std::array<double, 5>> sums;  // Count, sums, sums of squares.
    for (const auto& row : rows) {
        auto& sum = sums[row[5]];
        sum[0] += 1;
        for (std::size_t i = 0; i < 2; ++i) {
            sum[1 + i] += row[1 + i];
            sum[3 + i] += row[1 + i] * row[1 + i];
        }
    }
    ASSERT_EQ(sums.size(), 4U);
    std::map<std::pair<bool, bool>, int> corners;
    for (const auto& [label, sum] : sums) {
        EXPECT_NEAR(sum[0], 2000, 200);
        for (std::size_t i = 0; i < 2; ++i) {
            const double mean = sum[1 + i] / sum[0];
            EXPECT_NEAR(std::fabs(mean), 3, 0.1);
            EXPECT_NEAR(sum[3 + i] / sum[0] - mean * mean, 1, 0.15);
        }
        ++corners[{sum[1] > 0, sum[2] > 0}];
    }
    EXPECT_EQ(corners.size(), 4U) << "no two classes have the same corner";
}

// Without noise a least squares fit finds the target whole, and only the informative features
// count.
TEST(GenerateJobTest, NumbersFollowFromTheInformativeFeatures) {
    JobWorld world;
    std::ignore = world.run_job(
        *find_job_type("generate"),
        {{"kind", "regression"}, {"rows", 500}, {"columns", 6}, {"informative", 3}, {"noise", 0}});
    const json fit = world.run_job(
        *find_job_type("train"),
        {{"data", "Data/generated.csv"}, {"target", "target"}, {"algorithm", "linear_regression"}});
    EXPECT_NEAR(fit["metrics"]["r2"], 1, 1e-12);
    EXPECT_GT(std::fabs(fit["weights"]["informative_1"].get<double>()), 1e-3);
    EXPECT_NEAR(fit["weights"]["noise_1"], 0, 1e-9);
}

TEST(GenerateJobTest, BlobsHaveTheirCenters) {
    const auto rows = rows_of(generated(
        {{"kind", "blobs"}, {"rows", 3000}, {"columns", 2}, {"centers", 3}, {"center_box", 50}}));
    std::map<double, std::array<double, 3>> sums;
    for (const auto& row : rows) {
        auto& sum = sums[row[3]];
        sum[0] += 1;
        sum[1] += row[1];
        sum[2] += row[1] * row[1];
    }
    ASSERT_EQ(sums.size(), 3U);
    for (const auto& [label, sum] : sums) {
        const double mean = sum[1] / sum[0];
        EXPECT_LE(std::fabs(mean), 50.5);
        EXPECT_NEAR(sum[2] / sum[0] - mean * mean, 1, 0.2);
    }
}

TEST(GenerateJobTest, MistakesAreNamed) {
    JobWorld world;
    const auto refusal = [&](const json& params) {
        const auto checked = find_job_type("generate")->check(params, world.context());
        return checked ? "accepted" : checked.error().message;
    };
    EXPECT_THAT(refusal({{"informative", 9}}),
                HasSubstr("params.informative: 9 informative and 2 redundant features are more "
                          "than the 10 of params.columns"));
    EXPECT_THAT(refusal({{"classes", 5}, {"informative", 2}}),
                HasSubstr("params.classes: 5 classes need more than 2 informative features"));
    EXPECT_THAT(refusal({{"rows", 10'000'000}}),
                HasSubstr("params.rows: 10000000 rows of 10 features have more than 33554432"));
    EXPECT_THAT(refusal({{"kind", "blobs"}, {"classes", 3}}), HasSubstr("classes"));
}

}  // namespace
}  // namespace netcompute::jobs
