#include "fake_zmq_master.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>
#include <native-worker/connection_probe.hpp>
#include <native-worker/master_finder.hpp>
#include <poll.h>

#include <thread>

namespace netcompute::worker {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using testing::AllOf;
using testing::HasSubstr;
using namespace std::chrono_literals;

std::string reason_of(ConnectionProbe& probe, const std::string& host, std::uint16_t port) {
    probe.start(host, port);
    pollfd item{.fd = probe.descriptor(), .events = POLLIN, .revents = 0};
    constexpr int patience_milliseconds = 60'000;
    EXPECT_EQ(poll(&item, 1, patience_milliseconds), 1);
    const auto reason = probe.take();
    EXPECT_TRUE(reason);
    return reason.value_or("");
}

/// A port that takes connections and may say something.
class Listener {
 public:
    [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
    void say_to_next(std::string text) {
        thread_ = std::jthread{[this, said = std::move(text)] {
            boost::system::error_code error;
            tcp::socket socket = acceptor_.accept(error);
            if (!error) asio::write(socket, asio::buffer(said), error);
        }};
    }

 private:
    asio::io_context context_;
    tcp::acceptor acceptor_{context_, {asio::ip::address_v4::loopback(), 0}};
    std::jthread thread_;
};

TEST(ConnectionProbeTest, AMasterIsNoReason) {
    const FakeZmqMaster master;
    ConnectionProbe probe;
    EXPECT_EQ(reason_of(probe, "127.0.0.1", master.address().task_port), "");
    EXPECT_EQ(probe.take(), std::nullopt);
    EXPECT_EQ(reason_of(probe, "localhost", master.address().task_port), "");
}

TEST(ConnectionProbeTest, EachTroubleHasItsOwnReason) {
    ConnectionProbe probe{200ms};
    std::optional<Listener> listener{std::in_place};
    const std::uint16_t port = listener->port();
    const std::string there = "127.0.0.1:" + std::to_string(port);
    EXPECT_THAT(reason_of(probe, "127.0.0.1", port),
                AllOf(HasSubstr(there), HasSubstr("says nothing")));
    listener.emplace();
    listener->say_to_next("HTTP/1.1 400 Bad Request\r\n\r\n");
    EXPECT_THAT(reason_of(probe, "127.0.0.1", listener->port()),
                HasSubstr("does not speak ZeroMQ"));
    const std::uint16_t free_port = listener->port();
    listener.reset();
    EXPECT_THAT(reason_of(probe, "127.0.0.1", free_port), HasSubstr("refuses the connection"));
    EXPECT_THAT(reason_of(probe, "no-such-pc.invalid", free_port),
                AllOf(HasSubstr("\"no-such-pc.invalid\""), HasSubstr("does not resolve")));
}

TEST(ConnectionProbeTest, WhatTheNetworkSaysIsPutIntoWords) {
    EXPECT_THAT(why_unreachable("::1", 5555, asio::error::timed_out),
                AllOf(HasSubstr("[::1]:5555"), HasSubstr("firewall")));
    EXPECT_THAT(why_unreachable("office", 5555, asio::error::network_unreachable),
                HasSubstr("no way from this PC to office:5555"));
}

TEST(MasterFinderTest, PortsComeFromTheClustersDocument) {
    const auto ports = parse_master_ports(
        R"({"version": "1", "ports": {"task": 5555, "result": 5556, "heartbeat": 65535}})");
    ASSERT_TRUE(ports);
    EXPECT_EQ(*ports, (MasterPorts{5555, 5556, 65535}));
    for (const char* text :
         {"", "[]", "{}", "null", R"({"ports": 7})", R"({"ports": {"task": 1, "result": 2}})",
          R"({"ports": {"task": 0, "result": 2, "heartbeat": 3}})",
          R"({"ports": {"task": 65536, "result": 2, "heartbeat": 3}})",
          R"({"ports": {"task": "1", "result": 2, "heartbeat": 3}})"}) {
        EXPECT_FALSE(parse_master_ports(text)) << text;
    }
}

}  // namespace
}  // namespace netcompute::worker
