#include <netcompute/random.hpp>

#include <gtest/gtest.h>

#include <set>

namespace netcompute {
namespace {

// The known answers that the authors of Random123 publish for philox4x32 with 10 rounds.
TEST(PhiloxTest, GivesThePublishedKnownAnswers) {
    EXPECT_EQ(Philox::block({0, 0, 0, 0}, {0, 0}),
              (Philox::Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
    constexpr std::uint32_t ones = 0xffffffff;
    EXPECT_EQ(Philox::block({ones, ones, ones, ones}, {ones, ones}),
              (Philox::Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
    EXPECT_EQ(
        Philox::block({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
        (Philox::Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(PhiloxTest, AStreamMayBeginAtAnyBlock) {
    Philox whole{9, 4};
    for (int word = 0; word < 2 * 1000; ++word) std::ignore = whole.next_u64();
    Philox part{9, 4, 1000};
    for (int word = 0; word < 10; ++word) EXPECT_EQ(part.next_u64(), whole.next_u64());
}

TEST(PhiloxTest, SeedsAndStreamsDiffer) {
    const std::set<std::uint64_t> firsts{Philox{1}.next_u64(), Philox{2}.next_u64(),
                                         Philox{std::uint64_t{1} << 32}.next_u64(),
                                         Philox(1, 1).next_u64(), Philox(1, 0, 1).next_u64()};
    EXPECT_EQ(firsts.size(), 5u);
}

TEST(PhiloxTest, UnitsLieInTheirIntervalAndAverageAHalf) {
    Philox random{3};
    double sum = 0;
    for (int i = 0; i < 100'000; ++i) {
        const double unit = random.next_unit();
        ASSERT_GE(unit, 0.0);
        ASSERT_LT(unit, 1.0);
        sum += unit;
    }
    EXPECT_NEAR(sum / 100'000, 0.5, 0.005);
}

TEST(PhiloxTest, EveryValueBelowABoundComesEquallyOften) {
    Philox random{4};
    std::array<int, 7> counts{};
    for (int i = 0; i < 70'000; ++i) ++counts.at(random.next_below(counts.size()));
    for (const int count : counts) EXPECT_NEAR(count, 10'000, 500);
    EXPECT_EQ(random.next_below(1), 0u);
}

}  // namespace
}  // namespace netcompute
