#pragma once

#include <netcompute/protocol/messages.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

namespace netcompute::worker {

/// Results that the master may not have received yet. A stream keeps order and each heartbeat is
/// acked, so an ack confirms every frame that was sent before its heartbeat. What is not confirmed
/// when a connection breaks is sent again after the session is resumed.
class Outbox {
 public:
    /// Beyond `bytes_max` the oldest are dropped: their lease expires, and the master gives the
    /// tasks out again.
    explicit Outbox(std::size_t bytes_max = std::size_t{64} << 20) : bytes_max_{bytes_max} {}

    void sent(protocol::WireMessage message);
    void heartbeat_sent() { heartbeats_.push_back(place_); }
    void confirmed();
    /// The connection was lost, and the heartbeats' acks with it: what to send again.
    [[nodiscard]] std::vector<protocol::WireMessage> unconfirmed();
    void clear();

 private:
    struct Sent {
        protocol::WireMessage message;
        std::uint64_t place = 0;
    };
    void drop_first();

    std::size_t bytes_max_;
    std::size_t bytes_ = 0;
    std::uint64_t place_ = 0;
    std::deque<Sent> frames_;
    std::deque<std::uint64_t> heartbeats_;  ///< Places up to which those on their way confirm.
};

}  // namespace netcompute::worker
