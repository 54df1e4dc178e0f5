#pragma once

#include "dice.hpp"
#include <netcompute/worker/link.hpp>

#include <deque>
#include <optional>
#include <string_view>

namespace netcompute::sim {

/// Remembers what a worker has sent, and makes of it what no honest worker sends: results again and
/// again, results for leases and tasks that it was never given, absurd heartbeats, further hellos,
/// frames that are none.
class Flooder {
 public:
    struct Nuisance {
        std::string_view kind;  ///< For the trace.
        worker::Channel channel = worker::Channel::Task;
        protocol::WireMessage message;
    };

    void remember(worker::Channel channel, const protocol::WireMessage& message);
    /// A new connection: what was said on the old one is of no use.
    void forget();

    /// Nothing as long as the worker has said too little.
    [[nodiscard]] std::optional<Nuisance> nuisance(Dice& dice) const;
    /// Results for a lease that nobody has, of a great many tasks; or a heartbeat that names a
    /// great many leases. Nothing before the first heartbeat.
    [[nodiscard]] std::optional<Nuisance> leaseless_nuisance(Dice& dice) const;

 private:
    [[nodiscard]] Nuisance altered_results(Dice& dice) const;
    [[nodiscard]] Nuisance absurd_heartbeat(Dice& dice) const;

    std::optional<protocol::WireMessage> hello_;
    std::optional<protocol::WireMessage> heartbeat_;
    std::deque<protocol::WireMessage> results_;  ///< The last few.
};

}  // namespace netcompute::sim
