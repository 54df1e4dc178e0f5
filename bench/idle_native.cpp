#include "idle_peers.hpp"
#include <netcompute/protocol/messages.hpp>

#include <zmq.hpp>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace netcompute::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int sockets_per_context = 900;  ///< Of libzmq's default limit of 1023.
constexpr int sockets_per_worker = 3;

void send(zmq::socket_t& socket, const protocol::WorkerMessage& message) {
    const protocol::WireMessage wire = protocol::encode(message);
    socket.send(zmq::buffer(wire.header), zmq::send_flags::sndmore);
    socket.send(zmq::buffer(wire.payload.data(), wire.payload.size()), zmq::send_flags::none);
}

/// One worker's three sockets.
class NativePeer {
 public:
    NativePeer(zmq::context_t& context, std::uint32_t number, const MasterConfig& master)
        : task_{context, zmq::socket_type::dealer},
          result_{context, zmq::socket_type::push},
          heartbeat_{context, zmq::socket_type::pub} {
        const auto connect = [&](zmq::socket_t& socket, std::uint16_t port) {
            socket.set(zmq::sockopt::linger, 0);
            socket.connect("tcp://" + master.ip + ":" + std::to_string(port));
        };
        connect(task_, master.task_port);
        connect(result_, master.result_port);
        connect(heartbeat_, master.heartbeat_port);
        send(task_, protocol::Hello{.worker = "idle-native-" + std::to_string(number),
                                    .token = "",
                                    .name = "idle " + std::to_string(number),
                                    .version = "bench",
                                    .slots = 4,
                                    .resume = ""});
    }

    /// Reads what has arrived, then sends a heartbeat.
    void beat(IdleCounts& counts) {
        zmq::message_t header;
        zmq::message_t payload;
        while (task_.recv(header, zmq::recv_flags::dontwait)) {
            std::ignore = task_.recv(payload, zmq::recv_flags::none);
            hear(header.to_string_view(), counts);
        }
        if (session_.empty()) return;
        if (beats_ == 0) beat_on(result_);  // As workers do: the first message names the session.
        beats_ += 1;
        beat_on(heartbeat_);
    }

 private:
    void beat_on(zmq::socket_t& socket) {
        constexpr std::uint64_t memory_bytes = 50'000'000;
        send(socket, protocol::Heartbeat{.session = session_,
                                         .leases = {},
                                         .slots = 4,
                                         .paused = false,
                                         .cpu = 0.001 * (beats_ % 100),
                                         .memory_bytes = memory_bytes,
                                         .current = ""});
    }

    void hear(std::string_view text, IdleCounts& counts) {
        const auto header = protocol::decode_header(text);
        const auto message = header ? protocol::decode_master_message(*header, {})
                                    : Result<protocol::MasterMessage>{unexpected(header.error())};
        if (message && std::holds_alternative<protocol::Ack>(*message)) {
            ++std::atomic_ref{counts.acks};
        } else if (message && session_.empty() &&
                   std::holds_alternative<protocol::Welcome>(*message)) {
            session_ = std::get<protocol::Welcome>(*message).session;
            ++std::atomic_ref{counts.joined};
        } else {
            ++std::atomic_ref{counts.disturbances};
        }
    }

    zmq::socket_t task_;
    zmq::socket_t result_;
    zmq::socket_t heartbeat_;
    std::string session_;
    int beats_ = 0;
};

}  // namespace

void play_native_workers(std::uint32_t count, const Config& endpoints, IdleCounts& counts) {
    std::vector<zmq::context_t> contexts;
    std::vector<NativePeer> peers;
    peers.reserve(count);
    const auto between = std::chrono::nanoseconds{std::chrono::seconds{2}} / count;
    auto at = Clock::now();
    for (std::uint32_t number = 0; number < count; ++number) {
        if (number % (sockets_per_context / sockets_per_worker) == 0) contexts.emplace_back(1);
        peers.emplace_back(contexts.back(), number, endpoints.master);
    }
    for (;;) {
        for (NativePeer& peer : peers) {
            std::this_thread::sleep_until(at += between);
            peer.beat(counts);
        }
    }
}

}  // namespace netcompute::bench
