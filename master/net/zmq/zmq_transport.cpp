#include "net/zmq/zmq_transport.hpp"

#include "net/peer_owner.hpp"
#include "net/port_owner.hpp"
#include <netcompute/logging.hpp>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <zmq.hpp>

#include <array>
#include <cstring>
#include <functional>
#include <optional>
#include <stdexcept>
#include <unordered_map>
#include <vector>

namespace netcompute::net {
namespace asio = boost::asio;
namespace {

constexpr int queued_messages_max = 2000;  ///< To one peer; then its session closes.
constexpr int drained_messages_max = 500;  ///< In one go, so that HTTP has its turn.
constexpr std::int64_t message_bytes_max = std::int64_t{protocol::frame_bytes_max};

/// Waits for one socket's edge-triggered descriptor and calls `drain` after each edge, which must
/// then read the socket dry. Never owns the descriptor: libzmq does.
class ReadyWaiter {
 public:
    ReadyWaiter(asio::io_context& context, zmq::socket_t& socket, std::function<void()> drain)
        : descriptor_{context, socket.get(zmq::sockopt::fd)}, drain_{std::move(drain)} {
        wait();
    }
    ReadyWaiter(const ReadyWaiter&) = delete;
    ReadyWaiter& operator=(const ReadyWaiter&) = delete;
    ~ReadyWaiter() {
        descriptor_.cancel();
        descriptor_.release();
    }

 private:
    void wait() {
        descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                               [this](const boost::system::error_code& error) {
                                   if (error) return;  // Cancelled: this is gone.
                                   wait();
                                   drain_();
                               });
    }

    asio::posix::stream_descriptor descriptor_;
    std::function<void()> drain_;
};

void require_bound(zmq::socket_t& socket, const std::string& host, std::uint16_t& port,
                   std::string_view key) {
    try {
        socket.bind("tcp://" + host + ":" + (port == 0 ? "*" : std::to_string(port)));
    } catch (const zmq::error_t& error) {
        const bool taken = error.num() == EADDRINUSE;
        throw std::runtime_error("cannot listen on " + host + ":" + std::to_string(port) +
                                 " (master." + std::string{key} + "): " + error.what() +
                                 (taken ? describe_port_owner(port) : "") +
                                 "; choose another port or address in config.json");
    }
    const std::string endpoint = socket.get(zmq::sockopt::last_endpoint);
    port = static_cast<std::uint16_t>(std::stoul(endpoint.substr(endpoint.rfind(':') + 1)));
}

}  // namespace

class ZmqTransport::Impl {
 public:
    Impl(asio::io_context& context, const ZmqEndpoints& endpoints, SessionListener& listener);
    ~Impl() { close(0); }

    void close(int milliseconds);
    [[nodiscard]] const ZmqEndpoints& endpoints() const { return endpoints_; }

 private:
    class RouterSession;
    using Parts = std::vector<zmq::message_t>;

    enum class Source { Monitor, Router, Pull, Sub };

    void wait_for(Source source, zmq::socket_t& socket);
    void drain_soon(Source source);
    void drain(Source source);
    void drain_monitor();
    void forget_disconnected();
    void drain_router(int& budget);
    void drain_anonymous(zmq::socket_t& socket, int& budget);
    [[nodiscard]] static bool receive(zmq::socket_t& socket, Parts& parts);
    void deliver(const SessionPtr& from, Parts& parts, std::size_t first);
    std::shared_ptr<RouterSession> session_of(zmq::message_t& routing_id, int descriptor);
    void send(RouterSession& session, protocol::WireMessage message);
    void forget(const std::string& routing_id);

    asio::io_context& context_;
    ZmqEndpoints endpoints_;
    SessionListener& listener_;
    zmq::context_t zmq_{1};
    zmq::socket_t router_{zmq_, zmq::socket_type::router};
    zmq::socket_t pull_{zmq_, zmq::socket_type::pull};
    zmq::socket_t sub_{zmq_, zmq::socket_type::sub};
    zmq::socket_t monitor_{zmq_, zmq::socket_type::pair};
    std::unordered_map<std::string, std::shared_ptr<RouterSession>> sessions_;
    std::unordered_map<int, std::string> routing_ids_by_descriptor_;
    std::vector<std::string> disconnected_;  ///< Routing ids, until all they said has been read.
    std::vector<std::unique_ptr<ReadyWaiter>> waiters_;
    std::array<bool, 4> drain_is_due_{};  ///< By Source.
    bool closed_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

class ZmqTransport::Impl::RouterSession final : public Session {
 public:
    RouterSession(Impl& transport, std::string routing_id, std::string address, int descriptor)
        : transport_{&transport},
          routing_id_{std::move(routing_id)},
          address_{std::move(address)},
          descriptor_{descriptor} {}

