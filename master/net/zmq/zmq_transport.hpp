#pragma once

#include "net/session.hpp"

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <memory>
#include <string>

namespace netcompute::net {

struct ZmqEndpoints {
    std::string host;  ///< An address of this PC, or "0.0.0.0" for all of them.
    std::uint16_t task_port = 0;
    std::uint16_t result_port = 0;
    std::uint16_t heartbeat_port = 0;
};

/// The native workers' transport: ROUTER for tasks, PULL for results, SUB for heartbeats, all
/// driven from one io_context. A session is one DEALER connection on the task port.
class ZmqTransport {
 public:
    /// Binds all three ports (0 takes a free one). Throws std::runtime_error naming the port and,
    /// if it can be found, the process that holds it.
    ZmqTransport(boost::asio::io_context& context, const ZmqEndpoints& endpoints,
                 SessionListener& listener);
    ZmqTransport(const ZmqTransport&) = delete;
    ZmqTransport& operator=(const ZmqTransport&) = delete;
    ~ZmqTransport();

    /// The real ports.
    [[nodiscard]] const ZmqEndpoints& endpoints() const;

    /// Sends what is queued (goodbyes, mostly) for at most `milliseconds`, and closes.
    void close(int milliseconds);

 private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace netcompute::net
