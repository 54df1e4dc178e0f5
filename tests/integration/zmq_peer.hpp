#pragma once

#include <netcompute/config.hpp>
#include <netcompute/protocol/messages.hpp>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.hpp>

#include <atomic>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace netcompute::test_support {

/// A native worker's three sockets, to say anything through. Calls that wait fail the test after a
/// while instead of hanging.
class ZmqPeer {
 public:
    /// Whose disconnection await_disconnection() means.
    enum class Watch { Task, Result, Heartbeat };

    explicit ZmqPeer(const MasterConfig& ports, Watch watched = Watch::Task) {
        for (zmq::socket_t* socket : {&task_, &result_, &heartbeat_, &monitor_}) {
            socket->set(zmq::sockopt::linger, 0);
            socket->set(zmq::sockopt::rcvtimeo, wait_milliseconds);
        }
        task_.set(zmq::sockopt::reconnect_ivl, -1);
        result_.set(zmq::sockopt::reconnect_ivl, -1);
        watch(watched == Watch::Task ? task_ : watched == Watch::Result ? result_ : heartbeat_);
        task_.connect("tcp://127.0.0.1:" + std::to_string(ports.task_port));
        result_.connect("tcp://127.0.0.1:" + std::to_string(ports.result_port));
        heartbeat_.connect("tcp://127.0.0.1:" + std::to_string(ports.heartbeat_port));
    }

    using Parts = std::vector<std::string>;
    void send_task(const Parts& parts) { send(task_, parts); }
    void send_result(const Parts& parts) { send(result_, parts); }
    void send_heartbeat(const Parts& parts) { send(heartbeat_, parts); }
    void send_task(const protocol::WorkerMessage& message) { send_task(parts_of(message)); }
    void send_result(const protocol::WorkerMessage& message) { send_result(parts_of(message)); }
    void send_heartbeat(const protocol::WorkerMessage& message) {
        send_heartbeat(parts_of(message));
    }

    protocol::Welcome join() {
        protocol::Hello hello;
        static std::atomic<int> peers = 0;
        hello.worker = "abusive-peer-" + std::to_string(++peers);
        hello.name = hello.worker;
        send_task(protocol::WorkerMessage{hello});
        return await<protocol::Welcome>();
    }

    /// The next message of this type; others are passed over. A lease's inputs are not kept.
    template <typename Message>
    Message await() {
        for (;;) {
            zmq::message_t header, payload;
            if (!task_.recv(header) || !task_.recv(payload)) break;
            const auto parsed = protocol::decode_header(header.to_string_view());
            const auto* const bytes = payload.data<std::byte>();
            const Bytes kept{bytes, bytes + payload.size()};
            if (!parsed) break;
            auto message = protocol::decode_master_message(*parsed, kept);
            if (!message) break;
            if (auto* found = std::get_if<Message>(&*message)) return std::move(*found);
        }
        ADD_FAILURE() << "the master did not send what was awaited";
        return {};
    }

    /// The master's SUB socket has subscribed: from now on it hears heartbeats.
    void await_subscriber() {
        zmq::message_t subscription;
        EXPECT_TRUE(heartbeat_.recv(subscription));
    }

    /// The master has cut the connection of the watched socket.
    void await_disconnection() {
        zmq::message_t event, endpoint;
        EXPECT_TRUE(monitor_.recv(event) && monitor_.recv(endpoint)) << "it is connected still";
    }

    void close_after_sending() {
        task_.set(zmq::sockopt::linger, wait_milliseconds);
        task_.close();
    }

 private:
    static constexpr int wait_milliseconds = 20'000;

    static Parts parts_of(const protocol::WorkerMessage& message) {
        const auto wire = protocol::encode(message);
        return {wire.header, std::string{as_text(wire.payload)}};
    }
    void watch(zmq::socket_t& socket) {
        zmq_socket_monitor(socket.handle(), "inproc://abusive-peer", ZMQ_EVENT_DISCONNECTED);
        monitor_.connect("inproc://abusive-peer");
    }
    static void send(zmq::socket_t& socket, const Parts& parts) {
        for (std::size_t i = 0; i < parts.size(); ++i) {
            const bool is_last = i + 1 == parts.size();
            std::ignore = socket.send(zmq::buffer(parts[i]),
                                      is_last ? zmq::send_flags::none : zmq::send_flags::sndmore);
        }
    }

    zmq::context_t context_{1};
    zmq::socket_t task_{context_, zmq::socket_type::dealer};
    zmq::socket_t result_{context_, zmq::socket_type::push};
    zmq::socket_t heartbeat_{context_, zmq::socket_type::xpub};
    zmq::socket_t monitor_{context_, zmq::socket_type::pair};
};

/// A TCP connection that stays open as long as this does.
class RawConnection {
 public:
    explicit RawConnection(std::uint16_t port) : socket_{::socket(AF_INET, SOCK_STREAM, 0)} {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address),
                  0);
    }
    RawConnection(RawConnection&& other) noexcept : socket_{std::exchange(other.socket_, -1)} {}
    ~RawConnection() {
        if (socket_ >= 0) ::close(socket_);
    }
    /// As much as the peer takes.
    void send(const std::string& bytes) const {
        std::ignore = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    }

 private:
    int socket_;
};

}  // namespace netcompute::test_support
