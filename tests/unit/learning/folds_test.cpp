// How rows are divided: what must hold for any rows, and what is refused.
#include "learning/folds.hpp"

#include <netcompute/random.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace netcompute::learning {
namespace {

using programs::RowRole;
using ::testing::HasSubstr;

std::vector<std::uint8_t> some_classes(std::uint64_t rows, std::uint32_t rare_in) {
    Philox random{rows};
    std::vector<std::uint8_t> classes;
    for (std::uint64_t i = 0; i < rows; ++i) {
        classes.push_back(random.next_below(rare_in) == 0 ? 1 : 0);
    }
    return classes;
}

std::vector<Split> splits_of(const FoldRowsInfo& rows, const FoldOptions& options) {
    const auto splits = plan_splits(rows, options, all_rows(rows.row_count));
    EXPECT_TRUE(splits) << splits.error().message;
    return splits.value();
}

std::string fold_refusal(const FoldRowsInfo& rows, const FoldOptions& options) {
    const auto splits = plan_splits(rows, options, all_rows(rows.row_count));
    return splits ? "accepted" : splits.error().message;
}

/// Of the rows that each split holds out, the largest and the smallest number for which `counts`.
template <typename Counts>
std::pair<std::size_t, std::size_t> reach(const std::vector<Split>& splits, const Counts& counts) {
    std::pair<std::size_t, std::size_t> reach{splits.front().roles.size(), 0};
    for (const Split& split : splits) {
        const auto count = static_cast<std::size_t>(std::ranges::count_if(split.held_out, counts));
        reach = {std::min(reach.first, count), std::max(reach.second, count)};
    }
    return reach;
}

TEST(FoldsTest, EachRowIsHeldOutOnceARepeatAndLearnedFromOtherwise) {
    const auto classes = some_classes(103, 4);
    for (const bool is_stratified : {true, false}) {
        const FoldOptions options{.folds = 5, .repeats = 3, .is_stratified = is_stratified};
        const auto splits = splits_of({103, classes, {}}, options);
        ASSERT_EQ(splits.size(), 15U);
        for (std::size_t repeat = 0; repeat < 3; ++repeat) {
            std::multiset<std::uint32_t> held_out;
            for (std::size_t fold = 0; fold < 5; ++fold) {
                const Split& split = splits[repeat * 5 + fold];
                EXPECT_EQ(split.repeat, repeat);
                EXPECT_EQ(split.fold, fold);
                EXPECT_EQ(std::ranges::count(split.roles, RowRole::Unused), 0);
                EXPECT_EQ(split.training_count + split.held_out.size(), 103U);
                EXPECT_TRUE(std::ranges::is_sorted(split.held_out));
                held_out.insert(split.held_out.begin(), split.held_out.end());
            }
            EXPECT_EQ(held_out.size(), 103U);
            EXPECT_EQ(std::set(held_out.begin(), held_out.end()).size(), 103U);
        }
        EXPECT_NE(splits[0].held_out, splits[5].held_out) << "a repeat divides anew";
    }
}

TEST(FoldsTest, FoldsDifferByARowAtMostAndStrataToo) {
    const auto classes = some_classes(1003, 20);
    const auto splits = splits_of({1003, classes, {}}, {.folds = 10});
    for (const int class_number : {0, 1}) {
        const auto [least, most] =
            reach(splits, [&](std::uint32_t row) { return classes[row] == class_number; });
        EXPECT_LE(most - least, 1U);
    }
    const auto [least, most] = reach(splits, [](std::uint32_t) { return true; });
    EXPECT_LE(most - least, 1U);
}

TEST(FoldsTest, GroupsAreNeverDividedAndFoldsAreOfLikeSize) {
    Philox random{3};
    std::vector<std::uint32_t> groups;
    for (int row = 0; row < 500; ++row) {
        groups.push_back(static_cast<std::uint32_t>(random.next_below(60)));
    }
    const auto classes = some_classes(500, 2);
    for (const std::optional<double> test_size : {std::optional<double>{}, std::optional{0.3}}) {
        const auto splits =
            splits_of({500, classes, groups}, {.folds = 4, .repeats = 2, .test_size = test_size});
        for (const Split& split : splits) {
            std::map<std::uint32_t, std::set<RowRole>> roles;
            for (std::size_t row = 0; row < 500; ++row) roles[groups[row]].insert(split.roles[row]);
            for (const auto& [group, own] : roles) EXPECT_EQ(own.size(), 1U) << group;
            EXPECT_NEAR(static_cast<double>(split.held_out.size()), test_size ? 150 : 125, 12);
        }
    }
}

TEST(FoldsTest, AHoldOutTakesItsShareOfEachClass) {
    const auto classes = some_classes(1000, 10);
    const auto rare = std::ranges::count(classes, 1);
    const auto splits = splits_of({1000, classes, {}}, {.repeats = 2, .test_size = 0.25});
    ASSERT_EQ(splits.size(), 2U);
    for (const Split& split : splits) {
        EXPECT_EQ(split.held_out.size(), 250U);
        const auto held_out = std::ranges::count_if(
            split.held_out, [&](std::uint32_t row) { return classes[row] == 1; });
        EXPECT_NEAR(static_cast<double>(held_out), static_cast<double>(rare) / 4, 1);
    }
    EXPECT_NE(splits[0].held_out, splits[1].held_out);
}

TEST(FoldsTest, TheSeedDecidesAndNothingElse) {
    const auto classes = some_classes(200, 3);
    const FoldRowsInfo rows{200, classes, {}};
    const auto first = splits_of(rows, {.seed = 7});
    EXPECT_EQ(splits_of(rows, {.seed = 7}).front().held_out, first.front().held_out);
    EXPECT_NE(splits_of(rows, {.seed = 8}).front().held_out, first.front().held_out);
    EXPECT_NE(splits_of(rows, {.seed = 7, .stream = 1}).front().held_out, first.front().held_out);
}

TEST(FoldsTest, OnlyTheRowsWithinAreDivided) {
    const auto classes = some_classes(100, 2);
    std::vector<std::uint32_t> within;
    for (std::uint32_t row = 0; row < 100; row += 2) within.push_back(row);
    const auto splits = plan_splits({100, classes, {}}, {.folds = 3}, within);
    ASSERT_TRUE(splits) << splits.error().message;
    for (const Split& split : *splits) {
        for (std::uint32_t row = 0; row < 100; ++row) {
            EXPECT_EQ(split.roles[row] == RowRole::Unused, row % 2 == 1);
        }
    }
}

TEST(FoldsTest, ASmallerShareIsPartOfALargerOneAndHasEachClass) {
    const auto classes = some_classes(400, 50);
    const FoldRowsInfo rows{400, classes, {}};
    const Split split = splits_of(rows, {.folds = 2}).front();
    const Split half = with_share(split, rows, 0.5, 1);
    const Split tenth = with_share(split, rows, 0.1, 1);
    EXPECT_EQ(half.held_out, split.held_out);
    EXPECT_NEAR(static_cast<double>(tenth.training_count),
                static_cast<double>(split.training_count) / 10, 1);
    std::set<std::uint8_t> seen;
    for (std::uint32_t row = 0; row < 400; ++row) {
        if (tenth.roles[row] != RowRole::Training) continue;
        seen.insert(classes[row]);
        EXPECT_EQ(half.roles[row], RowRole::Training);
        EXPECT_EQ(split.roles[row], RowRole::Training);
    }
    EXPECT_EQ(seen.size(), 2U);
    EXPECT_EQ(static_cast<std::uint64_t>(std::ranges::count(tenth.roles, RowRole::Training)),
              tenth.training_count);
}

TEST(FoldsTest, RefusesWhatCannotBeDivided) {
    const std::vector<std::uint8_t> classes{0, 0, 0, 0, 1, 1};
    const std::vector<std::uint32_t> groups{0, 0, 0, 1, 1, 1};
    EXPECT_EQ(fold_refusal({6, classes, {}}, {.folds = 7, .is_stratified = false}),
              "params.folds: 7 folds of 6 rows; give at most 6");
    EXPECT_EQ(fold_refusal({6, classes, {}}, {.folds = 5}),
              "params.folds: 5 folds of 4 rows of the most frequent class; give at most 4");
    EXPECT_EQ(fold_refusal({6, classes, groups}, {.folds = 3}),
              "params.folds: 3 folds of 2 groups; give at most 2");
    EXPECT_THAT(fold_refusal({6, classes, groups}, {.test_size = 0.9}),
                HasSubstr("params.test_size: the hold-out holds out 6 of 6 rows"));
    const std::vector<std::uint8_t> one_each{0, 1};
    EXPECT_THAT(fold_refusal({2, one_each, {}}, {.folds = 2, .is_stratified = false}),
                HasSubstr("fold 1: its training rows are of one class only"));
}

}  // namespace
}  // namespace netcompute::learning
