// Peers on the three ZeroMQ ports that say anything at all, while a job runs: each loses its own
// session and nothing else.
#include "abused_master.hpp"
#include "zmq_peer.hpp"
#include <netcompute/programs/monte_carlo_pi.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace netcompute {
namespace {

using test_support::AbusedMaster;
using test_support::RawConnection;
using test_support::ZmqPeer;

constexpr std::uint64_t samples = 150 * programs::MonteCarloPiProgram::samples_per_task;

std::string expected_sha256() {
    programs::MonteCarloPiProgram program{{samples, 5}};
    const auto ran = programs::run_in_process(program, {});
    EXPECT_TRUE(ran);
    return to_hex(sha256(program.result_bytes()));
}

/// A job runs in the master's own process from the beginning of each test to its end.
class ZmqAbuseTest : public testing::Test {
 protected:
    ZmqAbuseTest() {
        jobs::JobRequest request;
        request.type = "monte_carlo_pi";
        request.params = {{"samples", samples}, {"seed", 5}};
        job_ = master_.submit(std::move(request));
    }

    ~ZmqAbuseTest() override {
        static const std::string expected = expected_sha256();
        const store::JobRecord record = job_.get();
        EXPECT_EQ(record.state, store::JobState::Succeeded)
            << (record.error ? record.error->message : "");
        if (!record.result.empty()) {
            EXPECT_EQ(nlohmann::json::parse(record.result).at("result_sha256"), expected);
        }
        EXPECT_EQ(master_.count_logged("the master's own PC (master-local, this process) dis"), 0U);
        ZmqPeer honest{master_.ports()};
        EXPECT_FALSE(honest.join().session.empty()) << "the master takes workers as before";
    }

