#include "zmq_link.hpp"

#include "master_address.hpp"
#include <netcompute/protocol/frame.hpp>

#include <cstring>
#include <utility>

namespace netcompute::worker {
namespace {

/// Frames that a socket holds unsent, or unread. Results may be 16 MiB each.
constexpr int result_frames_max = 256;
constexpr int task_frames_max = 1000;
constexpr int heartbeats_max = 4;  ///< Old ones are of no use.
constexpr int send_first_milliseconds = 1000;
/// Never in the life of a link, but positive: told not to reconnect, libzmq ends the pipe of a lost
/// connection with all that was not read from it, the master's goodbye among that.
constexpr int never_milliseconds = 7 * 24 * 3600 * 1000;
constexpr std::int64_t message_bytes_max =
    std::int64_t{protocol::frame_bytes_max + protocol::header_bytes_max};

/// What ends a connection, or an attempt at one.
constexpr int failure_events = ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CLOSED |
                               ZMQ_EVENT_CONNECT_RETRIED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                               ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                               ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;

std::string failure_text(unsigned event) {
    switch (event) {
        case ZMQ_EVENT_DISCONNECTED:
            return "the connection was closed";
        case ZMQ_EVENT_CLOSED:
        case ZMQ_EVENT_CONNECT_RETRIED:
            return "nobody takes the connection";
        default:
            return "what answers there does not speak ZeroMQ";
    }
}

bool send_parts(zmq::socket_t& socket, const protocol::WireMessage& message) {
    const auto more = zmq::send_flags::sndmore | zmq::send_flags::dontwait;
    // There is room for a whole message or for none: only the first part can be refused.
    if (!socket.send(zmq::buffer(message.header), more)) return false;
    const auto last = zmq::send_flags::dontwait;
    return socket.send(zmq::buffer(message.payload.data(), message.payload.size()), last)
        .has_value();
}

std::string endpoint_of(const std::string& host, std::uint16_t port) {
    return "tcp://" + host_and_port(host, port);
}

}  // namespace

ZmqLink::Sockets::Sockets(zmq::context_t& context)
    : task{context, zmq::socket_type::dealer},
      result{context, zmq::socket_type::push},
      heartbeat{context, zmq::socket_type::pub},
      monitor{context, zmq::socket_type::pair} {
    for (zmq::socket_t* socket : {&task, &result, &heartbeat, &monitor}) {
        socket->set(zmq::sockopt::linger, 0);
        socket->set(zmq::sockopt::ipv6, true);  // And IPv4 all the same.
    }
    task.set(zmq::sockopt::maxmsgsize, message_bytes_max);
    task.set(zmq::sockopt::sndhwm, task_frames_max);
    task.set(zmq::sockopt::rcvhwm, task_frames_max);
    // When to try again is the agent's decision.
    task.set(zmq::sockopt::reconnect_ivl, never_milliseconds);
    result.set(zmq::sockopt::sndhwm, result_frames_max);
    heartbeat.set(zmq::sockopt::sndhwm, heartbeats_max);
}

ZmqLink::ZmqLink(zmq::context_t& context, ZmqAddress address)
    : context_{context}, address_{std::move(address)} {}

ZmqLink::~ZmqLink() {
    close(Closing::DropUnsent);
}

void ZmqLink::open() {
    close(Closing::DropUnsent);
    sockets_.emplace(context_);
    const std::string monitor_name = "inproc://task-monitor-" + std::to_string(++opened_);
    try {
        if (zmq_socket_monitor(sockets_->task.handle(), monitor_name.c_str(), failure_events) !=
            0) {
            throw zmq::error_t{};
        }
        sockets_->monitor.connect(monitor_name);
        sockets_->task.connect(endpoint_of(address_.host, address_.task_port));
        sockets_->result.connect(endpoint_of(address_.host, address_.result_port));
        sockets_->heartbeat.connect(endpoint_of(address_.host, address_.heartbeat_port));
    } catch (const zmq::error_t& error) {
        failure_ = address_.host + ": " + error.what();
    }
}

void ZmqLink::close(Closing closing) {
    failure_.reset();
    result_is_full_ = false;
    if (!sockets_) return;
    zmq_socket_monitor(sockets_->task.handle(), nullptr, 0);
    if (closing == Closing::SendFirst) {
        sockets_->task.set(zmq::sockopt::linger, send_first_milliseconds);
        sockets_->result.set(zmq::sockopt::linger, send_first_milliseconds);
    }
    sockets_.reset();
}

bool ZmqLink::send(Channel channel, const protocol::WireMessage& message) {
    if (!sockets_) return false;
    try {
        switch (channel) {
            case Channel::Task:
                return send_parts(sockets_->task, message);
            case Channel::Heartbeat:
                send_parts(sockets_->heartbeat, message);
                return true;
            case Channel::Result:
                result_is_full_ = !send_parts(sockets_->result, message);
                return !result_is_full_;
        }
    } catch (const zmq::error_t& error) {
        failure_ = error.what();
    }
    return false;
}

void ZmqLink::append_poll_items(std::vector<zmq::pollitem_t>& items) {
    if (!sockets_) return;
    items.push_back({sockets_->task.handle(), 0, ZMQ_POLLIN, 0});
    items.push_back({sockets_->monitor.handle(), 0, ZMQ_POLLIN, 0});
    if (result_is_full_) items.push_back({sockets_->result.handle(), 0, ZMQ_POLLOUT, 0});
}

std::optional<ZmqLink::Received> ZmqLink::receive() {
    if (!sockets_) return std::nullopt;
    try {
        std::vector<zmq::message_t> parts;
        do {
            zmq::message_t part;
            if (!sockets_->task.recv(part, zmq::recv_flags::dontwait)) return std::nullopt;
            parts.push_back(std::move(part));
        } while (parts.back().more());
        Received received;
        // Whatever has another number of parts has an empty header, which no decoder takes.
        if (parts.size() == 2) {
            received.header = parts[0].to_string();
            const auto* const bytes = parts[1].data<std::byte>();
            received.payload.assign(bytes, bytes + parts[1].size());
        }
        return received;
    } catch (const zmq::error_t& error) {
        failure_ = error.what();
        return std::nullopt;
    }
}

std::optional<std::string> ZmqLink::take_failure() {
    zmq::message_t event;
    zmq::message_t endpoint;
    const auto dont_wait = zmq::recv_flags::dontwait;
    while (sockets_ && !failure_ && sockets_->monitor.recv(event, dont_wait)) {
        std::ignore = sockets_->monitor.recv(endpoint, dont_wait);
        std::uint16_t number = 0;
        if (event.size() >= sizeof number) std::memcpy(&number, event.data(), sizeof number);
        if ((number & failure_events) != 0) failure_ = failure_text(number);
    }
    return std::exchange(failure_, std::nullopt);
}

bool ZmqLink::take_writable() {
    if (!sockets_ || !result_is_full_) return false;
    const bool can_take = (sockets_->result.get(zmq::sockopt::events) & ZMQ_POLLOUT) != 0;
    if (can_take) result_is_full_ = false;
    return can_take;
}

}  // namespace netcompute::worker
