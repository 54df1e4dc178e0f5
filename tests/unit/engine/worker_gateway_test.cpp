#include "gateway_fixture.hpp"

namespace netcompute::engine {
namespace {

using namespace std::chrono_literals;

TEST_F(WorkerGatewayTest, AHelloIsWelcomedAndHeartbeatsAreAnswered) {
    const auto session = connect();
    say(session, hello());
    const auto welcome = session->last<Welcome>();
    EXPECT_EQ(welcome.worker, "worker-0001");
    EXPECT_EQ(welcome.session.size(), 32U);
    say(nullptr, protocol::Heartbeat{welcome.session, {}, 1, false, 0.5, 1, ""});
    std::ignore = session->last<protocol::Ack>();
    EXPECT_EQ(events.log, (std::vector<std::string>{"joined 1 worker-0001", "heartbeat 1"}));
}

// Two tabs of one browser have the same id; both may work, under names that differ.
TEST_F(WorkerGatewayTest, ASecondWorkerOfTheSameIdGetsANumber) {
    const auto one = connect(), two = connect();
    say(one, hello());
    say(two, hello());
    EXPECT_EQ(two->last<Welcome>().worker, "worker-0001-2");
    gateway.on_close(one);
    const auto three = connect();
    say(three, hello());
    EXPECT_EQ(three->last<Welcome>().worker, "worker-0001") << "the first name is free again";
}

// The number may not make the id longer than a worker takes it to be.
TEST_F(WorkerGatewayTest, ANumberedIdIsNoLongerThanAnIdMayBe) {
    const auto one = connect(), two = connect();
    protocol::Hello longest = hello();
    longest.worker = std::string(protocol::worker_key_bytes_max, 'w');
    say(one, longest);
    say(two, longest);
    EXPECT_EQ(one->last<Welcome>().worker, longest.worker);
    EXPECT_EQ(two->last<Welcome>().worker,
              std::string(protocol::worker_key_bytes_max - 2, 'w') + "-2");
}

// A worker that lost its connection resumes its session: the same key, the same WorkerId.
TEST_F(WorkerGatewayTest, AWorkerResumesItsSession) {
    const auto before = connect();
    say(before, hello());
    const std::string key = before->last<Welcome>().session;
    gateway.on_close(before);
    const auto after = connect();
    say(after, hello(key));
    EXPECT_EQ(after->last<Welcome>().session, key);
    EXPECT_EQ(events.log, (std::vector<std::string>{"joined 1 worker-0001", "disconnected 1",
                                                    "joined 1 worker-0001"}));
}

// It may come back before the master has noticed that it went.
TEST_F(WorkerGatewayTest, AResumedSessionTakesOverFromTheOldConnection) {
    const auto before = connect(), after = connect();
    say(before, hello());
    const std::string key = before->last<Welcome>().session;
    say(after, hello(key));
    EXPECT_TRUE(before->closed);
    EXPECT_EQ(after->last<Welcome>().session, key);
    gateway.on_close(before);  // The old connection's end comes late, and means nothing now.
    EXPECT_EQ(events.log.back(), "joined 1 worker-0001");
}

// A session key is of use to its own worker only.
TEST_F(WorkerGatewayTest, AnotherWorkerCannotResumeASession) {
    const auto victim = connect();
    say(victim, hello());
    protocol::Hello thief = hello(victim->last<Welcome>().session);
    thief.worker = "somebody-else";
    const auto session = connect();
    say(session, thief);
    EXPECT_NE(session->last<Welcome>().session, victim->last<Welcome>().session);
    EXPECT_FALSE(victim->closed);
}

TEST_F(WorkerGatewayTest, AWrongTokenIsRefusedForGood) {
    WorkerGateway guarded{{.join_token = "correct horse"}, events};
    for (const char* const token : {"", "wrong", "correct hors", "correct horse "}) {
        const auto session = std::make_shared<FakeSession>();
        const auto wire = protocol::encode(protocol::WorkerMessage{hello("", token)});
        guarded.on_frame(session, wire.header, std::make_shared<const Bytes>());
        const auto goodbye = session->last<Goodbye>();
        EXPECT_EQ(goodbye.code, "refused_token");
        EXPECT_FALSE(goodbye.retry);
        EXPECT_EQ(goodbye.message.find("correct"), std::string::npos) << "it must not tell";
        EXPECT_TRUE(session->closed);
    }
    EXPECT_TRUE(events.log.empty());
}

// A worker of another version may have other fields; it is told about the version all the same.
TEST_F(WorkerGatewayTest, AnotherProtocolVersionIsRefusedForGood) {
    const auto session = connect();
    say_text(session, R"({"type":"hello","protocol":2,"something":"new"})");
    const auto goodbye = session->last<Goodbye>();
    EXPECT_EQ(goodbye.code, "refused_protocol");
    EXPECT_FALSE(goodbye.retry);
    EXPECT_NE(goodbye.message.find("protocol 2"), std::string::npos);
}

// A malformed peer loses its own session and nothing else.
TEST_F(WorkerGatewayTest, AMalformedFrameEndsItsOwnSessionOnly) {
    const auto good = connect();
    say(good, hello());
    const std::string good_key = good->last<Welcome>().session;
    for (const char* const rubbish :
         {"", "{", "[]", "{}", R"({"type":7})", R"({"type":"dance"})", R"({"type":"lease"})"}) {
        const auto bad = connect();
        say(bad, hello());
        say_text(bad, rubbish);
        EXPECT_TRUE(bad->closed) << rubbish;
        std::ignore = bad->last<Goodbye>();
    }
    EXPECT_FALSE(good->closed);
    say(good, protocol::Heartbeat{good_key, {}, 1, false, 0, 0, ""});
    EXPECT_EQ(events.log.back(), "heartbeat 1");
}

// Known by its session key, a peer answers for a bad payload also where the socket hides it.
TEST_F(WorkerGatewayTest, ABadPayloadIsHeldAgainstItsSender) {
    const auto session = connect();
    say(session, hello());
    const std::string key = session->last<Welcome>().session;
    say_text(nullptr, R"({"type":"results","session":")" + key +
                          R"(","lease":1,"job":1,"round":0,"count":5,"busy_seconds":0})");
    EXPECT_TRUE(session->closed);
    EXPECT_EQ(session->last<Goodbye>().code, "protocol_violation");
    EXPECT_EQ(events.log.back(), "expelled 1");
}

