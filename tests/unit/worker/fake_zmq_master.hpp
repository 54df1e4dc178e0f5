#pragma once

#include <netcompute/protocol/frame.hpp>
#include <netcompute/protocol/messages.hpp>

#include <gtest/gtest.h>
#include <native-worker/zmq_link.hpp>
#include <zmq.hpp>

#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

namespace netcompute::worker {

/// The master's three sockets on loopback, for a test to speak through. Calls that wait fail the
/// test after a while instead of hanging.
class FakeZmqMaster {
 public:
    /// On free ports, or on those of a master that was there before.
    explicit FakeZmqMaster(const ZmqAddress& former = {"127.0.0.1", 0, 0, 0}) {
        sub_.set(zmq::sockopt::subscribe, "");
        address_ = {"127.0.0.1", bind(router_, former.task_port), bind(pull_, former.result_port),
                    bind(sub_, former.heartbeat_port)};
    }

    [[nodiscard]] const ZmqAddress& address() const { return address_; }

    /// The next message on the task socket; remembers who sent it.
    template <typename Message>
    Message await_task_message() {
        zmq::message_t id;
        EXPECT_TRUE(router_.recv(id)) << "nothing came to the task port";
        peer_ = id.to_string();
        return await_on<Message>(router_);
    }
    protocol::Results await_results() { return await_on<protocol::Results>(pull_); }
    protocol::Heartbeat await_heartbeat() { return await_on<protocol::Heartbeat>(sub_); }

    void send(const protocol::MasterMessage& message) {
        const auto wire = protocol::encode(message);
        send_parts({wire.header, std::string{as_text(wire.payload)}});
    }
    /// Any message parts, to the peer that sent last.
    void send_parts(const std::vector<std::string>& parts) {
        router_.send(zmq::buffer(peer_), zmq::send_flags::sndmore);
        for (std::size_t i = 0; i < parts.size(); ++i) {
            const bool is_last = i + 1 == parts.size();
            router_.send(zmq::buffer(parts[i]),
                         is_last ? zmq::send_flags::none : zmq::send_flags::sndmore);
        }
    }
    /// Its end waits until the peer has what was said last.
    void close_when_sent() { router_.set(zmq::sockopt::linger, 20'000); }
    void welcome(std::string session = "key-1", double heartbeat_seconds = 0.05) {
        send(protocol::Welcome{std::move(session), "worker-1", heartbeat_seconds, 10, "0.1.0"});
    }

 private:
    std::uint16_t bind(zmq::socket_t& socket, std::uint16_t port) {
        socket.set(zmq::sockopt::linger, 0);
        socket.set(zmq::sockopt::rcvtimeo, 20'000);
        socket.bind("tcp://127.0.0.1:" + (port == 0 ? "*" : std::to_string(port)));
        const std::string endpoint = socket.get(zmq::sockopt::last_endpoint);
        return static_cast<std::uint16_t>(std::stoul(endpoint.substr(endpoint.rfind(':') + 1)));
    }

    template <typename Message>
    Message await_on(zmq::socket_t& socket) {
        auto message = await_any(socket);
        // On the way for results it is shown whose it is, before there are any.
        if (std::is_same_v<Message, protocol::Results> && message &&
            std::holds_alternative<protocol::Heartbeat>(*message)) {
            message = await_any(socket);
        }
        if (!message || !std::holds_alternative<Message>(*message)) {
            ADD_FAILURE() << "another message came";
            return {};
        }
        return std::get<Message>(std::move(*message));
    }

    std::optional<protocol::WorkerMessage> await_any(zmq::socket_t& socket) {
        zmq::message_t header;
        zmq::message_t payload;
        if (!socket.recv(header) || !header.more() || !socket.recv(payload)) {
            ADD_FAILURE() << "no message of two parts came";
            return std::nullopt;
        }
        last_payload_.assign(payload.data<std::byte>(), payload.data<std::byte>() + payload.size());
        const auto json = protocol::decode_header(header.to_string_view());
        if (!json) {
            ADD_FAILURE() << json.error().message;
            return std::nullopt;
        }
        auto message = protocol::decode_worker_message(*json, last_payload_);
        if (!message) {
            ADD_FAILURE() << message.error().message;
            return std::nullopt;
        }
        return std::move(*message);
    }

    zmq::context_t context_{1};
    zmq::socket_t router_{context_, zmq::socket_type::router};
    zmq::socket_t pull_{context_, zmq::socket_type::pull};
    zmq::socket_t sub_{context_, zmq::socket_type::sub};
    ZmqAddress address_;
    std::string peer_;
    Bytes last_payload_;  ///< What the outcomes of the last message point into.
};

}  // namespace netcompute::worker
