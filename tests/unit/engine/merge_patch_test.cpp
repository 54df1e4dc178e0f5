#include "api/merge_patch.hpp"

#include <gtest/gtest.h>

namespace netcompute::api {
namespace {

using nlohmann::json;

// A dashboard that folds every patch has the same state as one that has just come.
TEST(MergePatchTest, ApplyingThePatchGivesTheNewState) {
    const std::vector<std::pair<json, json>> cases{
        {json::object(), {{"a", 1}}},
        {{{"a", 1}}, json::object()},
        {{{"a", {{"b", 1}, {"c", 2}}}}, {{"a", {{"b", 1}, {"c", 3}}}}},
        {{{"a", {{"b", 1}}}}, {{"a", "text"}}},
        {{{"a", "text"}}, {{"a", {{"b", 1}}}}},
        {{{"a", {1, 2, 3}}}, {{"a", {1, 2}}}},
        {{{"workers", {{"x", {{"cpu", 0.5}}}, {"y", {{"cpu", 1}}}}}},
         {{"workers", {{"y", {{"cpu", 1}}}, {"z", {{"cpu", 0}}}}}}},
    };
    for (const auto& [from, to] : cases) {
        json state = from;
        state.merge_patch(merge_patch(from, to));
        EXPECT_EQ(state, to) << from.dump() << " to " << to.dump();
    }
}

// What did not change is not sent.
TEST(MergePatchTest, OnlyDifferencesAreInThePatch) {
    const json from = {{"a", {{"b", 1}, {"c", 2}}}, {"d", 4}};
    const json to = {{"a", {{"b", 1}, {"c", 3}}}, {"d", 4}};
    EXPECT_EQ(merge_patch(from, to), (json{{"a", {{"c", 3}}}}));
    EXPECT_TRUE(merge_patch(to, to).empty());
}

}  // namespace
}  // namespace netcompute::api
