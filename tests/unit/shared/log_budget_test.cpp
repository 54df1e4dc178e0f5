#include <netcompute/log_budget.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace netcompute {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using LeftOut = LogBudget::LeftOut;

constexpr Instant start{1h};

std::uint64_t admitted(LogBudget& budget, std::string_view kind, std::string_view address,
                       int lines) {
    std::uint64_t count = 0;
    for (int i = 0; i < lines; ++i) count += budget.admit(kind, address) ? 1U : 0U;
    return count;
}

// One address that floods is cut short; others, and its lines of other kinds, are written.
TEST(LogBudgetTest, AnAddressMayCauseSoManyLinesOfAKindInAMinute) {
    LogBudget budget{{.lines_per_address = 3, .lines_in_all = 100}};
    std::ignore = budget.end_minute(start);
    EXPECT_EQ(admitted(budget, "refused", "10.0.0.9", 4214), 3U);
    EXPECT_EQ(admitted(budget, "refused", "10.0.0.8", 2), 2U);
    EXPECT_EQ(admitted(budget, "joined", "10.0.0.9", 2), 2U);
    EXPECT_EQ(budget.left_out_total(), 4211U);

    EXPECT_THAT(budget.end_minute(start + 59s), IsEmpty());
    EXPECT_EQ(admitted(budget, "refused", "10.0.0.9", 1), 0U);
    EXPECT_THAT(budget.end_minute(start + 60s), ElementsAre(LeftOut{"refused", "10.0.0.9", 4212}));
    EXPECT_EQ(admitted(budget, "refused", "10.0.0.9", 5), 3U) << "a new minute";
    EXPECT_EQ(budget.left_out_total(), 4214U);
}

// A thousand addresses are no thousand times as many lines.
TEST(LogBudgetTest, AllAddressesTogetherHaveABudgetToo) {
    LogBudget budget{{.lines_per_address = 10, .lines_in_all = 25}};
    std::ignore = budget.end_minute(start);
    std::uint64_t written = 0;
    for (int pc = 0; pc < 100; ++pc) {
        written += admitted(budget, "refused", "10.0.1." + std::to_string(pc), 10);
    }
    EXPECT_EQ(written, 25U);
    EXPECT_EQ(admitted(budget, "joined", "10.0.1.99", 1), 1U) << "another kind";
    EXPECT_EQ(budget.left_out_total(), 975U);
}

TEST(LogBudgetTest, WhereNoAddressIsKnownOnlyTheLimitForAllHolds) {
    LogBudget budget{{.lines_per_address = 2, .lines_in_all = 5}};
    std::ignore = budget.end_minute(start);
    EXPECT_EQ(admitted(budget, "job submitted", "", 9), 5U);
    EXPECT_THAT(budget.end_minute(start + 1min),
                ElementsAre(LeftOut{"job submitted", "anywhere", 4}));
}

// Whoever has a network of addresses costs no memory, and what is told of them stays short.
TEST(LogBudgetTest, WhatIsKeptAndToldOfManyAddressesIsBounded) {
    LogBudget budget{
        {.lines_per_address = 1, .lines_in_all = 1, .addresses_max = 50, .told_max = 2}};
    std::ignore = budget.end_minute(start);
    for (int pc = 0; pc < 10'000; ++pc) {
        std::ignore = budget.admit("refused", "fd00::" + std::to_string(pc));
    }
    std::ignore = admitted(budget, "refused", "fd00::7", 5);
    EXPECT_THAT(
        budget.end_minute(start + 2min),
        ElementsAre(LeftOut{"refused", "other addresses", 9950}, LeftOut{"refused", "fd00::7", 6},
                    LeftOut{"refused", "48 other addresses", 48}));
    EXPECT_THAT(budget.end_minute(start + 4min), IsEmpty()) << "each is told once";
}

TEST(LogBudgetTest, LargeNumbersAreWrittenInThousands) {
    EXPECT_EQ(with_thousands(0), "0");
    EXPECT_EQ(with_thousands(999), "999");
    EXPECT_EQ(with_thousands(4211), "4,211");
    EXPECT_EQ(with_thousands(1234567), "1,234,567");
}

}  // namespace
}  // namespace netcompute
