#include "core/task_seconds.hpp"

#include <gtest/gtest.h>

namespace netcompute::core {
namespace {

TEST(TaskSecondsTest, AnEmptyHistogramHasNoQuantile) {
    EXPECT_EQ(TaskSeconds{}.quantile(0.95), 0);
}

// A quantile is within a bucket's width, 9 %, of the true one, whatever the scale.
TEST(TaskSecondsTest, QuantilesAreWithinNinePercent) {
    for (const double scale : {1e-5, 1e-2, 1.0, 1e2}) {
        TaskSeconds seconds;
        for (int i = 1; i <= 1000; ++i) seconds.add(scale * i, 1);
        EXPECT_NEAR(seconds.quantile(0.95), scale * 950, scale * 950 * 0.1);
        EXPECT_NEAR(seconds.quantile(0.5), scale * 500, scale * 500 * 0.1);
    }
}

TEST(TaskSecondsTest, ValuesBeyondTheScaleCountAtItsEnds) {
    TaskSeconds seconds;
    seconds.add(0, 1);
    seconds.add(1e300, 1);
    EXPECT_GT(seconds.quantile(0.4), 0);
    EXPECT_LT(seconds.quantile(1), 2e6);
}

}  // namespace
}  // namespace netcompute::core
