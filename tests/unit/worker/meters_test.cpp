#include <netcompute/worker/meters.hpp>

#include <gtest/gtest.h>

namespace netcompute::worker {
namespace {

using namespace std::chrono_literals;

// A rate counts the last five seconds, and then forgets.
TEST(MetersTest, ARateIsThatOfTheLastFiveSeconds) {
    RateMeter meter;
    const Instant start{1000s};
    for (Duration at{}; at < 10s; at += 10ms) meter.add(start + at, 20);
    EXPECT_NEAR(meter.per_second(start + 10s), 2000, 50);
    EXPECT_EQ(meter.per_second(start + 20s), 0);
}

// Load is the mean number of busy slots since it was last asked for.
TEST(MetersTest, LoadIsTheMeanOfBusySlots) {
    const Instant start{1000s};
    LoadMeter meter{start};
    meter.observe(start + 1s, 4);
    meter.observe(start + 2s, 2);
    EXPECT_DOUBLE_EQ(meter.take(start + 4s), (0 + 4 + 2 + 2) / 4.0);
    EXPECT_DOUBLE_EQ(meter.take(start + 5s), 2);
}

}  // namespace
}  // namespace netcompute::worker
