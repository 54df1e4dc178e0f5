#include <netcompute/config_changes.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace netcompute {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(ConfigChangesTest, NothingChangesWhereNothingDoes) {
    Config config;
    config.security.join_token = "correct-horse";
    const ConfigChanges changes = config_changes(config, config);
    EXPECT_THAT(changes.at_once, IsEmpty());
    EXPECT_THAT(changes.at_restart, IsEmpty());
    EXPECT_EQ(changes.config, config);
}

TEST(ConfigChangesTest, LimitsTokenNamesAndLevelChangeAtOnce) {
    Config read;
    read.security.join_token = "correct-horse";
    read.security.allowed_hosts = {"master.office.example"};
    read.limits.jobs = 7;
    read.limits.tasks_per_job = 8;
    read.limits.tasks = 10;
    read.limits.sessions_per_address = 9;
    read.log.level = "debug";
    const ConfigChanges changes = config_changes(Config{}, read);
    EXPECT_THAT(changes.at_once, ElementsAre("security.join_token", "security.allowed_hosts",
                                             "limits.jobs", "limits.tasks_per_job", "limits.tasks",
                                             "limits.sessions_per_address", "log.level"));
    EXPECT_THAT(changes.at_restart, IsEmpty());
    EXPECT_EQ(changes.config, read);
}

// Ports stay as they are: the addresses of the running master do not lie.
TEST(ConfigChangesTest, WhatNeedsARestartIsNamedAndNotTaken) {
    Config read;
    read.master = {"0.0.0.0", 1, 2, 3};
    read.dashboard = {"::1", 4};
    read.limits.blob_bytes = 5;
    read.limits.dataset_bytes = 7;
    read.limits.ended_jobs = 6;
    const ConfigChanges changes = config_changes(Config{}, read);
    EXPECT_THAT(changes.at_once, IsEmpty());
    EXPECT_THAT(changes.at_restart,
                ElementsAre("master.ip", "master.task_port", "master.result_port",
                            "master.heartbeat_port", "dashboard.host", "dashboard.port",
                            "limits.blob_bytes", "limits.dataset_bytes", "limits.ended_jobs"));
    EXPECT_EQ(changes.config, Config{});
}

}  // namespace
}  // namespace netcompute
