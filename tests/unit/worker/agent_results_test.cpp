#include "agent_fixture.hpp"

#include <gmock/gmock.h>

namespace netcompute::worker {
namespace {

using testing::ElementsAre;
using State = Agent::State;

std::vector<TaskIndex> indices_of(const FakeLink::Sent& sent) {
    const auto message = protocol::decode_worker_message(sent.header, sent.payload);
    EXPECT_TRUE(message) << message.error().message;
    std::vector<TaskIndex> indices;
    for (const auto& outcome : std::get<protocol::Results>(*message).outcomes) {
        indices.push_back(outcome.index);
    }
    return indices;
}

std::vector<std::uint64_t> leases_beaten(AgentBench& bench) {
    bench.pass(2s);
    return bench.link.of_type("heartbeat").back().at("leases").get<std::vector<std::uint64_t>>();
}

// Outcomes go out at once, on the result channel, under the lease they belong to.
TEST(AgentResultsTest, OutcomesGoOutAtOnce) {
    AgentBench bench;
    bench.join();
    bench.give_lease(7, 3);
    bench.compute(7, 1, 3);
    ASSERT_EQ(bench.link.sent.size(), 2U);
    EXPECT_EQ(bench.link.sent[1].channel, Channel::Result);
    EXPECT_EQ(bench.link.sent[1].header, (nlohmann::json{{"type", "results"},
                                                         {"session", "key-1"},
                                                         {"lease", 7},
                                                         {"job", 5},
                                                         {"round", 6},
                                                         {"count", 2},
                                                         {"busy_seconds", 0.5}}));
    EXPECT_THAT(indices_of(bench.link.sent[1]), ElementsAre(1, 2));
}

// A lease is held, and so renewed, until the last of its outcomes is on its way.
TEST(AgentResultsTest, ALeaseIsHeldUntilItsLastOutcomeIsSent) {
    AgentBench bench;
    bench.join();
    bench.give_lease(7, 3);
    bench.give_lease(8, 1);
    bench.compute(7, 0, 2);
    EXPECT_THAT(leases_beaten(bench), ElementsAre(7, 8));
    bench.compute(7, 2, 3);
    EXPECT_THAT(leases_beaten(bench), ElementsAre(8));
}

// What accumulates while the link is full goes out in few frames, one lease each, in order.
TEST(AgentResultsTest, WhatAccumulatesGoesOutTogether) {
    AgentBench bench;
    bench.join();
    bench.give_lease(7, 4);
    bench.give_lease(8, 1);
    bench.link.is_full = true;
    bench.compute(7, 0, 1);
    bench.compute(7, 1, 3);
    bench.compute(8, 0, 1);
    bench.compute(7, 3, 4);
    EXPECT_TRUE(bench.link.of_type("results").empty());
    EXPECT_THAT(leases_beaten(bench), ElementsAre(7, 8));
    bench.link.is_full = false;
    bench.agent.link_writable(bench.now);
    const auto results = bench.link.of_type("results");
    ASSERT_EQ(results.size(), 3U);
    EXPECT_EQ(results[0].at("count"), 3);
    EXPECT_EQ(results[0].at("busy_seconds"), 1.0);
    EXPECT_EQ(results[1].at("lease"), 8);
    EXPECT_EQ(results[2].at("count"), 1);
}

// However much there is, no frame is larger than a frame may be.
TEST(AgentResultsTest, NoFrameIsLargerThanAFrameMayBe) {
    AgentBench bench;
    bench.join();
    bench.give_lease(7, 40);
    bench.link.is_full = true;
    for (std::uint32_t i = 0; i < 40; ++i) bench.compute(7, i, i + 1, std::size_t{1} << 20);
    bench.link.is_full = false;
    bench.agent.link_writable(bench.now);
    std::size_t outcomes = 0;
    for (const auto& sent : bench.link.sent) {
        EXPECT_LE(sent.header.dump().size() + sent.payload.size(), protocol::frame_bytes_max);
        if (sent.header.at("type") == "results") outcomes += indices_of(sent).size();
    }
    EXPECT_EQ(outcomes, 40U);
    EXPECT_EQ(bench.link.of_type("results").size(), 3U);
}

// The master was away: tasks go on, and what was finished meanwhile is delivered under the same
// lease once the session is resumed.
TEST(AgentResultsTest, OutcomesOfTheMeantimeAreDeliveredAfterResuming) {
    AgentBench bench;
    bench.join();
    bench.give_lease(7, 3);
    bench.compute(7, 0, 1);
    bench.agent.link_down(bench.now, "gone");
    bench.compute(7, 1, 2);
    bench.run_until(bench.now + 1s);
    EXPECT_EQ(bench.agent.state(), State::Greeting);
    EXPECT_EQ(bench.link.of_type("results").size(), 1U);
    bench.join();
    ASSERT_EQ(bench.link.of_type("results").size(), 2U);
    EXPECT_THAT(indices_of(bench.link.sent.back()), ElementsAre(1));
    EXPECT_EQ(bench.said(Severity::Info, "back with the master"), 1U);
    EXPECT_TRUE(bench.runner.revoked.empty());
    bench.compute(7, 2, 3);
    EXPECT_THAT(indices_of(bench.link.sent.back()), ElementsAre(2));
}

// Another master, or one that has forgotten everything, gives lease ids anew: lease 7 is another
// lease now, and an old outcome under it would be a wrong one.
TEST(AgentResultsTest, ANewSessionDropsWhatWasHeld) {
    AgentBench bench;
    bench.join();
    bench.give_lease(7, 3);
    bench.agent.link_down(bench.now, "gone");
    bench.compute(7, 0, 1);
    bench.run_until(bench.now + 1s);
    bench.join("key-2");
    EXPECT_TRUE(bench.link.of_type("results").empty());
    EXPECT_THAT(bench.runner.revoked, ElementsAre(LeaseId{7}));
    bench.give_lease(7, 1);
    EXPECT_THAT(bench.runner.submitted, ElementsAre(LeaseId{7}, LeaseId{7}));
    bench.compute(7, 0, 1);
    EXPECT_EQ(bench.link.of_type("results").back().at("session"), "key-2");
}

// A revoked lease is over: not renewed, and what is left of its outcomes is not sent.
TEST(AgentResultsTest, RevokeEndsALease) {
    AgentBench bench;
    bench.join();
    bench.give_lease(7, 3);
    bench.give_lease(8, 1);
    bench.link.is_full = true;
    bench.compute(7, 0, 1);
    bench.receive(protocol::Revoke{LeaseId{7}, "cancelled"});
    EXPECT_THAT(bench.runner.revoked, ElementsAre(LeaseId{7}));
    bench.compute(7, 1, 2);  // It was just being posted.
    bench.link.is_full = false;
    bench.agent.link_writable(bench.now);
    EXPECT_TRUE(bench.link.of_type("results").empty());
    EXPECT_THAT(leases_beaten(bench), ElementsAre(8));
}

// Who slept past the end of a lease is told so, in words, once.
TEST(AgentResultsTest, ALeaseThatRanOutIsTold) {
    AgentBench bench;
    bench.join();
    bench.give_lease(7, 3);
    bench.give_lease(8, 1);
    bench.receive(protocol::Revoke{LeaseId{7}, "expired"});
    bench.receive(protocol::Revoke{LeaseId{7}, "expired"});
    bench.receive(protocol::Revoke{LeaseId{8}, "done_elsewhere"});
    EXPECT_EQ(bench.said(Severity::Warning, "lease 7 had run out"), 1U);
    EXPECT_EQ(bench.said(Severity::Warning, "lease 8"), 0U);
}

}  // namespace
}  // namespace netcompute::worker
