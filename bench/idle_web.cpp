#include "idle_peers.hpp"
#include <netcompute/protocol/messages.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <atomic>
#include <chrono>
#include <cstring>
#include <deque>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace netcompute::bench {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;

/// A WebSocket to the master that hands on every message.
class Socket {
 public:
    Socket(asio::io_context& io, std::uint16_t port, const std::string& path) : stream_{io} {
        stream_.next_layer().connect(tcp::endpoint{asio::ip::address_v4::loopback(), port});
        stream_.next_layer().set_option(tcp::no_delay{true});
        stream_.read_message_max(0);
        stream_.handshake("127.0.0.1:" + std::to_string(port), path);
        stream_.binary(true);
    }

    template <typename Hear>
    void read(Hear hear) {
        stream_.async_read(buffer_, [this, hear](const beast::error_code& error, std::size_t) {
            if (error) throw std::runtime_error("a WebSocket was lost: " + error.message());
            const auto data = buffer_.cdata();
            hear(std::string_view{static_cast<const char*>(data.data()), data.size()});
            buffer_.consume(buffer_.size());
            read(hear);
        });
    }

    /// Blocks; what a worker says while idle always fits into the socket's buffer.
    void send(const protocol::WorkerMessage& message) {
        const protocol::WireMessage wire = protocol::encode(message);
        Bytes frame;
        ByteWriter writer{frame};
        writer.number(static_cast<std::uint32_t>(wire.header.size()));
        writer.bytes(as_byte_span(wire.header));
        writer.bytes(wire.payload);
        stream_.write(asio::buffer(frame.data(), frame.size()));
    }

 private:
    beast::websocket::stream<tcp::socket> stream_;
    beast::flat_buffer buffer_;
};

class BrowserPeer {
 public:
    BrowserPeer(asio::io_context& io, std::uint32_t number, std::uint16_t port, IdleCounts& counts)
        : socket_{io, port, "/ws/worker"}, counts_{counts} {
        socket_.read([this](std::string_view frame) { hear(frame); });
        socket_.send(protocol::Hello{.worker = "idle-browser-" + std::to_string(number),
                                     .token = "",
                                     .kind = protocol::WorkerKind::Browser,
                                     .name = "idle tab " + std::to_string(number),
                                     .version = "bench",
                                     .slots = 4,
                                     .resume = ""});
    }

    void beat() {
        if (session_.empty()) return;
        constexpr std::uint64_t memory_bytes = 50'000'000;
        beats_ += 1;
        socket_.send(protocol::Heartbeat{.session = session_,
                                         .leases = {},
                                         .slots = 4,
                                         .paused = false,
                                         .cpu = 0.001 * (beats_ % 100),
                                         .memory_bytes = memory_bytes,
                                         .current = ""});
    }

 private:
    void hear(std::string_view frame) {
        std::uint32_t header_size = 0;
        std::memcpy(&header_size, frame.data(), std::min(sizeof header_size, frame.size()));
        const std::string_view rest = frame.substr(std::min(sizeof header_size, frame.size()));
        const auto header = protocol::decode_header(rest.substr(0, header_size));
        const auto message = header ? protocol::decode_master_message(*header, {})
                                    : Result<protocol::MasterMessage>{unexpected(header.error())};
        if (message && std::holds_alternative<protocol::Ack>(*message)) {
            ++std::atomic_ref{counts_.acks};
        } else if (message && session_.empty() &&
                   std::holds_alternative<protocol::Welcome>(*message)) {
            session_ = std::get<protocol::Welcome>(*message).session;
            ++std::atomic_ref{counts_.joined};
        } else {
            ++std::atomic_ref{counts_.disturbances};
        }
    }

    Socket socket_;
    IdleCounts& counts_;
    std::string session_;
    int beats_ = 0;
};

/// Sends the peers' heartbeats one after the other, each every two seconds.
class Beats {
 public:
    Beats(asio::io_context& io, std::deque<BrowserPeer>& peers)
        : timer_{io, Clock::now()},
          peers_{peers},
          between_{std::chrono::nanoseconds{std::chrono::seconds{2}} / peers.size()} {
        next();
    }

 private:
    void next() {
        timer_.expires_at(timer_.expiry() + between_);
        timer_.async_wait([this](const beast::error_code&) {
            peers_[turn_++ % peers_.size()].beat();
            next();
        });
    }

    asio::steady_timer timer_;
    std::deque<BrowserPeer>& peers_;
    std::chrono::nanoseconds between_;
    std::size_t turn_ = 0;
};

}  // namespace

void play_browser_workers(std::uint32_t count, const Config& endpoints, IdleCounts& counts) {
    asio::io_context io;
    std::deque<BrowserPeer> peers;
    for (std::uint32_t number = 0; number < count; ++number) {
        peers.emplace_back(io, number, endpoints.dashboard.port, counts);
    }
    const Beats beats{io, peers};
    io.run();
}

void play_dashboards(std::uint32_t count, const Config& endpoints, IdleCounts& counts) {
    asio::io_context io;
    std::deque<Socket> sockets;
    for (std::uint32_t number = 0; number < count; ++number) {
        sockets.emplace_back(io, endpoints.dashboard.port, "/ws/dashboard")
            .read([&counts](std::string_view message) {
                const bool is_snapshot = message.find("\"snapshot\"") != std::string_view::npos;
                if (is_snapshot)
                    ++std::atomic_ref{counts.joined};
                else
                    ++std::atomic_ref{counts.acks};
            });
    }
    io.run();
}

}  // namespace netcompute::bench