    /// What the decoder and the handshake must refuse, besides what the fixtures hold.
    static std::vector<std::vector<std::string>> garbage() {
        std::mt19937 random{7};
        std::string noise(5000, '\0');
        for (char& byte : noise) byte = static_cast<char>(random());
        const std::string hello = R"({"type":"hello"})";
        return {{""},
                {"", ""},
                {"one part"},
                {hello, "", ""},
                std::vector<std::string>(200, "part"),
                {noise, noise},
                {"{", ""},
                {"[]", ""},
                {hello, ""},
                {R"({"type":"dance"})", ""},
                {std::string(protocol::header_bytes_max + 1, ' '), ""},
                {std::string(100'000, '['), ""}};
    }

    AbusedMaster master_;
    std::future<store::JobRecord> job_;
};

TEST_F(ZmqAbuseTest, GarbageOnTheTaskPortIsAnsweredWithGoodbye) {
    for (const auto& parts : garbage()) {
        ZmqPeer peer{master_.ports()};
        peer.send_task(parts);
        // What has a type, but is no hello, comes out of turn.
        EXPECT_THAT(peer.await<protocol::Goodbye>().code,
                    testing::AnyOf("protocol_violation", "unknown_session"))
            << parts[0].substr(0, 40);
    }
}

TEST_F(ZmqAbuseTest, GarbageOfAJoinedWorkerEndsItsSession) {
    for (const auto& parts : garbage()) {
        ZmqPeer peer{master_.ports()};
        std::ignore = peer.join();
        peer.send_task(parts);
        EXPECT_EQ(peer.await<protocol::Goodbye>().code, "protocol_violation")
            << parts[0].substr(0, 40);
    }
}

TEST_F(ZmqAbuseTest, GarbageOnTheResultAndHeartbeatPortsCostsItsConnection) {
    for (const auto& parts : garbage()) {
        ZmqPeer pusher{master_.ports(), ZmqPeer::Watch::Result};
        pusher.send_result(parts);
        pusher.await_disconnection();
        ZmqPeer publisher{master_.ports(), ZmqPeer::Watch::Heartbeat};
        publisher.await_subscriber();
        publisher.send_heartbeat(parts);
        publisher.await_disconnection();
    }
    EXPECT_EQ(master_.count_logged("closed a connection from"), 2 * garbage().size());
}

TEST_F(ZmqAbuseTest, AMessageOverTheLimitCostsItsConnection) {
    const std::string huge(protocol::frame_bytes_max + (1 << 20), 'x');
    const std::vector<std::string> oversized{R"({"type":"results"})", huge};
    ZmqPeer on_task_port{master_.ports(), ZmqPeer::Watch::Task};
    on_task_port.send_task(oversized);
    on_task_port.await_disconnection();
    ZmqPeer on_result_port{master_.ports(), ZmqPeer::Watch::Result};
    on_result_port.send_result(oversized);
    on_result_port.await_disconnection();
}

TEST_F(ZmqAbuseTest, AnotherVersionIsRefusedForGood) {
    ZmqPeer peer{master_.ports()};
    peer.send_task({R"({"type":"hello","protocol":2,"news":true})", ""});
    const auto goodbye = peer.await<protocol::Goodbye>();
    EXPECT_EQ(goodbye.code, "refused_protocol");
    EXPECT_FALSE(goodbye.retry);
}

TEST_F(ZmqAbuseTest, ResultsForALeaseOfAnotherWorkerEndTheForgersSession) {
    ZmqPeer owner{master_.ports()}, forger{master_.ports()};
    std::ignore = owner.join();
    const auto lease = owner.await<protocol::Lease>();
    const Bytes output(16);
    protocol::Results forged{forger.join().session, lease.lease, lease.job, lease.round, 0.01, {}};
    forged.outcomes.push_back({lease.tasks.at(0).index, false, {}, output});
    forger.send_result(forged);
    const auto goodbye = forger.await<protocol::Goodbye>();
    EXPECT_EQ(goodbye.code, "protocol_violation");
    EXPECT_NE(goodbye.message.find("of another worker"), std::string::npos) << goodbye.message;
}

TEST_F(ZmqAbuseTest, ResultsForATaskThatWasNeverGivenEndTheSession) {
    ZmqPeer peer{master_.ports()};
    const std::string session = peer.join().session;
    const auto lease = peer.await<protocol::Lease>();
    const Bytes output(16);
    protocol::Results invented{session, lease.lease, lease.job, lease.round, 0.01, {}};
    invented.outcomes.push_back({4'000'000'000, false, {}, output});
    peer.send_result(invented);
    const auto goodbye = peer.await<protocol::Goodbye>();
    EXPECT_EQ(goodbye.code, "protocol_violation");
    EXPECT_NE(goodbye.message.find("never given"), std::string::npos) << goodbye.message;
}

// However many there are, none is read: no line is logged, and no task counts as failed.
TEST_F(ZmqAbuseTest, ResultsWithoutALeaseAreNotRead) {
    ZmqPeer stranger{master_.ports()}, holder{master_.ports()};
    const std::string session = holder.join().session;
    const auto lease = holder.await<protocol::Lease>();
    const auto flood = [&](const std::string& its_session, LeaseId of) {
        protocol::Results results{its_session, of, lease.job, lease.round, 0, {}};
        for (std::uint32_t index = 0; index < 100'000; ++index) {
            results.outcomes.push_back({index, true, ErrorCode::Unavailable, {}});
        }
        return protocol::WorkerMessage{std::move(results)};
    };
    stranger.send_result(flood(stranger.join().session, LeaseId{lease.lease.value + 1'000'000}));
    const auto to_stranger = stranger.await<protocol::Goodbye>();
    EXPECT_EQ(to_stranger.code, "protocol_violation");
    EXPECT_NE(to_stranger.message.find("never granted"), std::string::npos) << to_stranger.message;
    holder.send_result(flood(session, lease.lease));
    const auto to_holder = holder.await<protocol::Goodbye>();
    EXPECT_EQ(to_holder.code, "protocol_violation");
    EXPECT_NE(to_holder.message.find("100000 outcomes for"), std::string::npos)
        << to_holder.message;
    ZmqPeer other{master_.ports()};
    const std::string its_session = other.join().session;
    const auto its_lease = other.await<protocol::Lease>();
    protocol::Results misnamed{its_session,
                               its_lease.lease,
                               JobId{its_lease.job.value + 1},
                               its_lease.round,
                               0,
                               {{its_lease.tasks.front().index, true, ErrorCode::Unavailable, {}}}};
    other.send_result(protocol::WorkerMessage{std::move(misnamed)});
    const auto to_other = other.await<protocol::Goodbye>();
    EXPECT_NE(to_other.message.find("another job"), std::string::npos) << to_other.message;
    EXPECT_EQ(master_.count_logged("failed on"), 0U);
}

// Neither web browsers nor port scanners nor half a handshake keep anyone else from working.
TEST_F(ZmqAbuseTest, ConnectionsThatDoNotSpeakZeroMqAreNobodysTrouble) {
    std::vector<RawConnection> connections;
    const auto& ports = master_.ports();
    for (const std::uint16_t port : {ports.task_port, ports.result_port, ports.heartbeat_port}) {
        for (const std::string& bytes :
             {std::string{}, std::string{"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"},
              std::string(100'000, '\xff'), std::string("\xff\0\0\0\0\0\0\0\0\x7f\x03", 11),
              std::string("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 10) +
                  std::string(500, '\x7f')}) {
            connections.emplace_back(port).send(bytes);
        }
    }
    ZmqPeer honest{master_.ports()};
    EXPECT_FALSE(honest.join().session.empty());
}

// A worker that asks and asks and reads no answer is dropped once so much waits for it.
TEST_F(ZmqAbuseTest, APeerThatReadsNothingIsDropped) {
    const std::string dropped = "does not read what it is sent";
    ZmqPeer peer{master_.ports()}, other{master_.ports()};
    protocol::Heartbeat heartbeat, other_heartbeat;
    heartbeat.session = peer.join().session;
    other_heartbeat.session = other.join().session;
    peer.await_subscriber();
    other.await_subscriber();
    // A lease that is over: from then on, each mention of it is answered by a frame.
    const auto lease = peer.await<protocol::Lease>();
    peer.send_result(protocol::WorkerMessage{
        protocol::Results{heartbeat.session,
                          lease.lease,
                          lease.job,
                          lease.round,
                          0,
                          {{lease.tasks.front().index, true, ErrorCode::Unavailable, {}}}}});
    heartbeat.leases.assign(200, lease.lease);
    const auto patience = std::chrono::steady_clock::now() + std::chrono::minutes{2};
    while (master_.count_logged(dropped) == 0 && std::chrono::steady_clock::now() < patience) {
        peer.send_heartbeat(protocol::WorkerMessage{heartbeat});
        other.send_heartbeat(protocol::WorkerMessage{other_heartbeat});
        std::ignore = other.await<protocol::Ack>();  // The master keeps up with what is asked.
    }
    EXPECT_EQ(master_.count_logged(dropped), 1U);
}

// Many join, ask for the job's tasks, and leave or vanish: each leave is heard, and the job does
// not suffer for those that vanish.
TEST_F(ZmqAbuseTest, EveryLeaveIsHeardHoweverSoonItsSenderIsGone) {
    constexpr std::size_t peers = 100;
    for (std::size_t i = 0; i < peers; ++i) {
        ZmqPeer peer{master_.ports()};
        peer.send_task(protocol::WorkerMessage{protocol::Leave{peer.join().session}});
        peer.close_after_sending();
    }
    master_.await_logged("127.0.0.1) left", peers);
    EXPECT_EQ(master_.count_logged("127.0.0.1) disconnected"), 0U);
}

}  // namespace
}  // namespace netcompute
