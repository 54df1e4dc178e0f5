// What one frame of the dashboard shows of a master that has more than fits.

#include "engine/api_backend.hpp"
#include "engine_life.hpp"

#include <gtest/gtest.h>

namespace netcompute::engine {
namespace {

class DashboardStateTest : public testing::Test {
 protected:
    DashboardStateTest() { life.start(); }

    [[nodiscard]] nlohmann::json shown() {
        return ApiBackend{life.engine(), [] { return std::string{}; }}.dashboard_state();
    }
    void join(std::uint64_t number) {
        const std::string key = "worker-" + std::to_string(number);
        const std::string session = "session-" + std::to_string(number);
        const std::string address = "127.0.0.1";
        const std::string owner = "owner";
        protocol::Hello hello;
        hello.worker = key;
        life.engine().on_joined(
            JoinedWorker{WorkerId{number}, key, session, hello, address, owner});
    }
    void submit(int count) {
        for (int i = 0; i < count; ++i) life.submit("noop");
        life.host->run_all();
    }

    life::EngineLife life;
};

// The oldest of those that are not over: they are the ones that run.
TEST_F(DashboardStateTest, TwoHundredJobsThatAreNotOverAreShown) {
    submit(201);
    const nlohmann::json jobs = shown()["jobs"];
    EXPECT_EQ(jobs.size(), 200U);
    EXPECT_TRUE(jobs.contains("1"));
    EXPECT_FALSE(jobs.contains("201"));
}

// The newest of those that are over, beside all that are not.
TEST_F(DashboardStateTest, FiftyJobsThatAreOverAreShown) {
    submit(52);
    for (std::uint64_t id = 1; id <= 51; ++id) {
        ASSERT_TRUE(life.engine().cancel(JobId{id}));
    }
    life.host->run_all();
    const nlohmann::json jobs = shown()["jobs"];
    EXPECT_EQ(jobs.size(), 51U);
    EXPECT_FALSE(jobs.contains("1"));
    EXPECT_TRUE(jobs.contains("2") && jobs.contains("51"));
    EXPECT_EQ(jobs["51"]["state"], "Cancelled");
    EXPECT_EQ(jobs["52"]["state"], "Running");
}

TEST_F(DashboardStateTest, AThousandWorkersAreShown) {
    for (std::uint64_t number = 1; number <= 1001; ++number) join(number);
    EXPECT_EQ(life.engine().workers().size(), 1001U);
    EXPECT_EQ(shown()["workers"].size(), 1000U);
}

// What only grows with time would make a patch for each worker at each update.
TEST_F(DashboardStateTest, WhatChangesByItselfIsNotShown) {
    join(1);
    const nlohmann::json worker = shown()["workers"]["worker-1"];
    EXPECT_FALSE(worker.contains("uptime") || worker.contains("last_seen"));
    EXPECT_TRUE(worker.contains("heard_at"));
}

}  // namespace
}  // namespace netcompute::engine
