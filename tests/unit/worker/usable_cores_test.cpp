#include "temporary_folder.hpp"

#include <gtest/gtest.h>
#include <native-worker/usable_cores.hpp>

namespace netcompute::worker {
namespace {

namespace fs = std::filesystem;

class UsableCoresTest : public testing::Test {
 protected:
    UsableCoresTest() { fs::create_directories(top_.path() / "office" / "worker"); }

    [[nodiscard]] CgroupFolder folder(bool is_v2) const {
        return {top_.path() / "office" / "worker", top_.path(), is_v2};
    }
    void write(std::string_view name, std::string_view text) const { top_.write(name, text); }

    const test_support::TemporaryFolder top_;
};

TEST_F(UsableCoresTest, TheSmallestQuotaOnTheWayUpCounts) {
    EXPECT_EQ(cpu_quota(folder(true)), std::nullopt);
    write("office/worker/cpu.max", "max 100000\n");
    EXPECT_EQ(cpu_quota(folder(true)), std::nullopt);
    write("office/cpu.max", "150000 100000\n");
    EXPECT_EQ(cpu_quota(folder(true)), 1.5);
    write("office/worker/cpu.max", "400000 100000\n");
    EXPECT_EQ(cpu_quota(folder(true)), 1.5);
    write("office/worker/cpu.max", "50000 100000\n");
    EXPECT_EQ(cpu_quota(folder(true)), 0.5);
    write("cpu.max", "20000 100000\n");
    EXPECT_EQ(cpu_quota(folder(true)), 0.2);
}

TEST_F(UsableCoresTest, TheFirstVersionHasTwoFiles) {
    write("office/worker/cpu.cfs_quota_us", "-1\n");
    write("office/worker/cpu.cfs_period_us", "100000\n");
    EXPECT_EQ(cpu_quota(folder(false)), std::nullopt);
    write("office/cpu.cfs_quota_us", "200000\n");
    write("office/cpu.cfs_period_us", "50000\n");
    EXPECT_EQ(cpu_quota(folder(false)), 4);
}

TEST_F(UsableCoresTest, WhatIsNoQuotaIsNone) {
    for (const char* text : {"", "max", "abc def\n", "0 100000\n", "100000 0\n", "-5 100000\n"}) {
        write("office/worker/cpu.max", text);
        EXPECT_EQ(cpu_quota(folder(true)), std::nullopt) << text;
    }
}

TEST(CpuCgroupsTest, AreFoundFromWhatTheKernelSays) {
    const std::string unified =
        "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
    const auto desk = cpu_cgroups("0::/user.slice/worker.scope\n", unified);
    ASSERT_EQ(desk.size(), 1U);
    EXPECT_EQ(desk[0].path, "/sys/fs/cgroup/user.slice/worker.scope");
    EXPECT_EQ(desk[0].top, "/sys/fs/cgroup");
    EXPECT_TRUE(desk[0].is_v2);

    const auto whole = cpu_cgroups("0::/\n", unified);
    ASSERT_EQ(whole.size(), 1U);
    EXPECT_EQ(cpu_quota(whole[0]), cpu_quota({"/sys/fs/cgroup", "/sys/fs/cgroup", true}));

    // A container of old: its part of the hierarchy is mounted, its path is said from the top.
    const std::string parts =
        "33 30 0:29 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n"
        "34 30 0:30 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";
    const auto container = cpu_cgroups("4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n", parts);
    ASSERT_EQ(container.size(), 1U);
    EXPECT_EQ(container[0].path, "/sys/fs/cgroup/cpu,cpuacct");
    EXPECT_FALSE(container[0].is_v2);

    // A path that is not in what is mounted: the mount's own limits are all there is to see.
    const auto outside = cpu_cgroups("3:cpu:/elsewhere\n", parts);
    ASSERT_EQ(outside.size(), 1U);
    EXPECT_EQ(outside[0].path, "/sys/fs/cgroup/cpu,cpuacct");

    EXPECT_TRUE(cpu_cgroups("", unified).empty());
    EXPECT_TRUE(cpu_cgroups("0::/\n", "").empty());
    EXPECT_TRUE(cpu_cgroups("0::/\n", "nonsense - cgroup2\n\n").empty());
}

TEST(UsableCoresOfTest, TheTighterLimitCounts) {
    EXPECT_EQ(usable_cores(8, 8, std::nullopt).count, 8U);
    EXPECT_EQ(usable_cores(8, 8, std::nullopt).limit, "");
    EXPECT_EQ(usable_cores(8, 2, std::nullopt).count, 2U);
    EXPECT_EQ(usable_cores(8, 2, std::nullopt).limit, "its CPU affinity");
    EXPECT_EQ(usable_cores(8, 4, 1.5).count, 2U);
    EXPECT_EQ(usable_cores(8, 4, 1.5).limit, "the CPU quota of its cgroup");
    EXPECT_EQ(usable_cores(8, 1, 1.5).limit, "its CPU affinity");
    EXPECT_EQ(usable_cores(8, 0, 0.1).count, 1U);
    EXPECT_EQ(usable_cores(0, 0, 100.0).count, 1U);
}

}  // namespace
}  // namespace netcompute::worker
