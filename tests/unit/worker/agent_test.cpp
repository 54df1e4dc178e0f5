#include "agent_fixture.hpp"

#include <gmock/gmock.h>

namespace netcompute::worker {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using State = Agent::State;

// A worker says who it is before anything else, and is in as soon as the master says welcome.
TEST(AgentTest, HelloThenWelcomeJoins) {
    AgentBench bench;
    EXPECT_EQ(bench.agent.state(), State::Greeting);
    ASSERT_EQ(bench.link.sent.size(), 1U);
    EXPECT_EQ(bench.link.sent[0].channel, Channel::Task);
    EXPECT_EQ(bench.link.sent[0].header, (nlohmann::json{{"type", "hello"},
                                                         {"protocol", 1},
                                                         {"worker", "pc-00001"},
                                                         {"token", "sesame"},
                                                         {"kind", "native"},
                                                         {"name", "Desk 7"},
                                                         {"version", "0.1.0"},
                                                         {"slots", 3},
                                                         {"resume", ""}}));
    bench.join();
    EXPECT_EQ(bench.agent.state(), State::Joined);
    EXPECT_EQ(bench.said(Severity::Info, "joined the master at 10.0.0.1:5555"), 1U);
}

// A name from the command line may be anything; the hello must still be one the master accepts.
TEST(AgentTest, ALongNameIsCutBetweenCharacters) {
    FakeLink link;
    FakeRunner runner;
    std::string name = "n";
    for (int i = 0; i < 100; ++i) name += "ü";  // 201 bytes, the last character half over.
    Agent agent{{.worker = "pc-00001",
                 .token = "",
                 .name = name,
                 .version = "",
                 .slots = 5000,
                 .master = ""},
                {runner, link, [] { return SystemLoad{}; }, [] { return 0.0; },
                 [](Severity, const std::string&) {}}};
    agent.start(Instant{});
    const auto hello = protocol::decode_worker_message(link.sent.at(0).header, {});
    ASSERT_TRUE(hello) << hello.error().message;
    EXPECT_EQ(std::get<protocol::Hello>(*hello).name, name.substr(0, 199));
    EXPECT_EQ(std::get<protocol::Hello>(*hello).slots, protocol::slots_max);
}

// Results may be long in coming; the connection for them shows whose it is at once, each time.
TEST(AgentTest, TheResultChannelNamesTheSessionWithEachWelcome) {
    AgentBench bench;
    EXPECT_TRUE(bench.link.shown_sessions.empty());
    bench.join();
    EXPECT_EQ(bench.link.shown_sessions, std::vector<std::string>{"key-1"});
    bench.agent.link_down(bench.now, "cut");
    bench.run_until(bench.now + 1s);
    bench.join("key-2");
    EXPECT_EQ(bench.link.shown_sessions, (std::vector<std::string>{"key-1", "key-2"}));
}

// The master knows from heartbeats that the worker lives, how the PC does and what is held.
TEST(AgentTest, HeartbeatsNameLeasesAndLoad) {
    AgentBench bench;
    bench.join();
    bench.give_lease(7, 1);
    bench.give_lease(8, 1);
    bench.runner.current.current = "noop 5/6/0";
    bench.pass(2s);
    const auto beats = bench.link.of_type("heartbeat");
    ASSERT_EQ(beats.size(), 1U);
    EXPECT_EQ(bench.link.sent.back().channel, Channel::Heartbeat);
    EXPECT_EQ(beats[0], (nlohmann::json{{"type", "heartbeat"},
                                        {"session", "key-1"},
                                        {"leases", {7, 8}},
                                        {"slots", 3},
                                        {"paused", false},
                                        {"cpu", 0.25},
                                        {"memory_bytes", 4096},
                                        {"current", "noop 5/6/0"}}));
    bench.pass(1999ms);
    EXPECT_EQ(bench.link.of_type("heartbeat").size(), 1U);
    bench.pass(1ms);
    EXPECT_EQ(bench.link.of_type("heartbeat").size(), 2U);
}

// As long as heartbeats are answered the worker stays; when nothing comes for silence_seconds the
// connection is dead, whatever TCP believes.
TEST(AgentTest, SilenceOfTheMasterMeansReconnect) {
    AgentBench bench;
    bench.join();
    for (int i = 0; i < 20; ++i) {
        bench.run_until(bench.now + 9s);
        bench.receive(protocol::Ack{});
    }
    EXPECT_EQ(bench.link.opened, 1);
    bench.run_until(bench.now + 10s);
    EXPECT_EQ(bench.agent.state(), State::Disconnected);
    EXPECT_FALSE(bench.link.is_open);
    EXPECT_EQ(bench.said(Severity::Warning, "no message for 10 s"), 1U);
    bench.pass(500ms);
    EXPECT_EQ(bench.link.opened, 2);
    EXPECT_EQ(bench.link.of_type("hello").back().at("resume"), "key-1");
}

// Retries are further and further apart, 0.5 s to 30 s, and say so once, not each time.
TEST(AgentTest, RetriesBackOffAndComplainOnce) {
    AgentBench bench;
    std::vector<double> waits;
    for (int i = 0; i < 9; ++i) {
        bench.random = i % 2 == 0 ? 0 : 1;
        bench.agent.link_down(bench.now, "connection refused");
        EXPECT_EQ(bench.agent.state(), State::Disconnected);
        waits.push_back(to_seconds(bench.agent.next_deadline() - bench.now));
        bench.run_until(bench.agent.next_deadline());
        EXPECT_EQ(bench.link.opened, i + 2);
    }
    EXPECT_THAT(waits, ElementsAre(0.5, 1.5, 2, 6, 8, 24, 20, 30, 20));
    EXPECT_EQ(bench.said(Severity::Warning, "cannot reach the master at 10.0.0.1:5555"), 1U);

    bench.join();
    bench.random = 0;
    bench.agent.link_down(bench.now, "gone");
    EXPECT_EQ(to_seconds(bench.agent.next_deadline() - bench.now), 0.5);
    EXPECT_EQ(bench.said(Severity::Warning, "lost the master at 10.0.0.1:5555"), 1U);
}

// A master that takes the connection but never answers is tried again as well.
TEST(AgentTest, HelloWithoutAnswerIsRetried) {
    AgentBench bench;
    bench.run_until(bench.now + 10s);
    EXPECT_EQ(bench.agent.state(), State::Disconnected);
    bench.run_until(bench.now + 500ms);
    EXPECT_EQ(bench.link.opened, 2);
}

// A connection that drops before, between and after anything else leads back to hello, each time.
TEST(AgentTest, LosingTheLinkAtAnyStepIsSurvived) {
    for (int steps = 0; steps < 6; ++steps) {
        SCOPED_TRACE(steps);
        AgentBench bench;
        if (steps > 0) bench.join();
        if (steps > 1) bench.give_lease(1, 2);
        if (steps > 2) bench.compute(1, 0, 1);
        if (steps > 3) bench.pass(2s);
        if (steps > 4) bench.receive(protocol::Revoke{LeaseId{1}, "cancelled"});
        bench.agent.link_down(bench.now, "gone");
        EXPECT_EQ(bench.agent.state(), State::Disconnected);
        bench.run_until(bench.now + 1s);
        EXPECT_EQ(bench.agent.state(), State::Greeting);
        bench.join();
        EXPECT_EQ(bench.agent.state(), State::Joined);
    }
}

// "Do not come again": the program ends, with the master's words and a failure.
TEST(AgentTest, GoodbyeWithoutRetryEndsTheProgram) {
    AgentBench bench;
    bench.receive(protocol::Goodbye{"refused_token", "set security.join_token", false});
    EXPECT_EQ(bench.agent.state(), State::Finished);
    ASSERT_TRUE(bench.agent.ending());
    EXPECT_EQ(bench.agent.ending()->exit_status, 1);
    EXPECT_THAT(bench.agent.ending()->message, HasSubstr("set security.join_token"));
    EXPECT_EQ(bench.agent.next_deadline(), instant_never);
    EXPECT_FALSE(bench.link.is_open);
}

// A master that goes down for a while says goodbye with retry: come back and resume.
TEST(AgentTest, GoodbyeWithRetryReconnectsAndResumes) {
    AgentBench bench;
    bench.join();
    bench.receive(protocol::Goodbye{"shutting_down", "back soon", true});
    EXPECT_EQ(bench.agent.state(), State::Disconnected);
    bench.run_until(bench.now + 1s);
    EXPECT_EQ(bench.link.of_type("hello").back().at("resume"), "key-1");
}

// A master that does not know the session (it was restarted, or we were away for too long) gets a
// new hello, without the session it does not know.
TEST(AgentTest, UnknownSessionSaysHelloAfresh) {
    AgentBench bench;
    bench.join();
    bench.receive(protocol::Goodbye{"unknown_session", "who are you?", true});
    bench.run_until(bench.now + 1s);
    ASSERT_EQ(bench.link.of_type("hello").size(), 2U);
    EXPECT_EQ(bench.link.of_type("hello").back().at("resume"), "");
}

// What a master should never send, or not now, changes nothing and ends nothing.
TEST(AgentTest, MalformedAndUntimelyMessagesAreSurvived) {
    AgentBench bench;
    bench.give_lease(1, 1);  // Before welcome.
    EXPECT_TRUE(bench.runner.submitted.empty());
    bench.join();
    bench.join("key-2");  // A second welcome.
    auto lease = protocol::encode(protocol::MasterMessage{
        protocol::Lease{LeaseId{3}, JobId{1}, 0, "noop", 1, 10, {}, {{0, {}}}}});
    lease.payload.pop_back();
    bench.agent.receive(bench.now, lease.header, lease.payload);
    bench.agent.receive(bench.now, "not JSON", {});
    bench.agent.receive(bench.now, R"({"type":"drain"})", {});
    bench.agent.receive(bench.now, std::string(100'000, '['), {});
    EXPECT_EQ(bench.agent.state(), State::Joined);
    EXPECT_TRUE(bench.runner.submitted.empty());
    EXPECT_EQ(bench.said(Severity::Error, "cannot be read"), 4U);
    bench.give_lease(4, 1);
    EXPECT_THAT(bench.runner.submitted, ElementsAre(LeaseId{4}));
    bench.give_lease(4, 1);  // The same lease twice is done once.
    EXPECT_THAT(bench.runner.submitted, ElementsAre(LeaseId{4}));
    bench.compute(4, 0, 1);
    EXPECT_EQ(bench.link.of_type("results").back().at("session"), "key-1");
}

// Leaving: tasks not started are dropped, those that run may end, their results go out first, and
// only then does the worker say so.
TEST(AgentTest, LeavingWaitsForRunningTasksAndSendsThemFirst) {
    AgentBench bench;
    bench.join();
    bench.give_lease(1, 5);
    bench.runner.current.busy_slots = 1;
    bench.agent.leave(bench.now);
    EXPECT_EQ(bench.agent.state(), State::Leaving);
    EXPECT_EQ(bench.runner.drops, 1);
    bench.give_lease(2, 1);  // Too late.
    EXPECT_THAT(bench.runner.submitted, ElementsAre(LeaseId{1}));
    bench.pass(1s);
    EXPECT_TRUE(bench.link.of_type("leave").empty());
    bench.runner.current.busy_slots = 0;
    bench.compute(1, 0, 1);
    bench.run_until(bench.now + 1s);
    EXPECT_EQ(bench.agent.state(), State::Finished);
    EXPECT_EQ(bench.agent.ending()->exit_status, 0);
    EXPECT_EQ(bench.link.of_type("results").size(), 1U);
    EXPECT_EQ(bench.link.sent.back().header,
              (nlohmann::json{{"type", "leave"}, {"session", "key-1"}}));
    EXPECT_EQ(bench.link.last_closing, Closing::SendFirst);
}

// A task that ended a moment ago may still lie with the runner: leaving does not forget it.
TEST(AgentTest, LeavingTakesOutcomesThatNobodyHasAnnouncedYet) {
    AgentBench bench;
    bench.join();
    bench.give_lease(1, 1);
    OutcomeChunk chunk{LeaseId{1}, JobId{5}, 6};
    chunk.add_output(0, Bytes(1));
    bench.runner.outcomes.push_back(std::move(chunk));
    bench.agent.leave(bench.now);
    bench.run_until(bench.now + 3s);
    EXPECT_EQ(bench.link.of_type("results").size(), 1U);
    EXPECT_EQ(bench.link.sent.back().header.at("type"), "leave");
}

// A task that takes long is handed back after two seconds instead of keeping the PC.
TEST(AgentTest, LeavingHandsBackWhatRunsTooLong) {
    AgentBench bench;
    bench.join();
    bench.give_lease(1, 1);
    bench.runner.current.busy_slots = 1;
    bench.agent.leave(bench.now);
    bench.run_until(bench.now + 1999ms);
    EXPECT_EQ(bench.agent.state(), State::Leaving);
    bench.run_until(bench.now + 1ms);
    EXPECT_EQ(bench.agent.state(), State::Finished);
    EXPECT_EQ(bench.agent.ending()->exit_status, 0);
    EXPECT_THAT(bench.agent.ending()->message, HasSubstr("goes back to the master"));
    EXPECT_EQ(bench.link.of_type("leave").size(), 1U);
}

// Leaving without a master, losing it while leaving, and being asked twice all end at once.
TEST(AgentTest, LeavingNeverHangs) {
    AgentBench greeting;
    greeting.agent.leave(greeting.now);
    EXPECT_EQ(greeting.agent.state(), State::Finished);
    EXPECT_EQ(greeting.agent.ending()->exit_status, 0);

    AgentBench losing;
    losing.join();
    losing.runner.current.busy_slots = 1;
    losing.agent.leave(losing.now);
    losing.agent.link_down(losing.now, "gone");
    EXPECT_EQ(losing.agent.state(), State::Finished);

    AgentBench twice;
    twice.join();
    twice.runner.current.busy_slots = 1;
    twice.agent.leave(twice.now);
    twice.agent.leave(twice.now);
    EXPECT_EQ(twice.agent.state(), State::Finished);
    twice.agent.leave(twice.now);
    EXPECT_EQ(twice.agent.ending()->exit_status, 0);
}

}  // namespace
}  // namespace netcompute::worker