// Results that nobody waits for are not even read: those of a lease that is long over are dropped,
// and who never had the lease, or so many of its tasks, is expelled.
TEST_F(WorkerGatewayTest, OnlyResultsThatAreAdmittedAreRead) {
    const auto session = connect();
    say(session, hello());
    const std::string key = session->last<Welcome>().session;
    const auto unreadable = [&](LeaseId lease, int count) {
        say_text(nullptr, R"({"type":"results","session":")" + key + R"(","lease":)" +
                              std::to_string(lease.value) + R"(,"job":1,"round":0,"count":)" +
                              std::to_string(count) + R"(,"busy_seconds":0})");
    };
    unreadable(FakeEvents::old_lease, 2);
    EXPECT_FALSE(session->closed);
    EXPECT_EQ(events.log.back(), "joined 1 worker-0001");
    unreadable(FakeEvents::foreign_lease, 2);
    EXPECT_TRUE(session->closed);
    EXPECT_EQ(session->last<Goodbye>().message, "never had it");
    EXPECT_EQ(events.log.back(), "expelled 1");
}

// What a heartbeat names is answered, so it names no more than a worker can hold.
TEST_F(WorkerGatewayTest, AHeartbeatThatNamesThousandsOfLeasesEndsItsSession) {
    const auto session = connect();
    say(session, hello());
    const std::string key = session->last<Welcome>().session;
    const std::vector<LeaseId> many(3000, LeaseId{1});
    say(nullptr, protocol::Heartbeat{key, many, 1, false, 0, 0, ""});
    EXPECT_TRUE(session->closed);
    EXPECT_EQ(session->last<Goodbye>().code, "protocol_violation");
    EXPECT_EQ(events.log.back(), "expelled 1");
}

// Joined, it has a key of its own and no business with another one.
TEST_F(WorkerGatewayTest, AJoinedWorkerThatNamesAStrangeKeyIsExpelled) {
    const auto session = connect();
    say(session, hello());
    say(session, protocol::Leave{"0123456789abcdef0123456789abcdef"});
    EXPECT_TRUE(session->closed);
    EXPECT_EQ(session->last<Goodbye>().code, "protocol_violation");
    EXPECT_EQ(events.log.back(), "expelled 1");
}

TEST_F(WorkerGatewayTest, FramesOutOfTurnAreRefused) {
    const auto eager = connect();
    say(eager, protocol::Heartbeat{"0123456789abcdef0123456789abcdef", {}, 1, false, 0, 0, ""});
    EXPECT_EQ(eager->last<Goodbye>().code, "unknown_session");
    EXPECT_TRUE(eager->last<Goodbye>().retry);

    const auto twice = connect();
    say(twice, hello());
    say(twice, hello());
    EXPECT_EQ(twice->last<Goodbye>().code, "protocol_violation");

    const auto victim = connect(), thief = connect();
    say(victim, hello());
    const std::string key = victim->last<Welcome>().session;
    say(thief, hello());
    say(thief, protocol::Heartbeat{key, {}, 1, false, 0, 0, ""});
    EXPECT_TRUE(thief->closed) << "it spoke under another connection's key";
    EXPECT_FALSE(victim->closed);
}

