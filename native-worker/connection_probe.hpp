#pragma once

#include "wakeup.hpp"

#include <boost/system/error_code.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace netcompute::worker {

/// A message to the user: why this PC cannot reach a port, and the next step.
[[nodiscard]] std::string why_unreachable(std::string_view host, std::uint16_t port,
                                          const boost::system::error_code& error);

/// Finds out why a connection to a master fails, which ZeroMQ does not report: resolves
/// the name, connects, and looks at the first byte that comes back. On a thread of its own.
class ConnectionProbe {
 public:
    /// A timeout for the connection, and again for the first byte.
    explicit ConnectionProbe(std::chrono::milliseconds patience = std::chrono::seconds{3});
    ~ConnectionProbe();
    ConnectionProbe(const ConnectionProbe&) = delete;
    ConnectionProbe& operator=(const ConnectionProbe&) = delete;

    /// One at a time; while one is under way, another is not begun.
    void start(std::string host, std::uint16_t port);
    /// The reason, once; empty if a master answers there.
    [[nodiscard]] std::optional<std::string> take();
    /// Readable when there is something to take.
    [[nodiscard]] int descriptor() const { return done_.descriptor(); }

 private:
    class Thread;
    Wakeup done_;
    std::unique_ptr<Thread> thread_;
};

}  // namespace netcompute::worker
