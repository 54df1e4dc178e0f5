#include <gtest/gtest.h>
#include <native-worker/system_load.hpp>

namespace netcompute::worker {
namespace {

// The share is that of all cores since the last reading; waiting for disks is not being busy, and
// guests are counted within user time already.
TEST(SystemLoadTest, CpuShareIsBusyTimeBetweenTwoReadings) {
    const auto before = parse_cpu_ticks("cpu  100 20 30 800 40 5 5 0 100 20");
    const auto after = parse_cpu_ticks("cpu  150 20 30 830 60 5 5 0 150 20");
    ASSERT_TRUE(before && after);
    EXPECT_EQ(before->busy, 160U);
    EXPECT_EQ(before->total, 1000U);
    EXPECT_DOUBLE_EQ(cpu_share(*before, *after), 0.5);
    EXPECT_EQ(cpu_share(*after, *after), -1);
    EXPECT_EQ(cpu_share(*after, *before), -1);
}

// A file that is not what it should be gives "unknown", never a crash or a guess.
TEST(SystemLoadTest, StrangeTextIsUnknown) {
    for (const auto* text : {"", "cpu", "cpu0 1 2 3 4", "cpu  one two", "cpu  1 2 3", "intr 5"}) {
        EXPECT_FALSE(parse_cpu_ticks(text)) << text;
    }
    for (const auto* text : {"", "12", "x 5"}) EXPECT_EQ(parse_resident_bytes(text, 4096), 0U);
    EXPECT_EQ(parse_resident_bytes("1000 25 7 1 0 30 0", 4096), 25U * 4096U);
}

// On this PC the real files are there.
TEST(SystemLoadTest, ThisProcessHasASize) {
    SystemLoadProbe probe;
    const SystemLoad load = probe.sample();
    EXPECT_GT(load.memory_bytes, 100'000U);
    EXPECT_LE(load.cpu, 1.0);
}

}  // namespace
}  // namespace netcompute::worker