    void send(protocol::WireMessage message) override {
        if (transport_ != nullptr) transport_->send(*this, std::move(message));
    }
    void close() override {
        if (transport_ != nullptr) transport_->forget(routing_id_);
    }
    [[nodiscard]] const std::string& peer_address() const override { return address_; }
    [[nodiscard]] bool is_this_user() const override { return peer_is_this_user(descriptor_); }

    [[nodiscard]] const std::string& routing_id() const { return routing_id_; }
    [[nodiscard]] int descriptor() const { return descriptor_; }
    void detach() { transport_ = nullptr; }

 private:
    Impl* transport_;  ///< Null once the session has ended.
    std::string routing_id_;
    std::string address_;
    int descriptor_;
};

ZmqTransport::Impl::Impl(asio::io_context& context, const ZmqEndpoints& endpoints,
                         SessionListener& listener)
    : context_{context}, endpoints_{endpoints}, listener_{listener} {
    for (zmq::socket_t* socket : {&router_, &pull_, &sub_}) {
        socket->set(zmq::sockopt::maxmsgsize, message_bytes_max);
        socket->set(zmq::sockopt::rcvhwm, queued_messages_max);
        socket->set(zmq::sockopt::linger, 0);
        socket->set(zmq::sockopt::backlog, 1024);
    }
    router_.set(zmq::sockopt::sndhwm, queued_messages_max);
    router_.set(zmq::sockopt::router_mandatory, true);
    sub_.set(zmq::sockopt::subscribe, "");
    // The monitor tells of disconnections, which the ROUTER itself never does.
    const char* const monitor_address = "inproc://router-monitor";
    if (zmq_socket_monitor(router_.handle(), monitor_address, ZMQ_EVENT_DISCONNECTED) != 0) {
        throw std::runtime_error("cannot watch the task port's connections");
    }
    monitor_.connect(monitor_address);
    require_bound(router_, endpoints_.host, endpoints_.task_port, "task_port");
    require_bound(pull_, endpoints_.host, endpoints_.result_port, "result_port");
    require_bound(sub_, endpoints_.host, endpoints_.heartbeat_port, "heartbeat_port");
    wait_for(Source::Monitor, monitor_);
    wait_for(Source::Router, router_);
    wait_for(Source::Pull, pull_);
    wait_for(Source::Sub, sub_);
}

void ZmqTransport::Impl::wait_for(Source source, zmq::socket_t& socket) {
    waiters_.push_back(
        std::make_unique<ReadyWaiter>(context_, socket, [this, source] { drain(source); }));
}

void ZmqTransport::Impl::close(int milliseconds) {
    if (std::exchange(closed_, true)) return;
    *alive_ = false;
    waiters_.clear();
    for (auto& [id, session] : sessions_) session->detach();
    sessions_.clear();
    router_.set(zmq::sockopt::linger, milliseconds);
    zmq_socket_monitor(router_.handle(), nullptr, 0);
    monitor_.close();
    router_.close();
    pull_.close();
    sub_.close();
}

void ZmqTransport::Impl::drain_soon(Source source) {
    if (std::exchange(drain_is_due_[static_cast<std::size_t>(source)], true)) return;
    asio::post(context_, [this, source, alive = alive_] {
        if (!*alive) return;
        drain_is_due_[static_cast<std::size_t>(source)] = false;
        drain(source);
    });
}

void ZmqTransport::Impl::drain(Source source) {
    int budget = drained_messages_max;
    switch (source) {
        case Source::Monitor:
            drain_monitor();
            [[fallthrough]];
        case Source::Router:
            drain_router(budget);
            if (budget > 0) forget_disconnected();
            break;
        case Source::Pull:
            drain_anonymous(pull_, budget);
            break;
        case Source::Sub:
            drain_anonymous(sub_, budget);
            break;
    }
    if (budget <= 0) drain_soon(source);
}

bool ZmqTransport::Impl::receive(zmq::socket_t& socket, Parts& parts) {
    parts.clear();
    do {
        zmq::message_t part;
        if (!socket.recv(part, zmq::recv_flags::dontwait)) return false;
        parts.push_back(std::move(part));
    } while (parts.back().more());
    return true;
}

void ZmqTransport::Impl::drain_monitor() {
    Parts parts;
    while (receive(monitor_, parts)) {
        if (parts.empty() || parts[0].size() < 6) continue;
        std::uint32_t descriptor = 0;
        std::memcpy(&descriptor, parts[0].data<std::byte>() + 2, sizeof descriptor);
        const auto found = routing_ids_by_descriptor_.find(static_cast<int>(descriptor));
        if (found == routing_ids_by_descriptor_.end()) continue;
        disconnected_.push_back(std::move(found->second));
        routing_ids_by_descriptor_.erase(found);
    }
}

/// What a peer said before it went, its leave perhaps, lies in the ROUTER's queue when the monitor
/// or a send tells that it went. So its session ends when that queue has been read dry since.
void ZmqTransport::Impl::forget_disconnected() {
    for (const std::string& routing_id : std::exchange(disconnected_, {})) forget(routing_id);
}

void ZmqTransport::Impl::drain_router(int& budget) {
    Parts parts;
    while (budget > 0 && receive(router_, parts)) {
        --budget;
        if (parts.size() < 2) continue;
        const int descriptor = zmq_msg_get(parts[1].handle(), ZMQ_SRCFD);
        const char* const address = zmq_msg_gets(parts[1].handle(), "Peer-Address");
        std::string routing_id = parts[0].to_string();
        auto& session = sessions_[routing_id];
        if (session == nullptr) {
            // Whoever had this descriptor before is told of before it is given to another.
            drain_monitor();
            session = std::make_shared<RouterSession>(
                *this, routing_id, address == nullptr ? "unknown" : address, descriptor);
            routing_ids_by_descriptor_[descriptor] = routing_id;
        }
        deliver(SessionPtr{session}, parts, 1);
    }
}

void ZmqTransport::Impl::drain_anonymous(zmq::socket_t& socket, int& budget) {
    Parts parts;
    while (budget > 0 && receive(socket, parts)) {
        --budget;
        deliver(nullptr, parts, 0);
    }
}

void ZmqTransport::Impl::deliver(const SessionPtr& from, Parts& parts, std::size_t first) {
    if (parts.size() - first != 2) {
        listener_.on_malformed(from,
                               {ErrorCode::ProtocolViolation,
                                "a frame is two message parts, header and payload; this one has " +
                                    std::to_string(parts.size() - first)});
        if (from != nullptr) from->close();
        return;
    }
    const auto* const payload = parts[first + 1].data<std::byte>();
    listener_.on_frame(from, parts[first].to_string_view(),
                       std::make_shared<const Bytes>(payload, payload + parts[first + 1].size()));
}

void ZmqTransport::Impl::send(RouterSession& session, protocol::WireMessage message) {
    const auto more = zmq::send_flags::sndmore | zmq::send_flags::dontwait;
    const auto last = zmq::send_flags::dontwait;
    try {
        // Whether there is room is settled with the first part; the others then go through.
        const bool has_room = router_.send(zmq::buffer(session.routing_id()), more).has_value();
        if (has_room) {
            std::ignore = router_.send(zmq::buffer(message.header), more);
            std::ignore =
                router_.send(zmq::buffer(message.payload.data(), message.payload.size()), last);
        } else {
            log_within_budget(
                "worker that does not read", session.peer_address(), spdlog::level::warn,
                "native worker at {} does not read what it is sent", session.peer_address());
            forget(std::string{session.routing_id()});
        }
    } catch (const zmq::error_t&) {  // EHOSTUNREACH: the peer is gone, its last words may be here.
        disconnected_.push_back(session.routing_id());
    }
    // Sending may take the news of an arrival off the edge-triggered descriptor: look for it.
    drain_soon(Source::Router);
}

void ZmqTransport::Impl::forget(const std::string& routing_id) {
    const auto found = sessions_.find(routing_id);
    if (found == sessions_.end()) return;
    const std::shared_ptr<RouterSession> session = found->second;
    sessions_.erase(found);
    session->detach();
    const auto descriptor = routing_ids_by_descriptor_.find(session->descriptor());
    if (descriptor != routing_ids_by_descriptor_.end() && descriptor->second == routing_id) {
        routing_ids_by_descriptor_.erase(descriptor);
    }
    asio::post(context_, [this, alive = alive_, session] {
        if (*alive) listener_.on_close(session);
    });
}

ZmqTransport::ZmqTransport(asio::io_context& context, const ZmqEndpoints& endpoints,
                           SessionListener& listener)
    : impl_{std::make_unique<Impl>(context, endpoints, listener)} {}
ZmqTransport::~ZmqTransport() = default;
const ZmqEndpoints& ZmqTransport::endpoints() const {
    return impl_->endpoints();
}
void ZmqTransport::close(int milliseconds) {
    impl_->close(milliseconds);
}

}  // namespace netcompute::net