// Whoever connects and says nothing is not kept for ever.
TEST_F(WorkerGatewayTest, AConnectionThatSaysNothingIsClosed) {
    const auto silent = connect(), talking = connect();
    say(talking, hello());
    gateway.expire_greetings(Instant{} + 9s);
    EXPECT_FALSE(silent->closed);
    gateway.expire_greetings(Instant{} + 10s);
    EXPECT_TRUE(silent->closed);
    EXPECT_FALSE(talking->closed);
}

TEST_F(WorkerGatewayTest, AWorkerThatLeavesIsToldFromOneThatIsLost) {
    const auto session = connect();
    say(session, hello());
    say(session, protocol::Leave{session->last<Welcome>().session});
    EXPECT_TRUE(session->closed);
    EXPECT_EQ(events.log, (std::vector<std::string>{"joined 1 worker-0001", "left 1"}));
}

// A worker that is forgotten gets a new WorkerId, and its old session is of no use any more.
TEST_F(WorkerGatewayTest, AForgottenWorkerStartsAnew) {
    const auto before = connect();
    say(before, hello());
    const std::string key = before->last<Welcome>().session;
    EXPECT_FALSE(gateway.forget(WorkerId{1}, false)) << "it is there";
    gateway.on_close(before);
    EXPECT_TRUE(gateway.forget(WorkerId{1}, false));
    const auto after = connect();
    say(after, hello(key));
    EXPECT_NE(after->last<Welcome>().session, key);
    EXPECT_EQ(events.log.back(), "joined 2 worker-0001");
}

// A worker of a master that ended resumes its session with the next one, under the same WorkerId,
// which nobody else gets.
TEST_F(WorkerGatewayTest, AWorkerResumesTheSessionOfAFormerMaster) {
    gateway.skip_ids(WorkerId{9});
    gateway.restore(WorkerId{7}, "worker-0001", "the-key-of-before", "");
    const auto session = connect(), other = connect();
    say(session, hello("the-key-of-before"));
    EXPECT_EQ(session->last<Welcome>().session, "the-key-of-before");
    say(other, hello());
    EXPECT_EQ(events.log,
              (std::vector<std::string>{"joined 7 worker-0001", "joined 10 worker-0001-2"}));
}

// While the master gets its jobs ready, hellos wait; nobody is sent away meanwhile.
TEST_F(WorkerGatewayTest, HellosWaitWhileTheGatewayIsHeld) {
    gateway.hold(true);
    const auto session = connect(), gone = connect();
    say(session, hello());
    say(gone, hello());
    gateway.expire_greetings(Instant{} + 60s);
    gateway.on_close(gone);
    EXPECT_TRUE(events.log.empty());
    EXPECT_FALSE(session->closed);
    gateway.hold(false);
    std::ignore = session->last<Welcome>();
    EXPECT_EQ(events.log, std::vector<std::string>{"joined 1 worker-0001"});
}

// A worker in quarantine is told why, and not to come again; until it is let in.
TEST_F(WorkerGatewayTest, ABannedWorkerIsRefused) {
    gateway.ban("worker-0001", "its result was wrong");
    const auto refused = connect(), admitted = connect();
    say(refused, hello());
    EXPECT_EQ(refused->last<Goodbye>(), (Goodbye{"quarantined", "its result was wrong", false}));
    EXPECT_TRUE(refused->closed);
    gateway.ban("worker-0001", "");
    say(admitted, hello());
    std::ignore = admitted->last<Welcome>();
}

// One PC cannot take all the sessions there are; but one that comes back is no new one.
TEST(WorkerGatewayLimitTest, AnAddressHasOnlySoManySessions) {
    FakeEvents events;
    GatewayOptions options;
    options.sessions_per_address_max = 2;
    WorkerGateway gateway{options, events};
    const auto greet = [&](const std::string& key, const std::string& resume) {
        auto session = std::make_shared<FakeSession>();
        protocol::Hello hello;
        hello.worker = key;
        hello.resume = resume;
        const auto wire = protocol::encode(protocol::WorkerMessage{hello});
        gateway.on_frame(session, wire.header, std::make_shared<const Bytes>(wire.payload));
        return session;
    };
    const auto one = greet("worker-0001", ""), two = greet("worker-0002", "");
    const auto three = greet("worker-0003", "");
    EXPECT_EQ(three->last<Goodbye>().code, "too_many_sessions");
    EXPECT_TRUE(three->last<Goodbye>().retry);
    std::ignore = greet("worker-0002", two->last<Welcome>().session)->last<Welcome>();
    gateway.on_close(one);
    std::ignore = greet("worker-0003", "")->last<Welcome>();
}

}  // namespace
}  // namespace netcompute::engine
