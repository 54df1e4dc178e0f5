#pragma once

#include "net/connection_budget.hpp"
#include "net/session.hpp"
#include "net/zmtp/times.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace netcompute::net {

struct ZmtpEndpoints {
    std::string host;  ///< As listen_on() takes it.
    std::uint16_t task_port = 0;
    std::uint16_t result_port = 0;
    std::uint16_t heartbeat_port = 0;
};

/// The native workers' transport: three ports that speak ZeroMQ's protocol, as ROUTER for tasks,
/// PULL for results and SUB for heartbeats, on one io_context. A session is one connection to the
/// task port. What comes on the other ports is told of with `from` null, and only where its header
/// names the session key that a live session was admitted with.
class ZmtpTransport {
 public:
    /// Listens on all three ports (0 takes a free one). Throws as listen_on() does.
    ZmtpTransport(boost::asio::io_context& context, const ZmtpEndpoints& endpoints,
                  ConnectionBudget& budget, SessionListener& listener, ZmtpTimes times = {});
    ZmtpTransport(const ZmtpTransport&) = delete;
    ZmtpTransport& operator=(const ZmtpTransport&) = delete;
    ~ZmtpTransport();

    /// The real ports.
    [[nodiscard]] const ZmtpEndpoints& endpoints() const;

    /// Sends what is queued (goodbyes, mostly) for at most `time`, and closes.
    void close(std::chrono::milliseconds time);

 private:
    class Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace netcompute::net
