#include "api/list_query.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace netcompute::api {
namespace {

using testing::HasSubstr;

TEST(ListQueryTest, WithoutParametersItIsTheNewestHundred) {
    const auto query = read_list_query("");
    ASSERT_TRUE(query);
    EXPECT_EQ(query->limit, 100U);
    EXPECT_TRUE(query->before.empty() && query->state.empty() && query->text.empty());
}

TEST(ListQueryTest, ALimitIsAWholeNumberUpToAThousand) {
    EXPECT_EQ(read_list_query("limit=1")->limit, 1U);
    EXPECT_EQ(read_list_query("limit=1000")->limit, 1000U);
    for (const char* const bad : {"", "0", "1001", "-1", "+5", "1.5", "5x", "0x10", " 5",
                                  "99999999999999999999999", "five"}) {
        const auto query = read_list_query("limit=" + std::string{bad});
        ASSERT_FALSE(query) << bad;
        EXPECT_EQ(query.error().code, ErrorCode::InvalidArgument);
        EXPECT_THAT(query.error().message, HasSubstr("limit: \""));
    }
}

TEST(ListQueryTest, ATextThatIsTooLongIsNamed) {
    const std::string longest(ListQuery::text_bytes_max, 'x');
    for (const std::string name : {"before", "state", "q"}) {
        EXPECT_TRUE(read_list_query(name + "=" + longest));
        const auto query = read_list_query(name + "=" + longest + "x");
        ASSERT_FALSE(query);
        EXPECT_THAT(query.error().message, HasSubstr(name + ": has 201 bytes"));
    }
}

// Whoever follows the link asks for the same list, whatever its words are.
TEST(ListQueryTest, TheNextPageIsOfTheSameList) {
    ListQuery query;
    query.limit = 7;
    query.state = "running";
    query.text = "Büro 7 & co=? #1 100% +";
    const std::string url = next_page({"/api/v1/jobs", ""}, query, "a&b=\"<> c");
    EXPECT_EQ(url.find_first_of(" \"<>#"), std::string::npos) << url;
    const Target target = split_target(url);
    EXPECT_EQ(target.path, "/api/v1/jobs");
    const auto next = read_list_query(target.query);
    ASSERT_TRUE(next);
    EXPECT_EQ(next->limit, 7U);
    EXPECT_EQ(next->before, "a&b=\"<> c");
    EXPECT_EQ(next->state, query.state);
    EXPECT_EQ(next->text, query.text);
}

}  // namespace
}  // namespace netcompute::api
