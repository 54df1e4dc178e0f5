#include "net/zmtp/zmtp_transport.hpp"

#include "zmq_peer.hpp"
#include "zmtp_peer_bytes.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <gmock/gmock.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <chrono>
#include <thread>

namespace netcompute {
namespace {

using test_support::ZmqPeer;
using testing::HasSubstr;
using namespace std::chrono_literals;
using boost::asio::ip::tcp;
using Lines = std::vector<std::string>;

/// Notes what a transport tells, in order, and takes every hello: whoever says "hello KEY" is
/// admitted with that session key.
class Notes final : public net::SessionListener {
 public:
    net::SessionPtr session;  ///< The last that opened.
    Lines told;

    void on_open(const net::SessionPtr& opened) override { session = opened; }
    void on_frame(const net::SessionPtr& from, std::string_view header,
                  std::shared_ptr<const Bytes> payload) override {
        constexpr std::string_view hello = "hello ";
        if (header.starts_with(hello)) {
            EXPECT_TRUE(from->admit(header.substr(hello.size())));
        }
        told.push_back(std::string{header} +
                       (payload->empty() ? "" : " and " + std::to_string(payload->size())));
    }
    void on_malformed(const net::SessionPtr&, const Error& error) override {
        told.push_back(error.message);
    }
    void on_close(const net::SessionPtr&) override { told.emplace_back("closed"); }
};

std::string of_session(const std::string& key) {
    return R"({"type":"results","session":")" + key + R"("})";
}

/// A peer made of bytes.
class RawPeer {
 public:
    RawPeer(boost::asio::io_context& io, std::uint16_t port, const char* address = "127.0.0.1")
        : socket_{io} {
        socket_.connect({boost::asio::ip::make_address(address), port});
        socket_.non_blocking(true);
    }
    void send(const std::string& bytes) {
        boost::system::error_code ignored;
        socket_.write_some(boost::asio::buffer(bytes), ignored);
    }
    /// Waits until what was sent lies in the kernel where the other side reads it; a busy kernel
    /// takes its time on the way there.
    void await_arrival() {
        const auto give_up = std::chrono::steady_clock::now() + 20s;
        int under_way = 1;
        while (under_way > 0 && std::chrono::steady_clock::now() < give_up) {
            ASSERT_EQ(ioctl(socket_.native_handle(), SIOCOUTQ, &under_way), 0);
            std::this_thread::yield();
        }
        ASSERT_EQ(under_way, 0) << "bytes that have not arrived";
    }
    /// Whether the other side has closed it; what was sent is kept in `heard`.
    bool is_closed() {
        boost::system::error_code error;
        std::array<char, 4096> space{};
        while (!error) {
            heard.append(space.data(), socket_.read_some(boost::asio::buffer(space), error));
        }
        return error != boost::asio::error::would_block;
    }
    std::string heard;

 private:
    tcp::socket socket_;
};

class ZmtpTransportTest : public testing::Test {
 protected:
    /// Runs the transport until something is so.
    template <typename Condition>
    void await(const char* what, Condition condition) {
        const auto give_up = std::chrono::steady_clock::now() + 20s;
        while (!condition() && std::chrono::steady_clock::now() < give_up) io_.run_one_for(10ms);
        ASSERT_TRUE(condition()) << what;
    }
    void await_told(std::size_t count) {
        await("something was to be told", [&] { return notes_.told.size() >= count; });
    }
    void await_closed(RawPeer& peer) {
        await("a connection was to be closed", [&] { return peer.is_closed(); });
    }
    net::ZmtpTransport& open(net::ZmtpTimes times = {}, const std::string& host = "127.0.0.1") {
        return transport_.emplace(io_, net::ZmtpEndpoints{host, 0, 0, 0}, budget_, notes_, times);
    }
    MasterConfig ports() {
        const net::ZmtpEndpoints& ports = transport_->endpoints();
        return {"127.0.0.1", ports.task_port, ports.result_port, ports.heartbeat_port};
    }

