#pragma once

#include <boost/asio/ip/address.hpp>

#include <cstddef>
#include <functional>
#include <memory>

namespace netcompute::net {

struct ConnectionLimits {
    std::size_t connections_max = 0;  ///< Over all ports.
    std::size_t per_address_max = 0;  ///< Proven ones of one PC.
    friend bool operator==(const ConnectionLimits&, const ConnectionLimits&) = default;
};

/// How many connections a process may hold that may open `descriptors_max` files. Some are kept
/// for files. Zero in `wanted` means: as many as that allows, of which one PC gets half at most.
[[nodiscard]] ConnectionLimits connection_limits(std::size_t descriptors_max,
                                                 ConnectionLimits wanted,
                                                 std::size_t sessions_per_address);

/// Which PC a connection is counted for, as far as its address tells. An IPv4-mapped IPv6 address
/// counts as the IPv4 one, and a whole /64 network of IPv6 counts as one PC.
[[nodiscard]] boost::asio::ip::address counted_address(const boost::asio::ip::address& address);

/// Limits the connections of all ports together, so that untrusted peers can neither exhaust the
/// process's descriptors nor keep anybody out.
///
/// A connection is a stranger's until it is proven, by whatever its port asks for: a session, a
/// token. Strangers share a quarter of all connections. Where that is full the newcomer gets in,
/// and the oldest stranger goes: one of the newcomer's own PC if that has its share, one of the PC
/// that has most of them otherwise. Whoever proves itself in time is never in anybody's way, and
/// proven connections end only by themselves. One thread.
class ConnectionBudget {
    struct State;
    struct Entry;

 public:
    explicit ConnectionBudget(ConnectionLimits limits);

    /// A place in the budget, given back when this is destroyed. May outlive the budget.
    class Lease {
     public:
        Lease() = default;
        Lease(Lease&& other) noexcept = default;
        Lease& operator=(Lease&& other) noexcept;
        Lease(const Lease&) = delete;
        Lease& operator=(const Lease&) = delete;
        ~Lease();

        /// Marks the peer as proven. False, and nothing changes, if the limit is reached: the
        /// connection must be closed. True if it was proven before.
        [[nodiscard]] bool prove();
        /// Marks the peer as unproven again: its session has ended.
        void doubt();

     private:
        friend class ConnectionBudget;
        explicit Lease(std::shared_ptr<Entry> entry) : entry_{std::move(entry)} {}
        std::shared_ptr<Entry> entry_;
    };

    /// Counts a connection that was just accepted. To make room, `evict` of another one may be
    /// called before this returns: it must close that connection at once, and may destroy its
    /// lease. Never called after prove().
    [[nodiscard]] Lease take(const boost::asio::ip::address& address, std::function<void()> evict);

    [[nodiscard]] std::size_t stranger_count() const;
    [[nodiscard]] std::size_t proven_count() const;
    [[nodiscard]] std::size_t strangers_max() const;  ///< How many there may be.

 private:
    std::shared_ptr<State> state_;
};

}  // namespace netcompute::net
