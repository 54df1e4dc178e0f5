#include "job_world.hpp"
#include "jobs/job_types.hpp"

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

std::string augmented(json params) {
    JobWorld world;
    std::ofstream{world.root() / "Data/t.csv"}
        << "key,count,size,kind,y\nk1,1,0.25,\"a, b\",10.5\nk2,5,,c,20.5\nk3,9,0.75,c,30.5\n";
    params["data"] = "Data/t.csv";
    params["id"] = "key";
    std::ignore = world.run_job(*find_job_type("augment"), params);
    std::ostringstream text;
    text << std::ifstream{world.root() / "Data/augmented.csv"}.rdbuf();
    return text.str();
}

// Without jitter each row is one of the table's, all of them come up, and ids are new.
TEST(AugmentJobTest, RowsAreDrawnFromTheTable) {
    std::istringstream lines{augmented({{"rows", 3000}, {"jitter", 0}})};
    std::string line;
    std::getline(lines, line);
    EXPECT_EQ(line, "key,count,size,kind,y");
    int counts[3] = {};
    for (int row = 1; row <= 3000; ++row) {
        ASSERT_TRUE(std::getline(lines, line));
        const std::string id = std::to_string(row) + ",";
        ASSERT_TRUE(line.starts_with(id)) << line;
        const std::string rest = line.substr(id.size());
        const bool is_first = rest == "1,0.25,\"a, b\",10.5";
        const bool is_second = rest == "5,,c,20.5";
        ASSERT_TRUE(is_first || is_second || rest == "9,0.75,c,30.5") << line;
        ++counts[is_first ? 0 : is_second ? 1 : 2];
    }
    EXPECT_FALSE(std::getline(lines, line));
    for (const int count : counts) EXPECT_NEAR(count, 1000, 120);
}

// What is added has the deviation that was asked for; whole numbers stay whole, the target and
// what is missing stay as they are, and the same seed gives the same bytes.
TEST(AugmentJobTest, NumbersAreShaken) {
    const json params{{"rows", 4000}, {"jitter", 0.5}, {"target", "y"}, {"seed", 3}};
    const std::string text = augmented(params);
    EXPECT_EQ(augmented(params), text);
    EXPECT_NE(augmented({{"rows", 4000}, {"jitter", 0.5}, {"target", "y"}}), text);
    std::istringstream lines{text};
    std::string line;
    std::getline(lines, line);
    double squares = 0;
    double sum = 0;
    int shaken = 0;
    while (std::getline(lines, line)) {
        const std::string y = line.substr(line.rfind(',') + 1);
        ASSERT_TRUE(y == "10.5" || y == "20.5" || y == "30.5") << line;
        std::istringstream fields{line};
        std::string id, count, size;
        std::getline(fields, id, ',');
        std::getline(fields, count, ',');
        std::getline(fields, size, ',');
        EXPECT_EQ(count.find('.'), std::string::npos) << line;
        EXPECT_EQ(size.empty(), y == "20.5") << line;
        if (size.empty()) continue;
        const double added = std::stod(size) - (y == "10.5" ? 0.25 : 0.75);
        sum += added;
        squares += added * added;
        ++shaken;
    }
    EXPECT_NEAR(sum / shaken, 0, 0.01);
    EXPECT_NEAR(std::sqrt(squares / shaken), 0.5 * 0.25, 0.01);
}

TEST(AugmentJobTest, MistakesAreNamed) {
    JobWorld world;
    std::ofstream{world.root() / "Data/t.csv"} << "row,x\n1,2\n3,4\n";
    const auto refusal = [&](json params) {
        params["data"] = "Data/t.csv";
        const auto prepared = find_job_type("augment")->prepare(params, world.context());
        return prepared ? "accepted" : prepared.error().message;
    };
    EXPECT_THAT(refusal(json::object()), HasSubstr("has a column \"row\" already"));
    EXPECT_EQ(refusal({{"id", "row"}}), "accepted");
    EXPECT_THAT(refusal({{"id", "row"}, {"target", "z"}}),
                HasSubstr("no column \"z\" (the target)"));
    EXPECT_THAT(refusal({{"id", "row"}, {"rows", 20'000'000}}),
                HasSubstr("params.rows: 20000000 rows of 3 columns have more than 33554432"));
}

}  // namespace
}  // namespace netcompute::jobs