    boost::asio::io_context io_;
    net::ConnectionBudget budget_{{64, 32}};
    Notes notes_;
    std::optional<net::ZmtpTransport> transport_;
};

// The master is sending to a peer that has just said its last words and gone. What fails is the
// sending; the words are heard all the same, and from the session that said them.
TEST_F(ZmtpTransportTest, LastWordsAreHeardThoughSendingFoundThePeerGone) {
    constexpr int peers = 30;
    constexpr int messages = 500;  // Long enough for the end of the connection to come in between.
    for (int i = 0; i < peers; ++i) {
        notes_.told.clear();
        notes_.session = nullptr;
        open();
        {
            ZmqPeer peer{ports()};
            peer.send_task({"hello 1", ""});
            await_told(1);
            peer.send_task({"last words", ""});
            peer.close_after_sending();
        }
        for (int sent = 0; sent < messages; ++sent) notes_.session->send({"news", {}});
        await_told(3);
        EXPECT_EQ(notes_.told, (Lines{"hello 1", "last words", "closed"}));
    }
}

// Results travel by another connection than what follows them; they are heard first all the same.
TEST_F(ZmtpTransportTest, ResultsComeBeforeWhatTheirWorkerSaysNextAndBeforeItsEnd) {
    open();
    auto task = std::make_optional<RawPeer>(io_, ports().task_port);
    RawPeer result{io_, ports().result_port};
    task->send(zmtp_bytes::greeting() + zmtp_bytes::ready("DEALER") +
               zmtp_bytes::message("hello 1", ""));
    await_told(1);
    result.send(zmtp_bytes::greeting() + zmtp_bytes::ready("PUSH") +
                zmtp_bytes::message(of_session("1"), ""));
    await_told(2);
    // All of this lies in the kernel before the transport looks: which socket it would find first
    // is open.
    for (int i = 0; i < 20; ++i) {
        notes_.told.clear();
        result.send(zmtp_bytes::message(of_session("1"), std::string(3000, 'r')));
        result.await_arrival();
        task->send(zmtp_bytes::message("next", ""));
        await_told(2);
        EXPECT_EQ(notes_.told, (Lines{of_session("1") + " and 3000", "next"}));
    }
    notes_.told.clear();
    result.send(zmtp_bytes::message(of_session("1"), "last"));
    result.await_arrival();
    task.reset();
    await_told(2);
    EXPECT_EQ(notes_.told, (Lines{of_session("1") + " and 4", "closed"}));
}

// A stranger's payload is not even taken: naming a live session comes first.
TEST_F(ZmtpTransportTest, WhatNamesNoLiveSessionClosesItsConnection) {
    open();
    const std::string pusher = zmtp_bytes::greeting() + zmtp_bytes::ready("PUSH");
    const std::string large = std::string("\x02\0\0\0\0\0\xf0\0\0", 9);  // Of which nothing comes.
    for (const std::string& header :
         {of_session("1"), std::string("not JSON"), std::string(R"({"type":"results"})"),
          std::string{}, std::string(protocol::header_bytes_max + 1, ' ')}) {
        RawPeer peer{io_, ports().result_port};
        peer.send(pusher + zmtp_bytes::frame(1, header) + large);
        await_closed(peer);
    }
    RawPeer publisher{io_, ports().heartbeat_port};
    publisher.send(zmtp_bytes::greeting() + zmtp_bytes::ready("PUB") +
                   zmtp_bytes::message(of_session("1"), ""));
    await_closed(publisher);
    EXPECT_EQ(notes_.told, Lines{}) << "the listener need not know";
}

TEST_F(ZmtpTransportTest, AStrangerOnTheTaskPortIsToldWhyItIsRefused) {
    open();
    RawPeer peer{io_, ports().task_port};
    const std::string large = std::string("\x02\0\0\0\0\0\xf0\0\0", 9);
    peer.send(zmtp_bytes::greeting() + zmtp_bytes::ready("DEALER") + zmtp_bytes::frame(1, "h") +
              large);
    await_told(2);
    EXPECT_THAT(notes_.told[0], HasSubstr("more than a hello has"));
    EXPECT_EQ(notes_.told[1], "closed");
    await_closed(peer);
}

// An unfinished message of endless parts: the second part that says "more follows" is the last.
TEST_F(ZmtpTransportTest, AnEndlessMessageIsClosedAtItsSecondPart) {
    open();
    RawPeer peer{io_, ports().result_port};
    std::string parts;
    for (int i = 0; i < 1000; ++i) parts += zmtp_bytes::frame(1, "");
    peer.send(zmtp_bytes::greeting() + zmtp_bytes::ready("PUSH") + parts);
    await_closed(peer);
}

TEST_F(ZmtpTransportTest, SilentConnectionsAreClosedInTime) {
    open({.handshake = 50ms, .session = 100ms, .stall = 100ms, .check_interval = 10ms});
    RawPeer silent{io_, ports().task_port};
    RawPeer half{io_, ports().task_port};
    half.send(zmtp_bytes::greeting().substr(0, 40));
    RawPeer without_session{io_, ports().result_port};
    without_session.send(zmtp_bytes::greeting() + zmtp_bytes::ready("PUSH"));
    RawPeer stalled{io_, ports().task_port};
    stalled.send(zmtp_bytes::greeting() + zmtp_bytes::ready("DEALER") +
                 zmtp_bytes::message("hello 1", "") + zmtp_bytes::frame(1, "h"));
    for (RawPeer* peer : {&silent, &half, &without_session, &stalled}) await_closed(*peer);
    EXPECT_EQ(silent.heard, "") << "a stranger that says nothing is told nothing";
    await_told(2);
    EXPECT_EQ(notes_.told, (Lines{"hello 1", "closed"}));
}

// However long a worker computes: its result connection is idle, and stays while its session does.
TEST_F(ZmtpTransportTest, ASessionsConnectionsStayAsLongAsItDoes) {
    open({.handshake = 50ms, .session = 50ms, .stall = 50ms, .check_interval = 5ms});
    RawPeer task{io_, ports().task_port};
    task.send(zmtp_bytes::greeting() + zmtp_bytes::ready("DEALER") +
              zmtp_bytes::message("hello 1", ""));
    await_told(1);
    RawPeer result{io_, ports().result_port};
    result.send(zmtp_bytes::greeting() + zmtp_bytes::ready("PUSH") +
                zmtp_bytes::message(of_session("1"), ""));
    await_told(2);
    // As many strangers come and go as it takes for the times above to be over several times.
    for (int i = 0; i < 5; ++i) {
        RawPeer stranger{io_, ports().result_port};
        await_closed(stranger);
    }
    EXPECT_FALSE(task.is_closed());
    EXPECT_FALSE(result.is_closed());
    EXPECT_EQ(budget_.proven_count(), 2U);
    notes_.session->close();
    await_closed(result);
    await_closed(task);
}

// A flood of silent connections from the worker's own address costs it nothing, and newcomers
// get in: the oldest strangers go.
TEST_F(ZmtpTransportTest, AFloodOfStrangersKeepsNobodyOut) {
    open();
    ZmqPeer worker{ports()};
    worker.send_task({"hello 1", ""});
    await_told(1);
    std::vector<std::unique_ptr<RawPeer>> flood;
    for (int i = 0; i < 200; ++i) {
        flood.push_back(std::make_unique<RawPeer>(io_, ports().task_port));
        io_.poll();
    }
    await_closed(*flood.front());
    EXPECT_LE(budget_.stranger_count(), budget_.strangers_max());
    ZmqPeer newcomer{ports()};
    newcomer.send_task({"hello 2", ""});
    await_told(2);
    worker.send_task({"still here", ""});
    await_told(3);
    EXPECT_EQ(notes_.told, (Lines{"hello 1", "hello 2", "still here"}));
}

// The wire's reference is libzmq: what it sends is heard, what we send it hears.
TEST_F(ZmtpTransportTest, SpeaksWithLibzmqBothWays) {
    open();
    ZmqPeer peer{ports()};
    peer.send_task({"hello 1", ""});
    await_told(1);
    peer.send_result({of_session("1"), std::string(1 << 20, 'r')});
    await_told(2);
    EXPECT_EQ(notes_.told[1], of_session("1") + " and 1048576");
    notes_.session->send(
        protocol::encode(protocol::MasterMessage{protocol::Goodbye{"bye", "now", true}}));
    notes_.session->close();
    await_told(3);
    io_.poll();  // It is written, and the connection stands a moment longer.
    EXPECT_EQ(peer.await<protocol::Goodbye>().code, "bye");
}

TEST_F(ZmtpTransportTest, ListensOnIpv6AndOnNames) {
    const auto hears = [&](const char* host, const char* address) {
        open({}, host);
        RawPeer peer{io_, ports().task_port, address};
        peer.send(zmtp_bytes::greeting() + zmtp_bytes::ready("DEALER"));
        notes_.session = nullptr;
        await(host, [&] { return notes_.session != nullptr; });
        return notes_.session->peer_address();
    };
    EXPECT_EQ(hears("localhost", "127.0.0.1"), "127.0.0.1");
    EXPECT_EQ(hears("0.0.0.0", "127.0.0.1"), "127.0.0.1");
    EXPECT_EQ(hears("*", "127.0.0.1"), "127.0.0.1");
    tcp::socket probe{io_, tcp::v6()};
    boost::system::error_code no_ipv6;
    probe.bind({boost::asio::ip::address_v6::loopback(), 0}, no_ipv6);
    if (no_ipv6) return;  // This PC has none.
    EXPECT_EQ(hears("::1", "::1"), "::1");
    EXPECT_EQ(hears("::", "::1"), "::1");
    EXPECT_EQ(hears("*", "127.0.0.1"), "127.0.0.1") << "also of IPv4, as itself";
}

TEST_F(ZmtpTransportTest, SaysWhatKeepsItFromListening) {
    const auto problem = [&](const std::string& host, std::uint16_t port) -> std::string {
        try {
            net::ZmtpTransport transport{io_, {host, port, 0, 0}, budget_, notes_};
        } catch (const std::runtime_error& error) {
            return error.what();
        }
        return "none";
    };
    open();
    const std::uint16_t taken = ports().task_port;
    EXPECT_THAT(problem("127.0.0.1", taken),
                testing::AllOf(HasSubstr("127.0.0.1:" + std::to_string(taken)),
                               HasSubstr("master.task_port"), HasSubstr("in use by")));
    EXPECT_THAT(problem("192.0.2.1", 0), HasSubstr("it is no address of this PC"));
    EXPECT_THAT(problem("no-such-host.invalid", 0), HasSubstr("neither an address nor a name"));
}

}  // namespace
}  // namespace netcompute
