// The agent over one stream, as a tab has it: what differs from ZeroMQ's sockets.
#include "agent_fixture.hpp"

#include <gmock/gmock.h>

namespace netcompute::worker {
namespace {

using testing::HasSubstr;

/// An agent of a tab: its socket opens, and its kernels come, when the test says so.
class StreamBench {
 public:
    StreamBench() {
        link.stream = true;
        agent.start(now);
    }
    void receive(const protocol::MasterMessage& message) {
        auto wire = protocol::encode(message);
        agent.receive(now, wire.header, std::move(wire.payload));
    }
    void welcome(std::string session = "key-1") {
        receive(protocol::Welcome{std::move(session), "browser-1", 2, 10, "1"});
    }
    void open_and_join(std::string session = "key-1") {
        agent.runner_ready(now, "1");
        agent.link_opened(now);
        welcome(std::move(session));
    }
    void reconnect(std::string session) {
        now = agent.next_deadline();
        agent.tick(now);
        agent.link_opened(now);
        welcome(std::move(session));
    }
    void give_lease(std::uint64_t id) {
        receive(protocol::Lease{LeaseId{id}, JobId{5}, 6, "noop", 1, 10, {}, {{0, {}}}});
    }
    void compute(std::uint64_t lease) {
        OutcomeChunk chunk{LeaseId{lease}, JobId{5}, 6};
        chunk.add_output(0, Bytes(1));
        runner.outcomes.push_back(std::move(chunk));
        agent.outcomes_ready(now);
    }
    [[nodiscard]] std::size_t count(std::string_view type) const {
        return link.of_type(type).size();
    }
    [[nodiscard]] Duration until_retry() const { return agent.next_deadline() - now; }

