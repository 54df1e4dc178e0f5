#include "engine/steady_time.hpp"

#include <gtest/gtest.h>

namespace netcompute::engine {
namespace {

using namespace std::chrono_literals;

constexpr Instant begun{1000s};
constexpr std::int64_t noon = 1'700'000'000'000;
constexpr std::int64_t hour = 3'600'000;

// While a master lives, only its monotonic clock counts.
TEST(SteadyTimeTest, ItGoesOnWithTheMonotonicClock) {
    const SteadyTime time{std::nullopt, begun, noon};
    EXPECT_EQ(time.ms(begun), noon);
    EXPECT_EQ(time.ms(begun + 90s), noon + 90'000);
}

// The next master adds what the time of day says that went by.
TEST(SteadyTimeTest, ARestartAddsTheDowntime) {
    const store::ClockReading last{noon + 5 * hour, noon + 7 * hour};  // The clock was set before.
    const SteadyTime time{last, begun, noon + 8 * hour};
    EXPECT_EQ(time.ms(begun), noon + 6 * hour);
}

// A clock that was set back meanwhile takes nothing away: no job gets younger.
TEST(SteadyTimeTest, AClockThatWasSetBackTakesNothingAway) {
    const store::ClockReading last{noon, noon};
    const SteadyTime time{last, begun, noon - 100 * hour};
    EXPECT_EQ(time.ms(begun), noon);
    EXPECT_EQ(time.ms(begun + 1s), noon + 1000);
}

// What was submitted is placed on the clock of this master, and never in the future.
TEST(SteadyTimeTest, APastMomentIsPlacedOnTheNewClock) {
    const SteadyTime time{store::ClockReading{noon, noon}, begun, noon};
    EXPECT_EQ(time.instant_of(noon - 2 * hour, begun + 1s), begun - 2h);
    EXPECT_EQ(time.instant_of(noon + hour, begun + 1s), begun + 1s);
}

}  // namespace
}  // namespace netcompute::engine
