#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/worker/link.hpp>

#include <zmq.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace netcompute::worker {

/// Where a master listens.
struct ZmqAddress {
    std::string host;
    std::uint16_t task_port = 0;
    std::uint16_t result_port = 0;
    std::uint16_t heartbeat_port = 0;
};

/// The link over ZeroMQ: DEALER for tasks, PUSH for results, PUB for heartbeats. All three are
/// made anew whenever the link opens, so nothing of a lost connection turns up in the next one.
/// One thread.
class ZmqLink final : public Link {
 public:
    ZmqLink(zmq::context_t& context, ZmqAddress address);
    ~ZmqLink() override;
    ZmqLink(const ZmqLink&) = delete;
    ZmqLink& operator=(const ZmqLink&) = delete;

    void open() override;
    void close(Closing closing) override;
    [[nodiscard]] bool send(Channel channel, const protocol::WireMessage& message) override;

    /// What to poll for; changes with every call of the others.
    void append_poll_items(std::vector<zmq::pollitem_t>& items);

    struct Received {
        std::string header;
        Bytes payload;
    };
    /// The next message of the master, if one is there.
    [[nodiscard]] std::optional<Received> receive();
    /// Whether opening or sending failed; what the monitor tells is not looked for.
    [[nodiscard]] bool has_failed() const { return failure_.has_value(); }
    /// Why the connection is no more, once.
    [[nodiscard]] std::optional<std::string> take_failure();
    /// Whether a send was refused and the link can take more now; once.
    [[nodiscard]] bool take_writable();

 private:
    struct Sockets {
        explicit Sockets(zmq::context_t& context);
        zmq::socket_t task;
        zmq::socket_t result;
        zmq::socket_t heartbeat;
        zmq::socket_t monitor;  ///< Tells what becomes of the task socket's connection.
    };

    zmq::context_t& context_;
    ZmqAddress address_;
    std::optional<Sockets> sockets_;
    std::optional<std::string> failure_;
    std::uint64_t opened_ = 0;  ///< Names each monitor differently.
    bool result_is_full_ = false;
};

}  // namespace netcompute::worker