    Instant now{1000s};
    FakeLink link;
    FakeRunner runner;
    Agent agent{{.worker = "browser-1",
                 .token = "",
                 .name = "Tab",
                 .version = "",
                 .slots = 1,
                 .master = "m",
                 .kind = protocol::WorkerKind::Browser,
                 .is_ready = false},
                {.runner = runner,
                 .link = link,
                 .sample_load = [] { return SystemLoad{}; },
                 .random = [] { return 0.0; },
                 .say = [](Severity, const std::string&) {}}};
};

// Hello waits for the socket and for the kernels, whichever comes last.
TEST(AgentStreamTest, HelloWaitsForSocketAndKernels) {
    StreamBench early;
    early.agent.runner_ready(early.now, "7");
    EXPECT_EQ(early.count("hello"), 0U);
    early.agent.link_opened(early.now);
    ASSERT_EQ(early.count("hello"), 1U);
    EXPECT_EQ(early.link.of_type("hello")[0].at("kind"), "browser");
    EXPECT_EQ(early.link.of_type("hello")[0].at("version"), "7");

    StreamBench late;
    late.agent.link_opened(late.now);
    EXPECT_EQ(late.agent.next_deadline(), instant_never) << "a slow download is no timeout";
    late.agent.runner_ready(late.now + 60s, "7");
    late.agent.runner_ready(late.now + 61s, "7");
    EXPECT_EQ(late.count("hello"), 1U) << "a second slot does not greet again";
}

// A socket that never opens, and a hello that is never answered, are given up after 10 s.
TEST(AgentStreamTest, WhatIsNeverAnsweredIsGivenUp) {
    StreamBench unopened;
    unopened.agent.tick(unopened.now + 10s);
    EXPECT_EQ(unopened.agent.state(), Agent::State::Disconnected);
    EXPECT_EQ(unopened.agent.reason(), "the connection did not open");

    StreamBench unanswered;
    unanswered.agent.runner_ready(unanswered.now, "1");
    unanswered.agent.link_opened(unanswered.now + 4s);
    unanswered.agent.tick(unanswered.now + 14s - 1ms);
    EXPECT_EQ(unanswered.agent.state(), Agent::State::Greeting);
    unanswered.agent.tick(unanswered.now + 14s);
    EXPECT_EQ(unanswered.agent.state(), Agent::State::Disconnected);
}

// What was sent but never confirmed by an ack goes out again after the session is resumed, and
// what was confirmed does not.
TEST(AgentStreamTest, UnconfirmedResultsAreSentAgain) {
    StreamBench bench;
    bench.open_and_join();
    bench.give_lease(1);
    bench.give_lease(2);
    bench.compute(1);
    bench.agent.tick(bench.now += 2s);
    bench.receive(protocol::Ack{});  // Of the heartbeat at the welcome, before the results.
    bench.receive(protocol::Ack{});  // Of the one after them.
    bench.compute(2);
    ASSERT_EQ(bench.count("results"), 2U);
    bench.agent.link_down(bench.now, "the connection broke");
    bench.reconnect("key-1");
    ASSERT_EQ(bench.count("results"), 3U);
    EXPECT_EQ(bench.link.of_type("results")[2].at("lease"), 2);
}

// Another master, or one that has forgotten the session: its lease 1 is not the old lease 1.
TEST(AgentStreamTest, AnotherSessionGetsNothingOfTheOldOne) {
    StreamBench bench;
    bench.open_and_join();
    bench.give_lease(1);
    bench.give_lease(2);
    bench.compute(1);
    bench.agent.link_down(bench.now, "the connection broke");
    bench.reconnect("key-2");
    EXPECT_EQ(bench.count("results"), 1U);
    EXPECT_EQ(bench.runner.revoked, std::vector<LeaseId>{LeaseId{2}});
}

// A welcome alone is no success where what is sent again may end the session: the pauses grow
// until an ack comes.
TEST(AgentStreamTest, OnlyAnAckStartsThePausesAnew) {
    StreamBench bench;
    bench.open_and_join();
    std::vector<Duration> pauses;
    for (int i = 0; i < 3; ++i) {
        bench.agent.link_down(bench.now, "gone");
        pauses.push_back(bench.until_retry());
        bench.reconnect("key-1");
    }
    EXPECT_EQ(pauses, (std::vector<Duration>{500ms, 1s, 2s}));
    bench.receive(protocol::Ack{});
    bench.agent.link_down(bench.now, "gone");
    EXPECT_EQ(bench.until_retry(), 500ms);
}

// A frame that cannot be read, text, and a message out of turn end the connection, not the worker.
TEST(AgentStreamTest, WhatBreaksTheProtocolEndsTheConnection) {
    const std::vector<std::pair<std::function<void(StreamBench&)>, std::string>> faults{
        {[](StreamBench& bench) { bench.agent.receive_frame(bench.now, Bytes(3)); }, "too few"},
        {[](StreamBench& bench) { bench.agent.receive(bench.now, "{{", {}); }, "not JSON"},
        {[](StreamBench& bench) { bench.agent.receive_malformed(bench.now, "text"); }, "text"},
        {[](StreamBench& bench) { bench.welcome(); }, "welcome out of turn"}};
    for (const auto& [fault, says] : faults) {
        StreamBench bench;
        bench.open_and_join();
        fault(bench);
        EXPECT_EQ(bench.agent.state(), Agent::State::Disconnected);
        EXPECT_THAT(bench.agent.reason(), HasSubstr(says));
        EXPECT_FALSE(bench.link.is_open);
        bench.reconnect("key-1");
        EXPECT_EQ(bench.link.of_type("hello").back().at("resume"), "key-1");
    }
    StreamBench early;
    early.agent.link_opened(early.now);
    early.receive(protocol::Ack{});
    EXPECT_EQ(early.agent.reason(), "the master sent ack out of turn");
}

// After these nothing of the old session is kept, lest it offends again.
TEST(AgentStreamTest, SomeGoodbyesEndTheSession) {
    for (const std::string code : {"unknown_session", "protocol_violation"}) {
        StreamBench bench;
        bench.open_and_join();
        bench.give_lease(1);
        bench.receive(protocol::Goodbye{code, "because", true});
        EXPECT_EQ(bench.agent.reason(), "because");
        EXPECT_EQ(bench.runner.revoked.size(), 1U);
        bench.reconnect("key-2");
        EXPECT_EQ(bench.link.of_type("hello").back().at("resume"), "");
    }
}

// A goodbye that does not allow to come again needs a person.
TEST(AgentStreamTest, ARefusalWaitsForAPerson) {
    StreamBench bench;
    bench.open_and_join();
    bench.receive(protocol::Goodbye{"refused_token", "wrong token", false});
    ASSERT_EQ(bench.agent.state(), Agent::State::Finished);
    EXPECT_EQ(bench.agent.ending()->code, "refused_token");
    EXPECT_EQ(bench.agent.reason(), "wrong token");
    EXPECT_EQ(bench.agent.next_deadline(), instant_never);
    bench.agent.link_down(bench.now, "closed");
    bench.agent.set_paused(bench.now, false);
    EXPECT_EQ(bench.agent.state(), Agent::State::Finished);
    bench.agent.retry(bench.now);
    EXPECT_EQ(bench.agent.state(), Agent::State::Connecting);
}

// A pause is told at once; what ends in time is delivered, the rest is handed back.
TEST(AgentStreamTest, APauseDrainsAndThenHandsBack) {
    StreamBench bench;
    bench.open_and_join();
    bench.give_lease(1);
    bench.give_lease(2);
    bench.agent.set_paused(bench.now, true);
    EXPECT_EQ(bench.link.of_type("heartbeat").back().at("paused"), true);
    EXPECT_TRUE(bench.agent.is_draining());
    bench.compute(1);
    bench.agent.tick(bench.now += 4s);
    EXPECT_EQ(bench.count("leave"), 0U);
    bench.agent.tick(bench.now += 1s);
    EXPECT_EQ(bench.count("leave"), 1U);
    EXPECT_EQ(bench.agent.state(), Agent::State::Finished);
    EXPECT_EQ(bench.runner.revoked, std::vector<LeaseId>{LeaseId{2}});
    bench.agent.set_paused(bench.now, false);
    bench.agent.link_opened(bench.now);
    EXPECT_EQ(bench.link.of_type("hello").back().at("resume"), "");
}

// Once all is delivered a pause hands nothing back.
TEST(AgentStreamTest, APauseOfAnIdleWorkerStaysConnected) {
    StreamBench bench;
    bench.open_and_join();
    bench.give_lease(1);
    bench.agent.set_paused(bench.now, true);
    bench.compute(1);
    EXPECT_FALSE(bench.agent.is_draining());
    bench.agent.tick(bench.now += 6s);
    EXPECT_EQ(bench.agent.state(), Agent::State::Joined);
}

// Name and token travel in hello alone: it greets again, under the same session.
TEST(AgentStreamTest, ANewNameGreetsAgain) {
    StreamBench bench;
    bench.open_and_join();
    bench.agent.introduce(bench.now, "Desk 7", "sesame");
    bench.agent.link_opened(bench.now);
    const auto hello = bench.link.of_type("hello").back();
    EXPECT_EQ(hello.at("name"), "Desk 7");
    EXPECT_EQ(hello.at("token"), "sesame");
    EXPECT_EQ(hello.at("resume"), "key-1");
}

// A heartbeat sends what is finished first, so that its ack confirms that too.
TEST(AgentStreamTest, OtherSlotsAreToldAtOnce) {
    StreamBench bench;
    bench.open_and_join();
    bench.agent.set_slots(bench.now, 3);
    EXPECT_EQ(bench.link.of_type("heartbeat").back().at("slots"), 3);
}

}  // namespace
}  // namespace netcompute::worker
