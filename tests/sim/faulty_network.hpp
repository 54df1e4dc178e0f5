#pragma once

#include "dice.hpp"
#include "event_queue.hpp"
#include "fault_plan.hpp"
#include "net/session.hpp"
#include "trace.hpp"
#include <netcompute/worker/link.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace netcompute::sim {

/// Native workers have three sockets, whose messages overtake each other, and the master does not
/// see who sent what on two of them; browsers have one stream.
enum class TransportKind { Native, Browser };

/// One attempt of a worker to reach the master.
struct Connection {
    std::uint64_t number = 0;
    std::size_t worker = 0;
    std::size_t pc = 0;
    TransportKind kind = TransportKind::Native;
    Dice dice;
    bool open_at_worker = true;
    bool alive = true;  ///< Not broken; what is sent on a broken one never arrives.
    std::shared_ptr<net::Session> session = nullptr;  ///< At the master, while it has one.
    /// In-order streams: the last arrival of each, by channel; the last is master to worker.
    std::array<Instant, 4> last_arrival{};
    bool is_stranger = false;  ///< Its worker is no program of the master's user.
};
using ConnectionPointer = std::shared_ptr<Connection>;

/// Carries messages between workers and the master, and loses, delays, repeats, reorders and cuts
/// as the plan says.
class FaultyNetwork {
 public:
    struct Ends {
        /// Asked before each of its messages.
        std::function<bool(const protocol::WireMessage&)> master_may_send;
        std::function<void(const net::SessionPtr&, std::string, Bytes)> to_master;
        std::function<void(const net::SessionPtr&)> closed_at_master;
        std::function<void(const ConnectionPointer&, std::string, Bytes)> to_worker;
        std::function<void(const ConnectionPointer&, std::string)> closed_at_worker;
    };

    FaultyNetwork(std::uint64_t seed, EventQueue& queue, Trace& trace, const FaultPlan& faults,
                  std::size_t worker_count);

    void set_ends(Ends ends) { ends_ = std::move(ends); }

    [[nodiscard]] ConnectionPointer connect(std::size_t worker, std::size_t pc, TransportKind kind);
    void send_to_master(const ConnectionPointer& connection, worker::Channel channel,
                        const protocol::WireMessage& message);
    void send_to_worker(const ConnectionPointer& connection, const protocol::WireMessage& message);
    /// The worker's end closes; the master hears of it, mostly.
    void close_at_worker(const ConnectionPointer& connection, bool silently);
    /// The master's end closes after what is queued.
    void close_at_master(const ConnectionPointer& connection);

    /// The connection ends by itself; each side hears of it later, or never.
    void break_connection(const ConnectionPointer& connection, Dice& dice);
    /// All connections end; after a power cut, the workers do not hear of it. Until the master is
    /// back, nobody answers.
    void master_died(bool power_cut, Dice& dice);
    void master_is_back() { master_is_up_ = true; }
    /// Nothing gets through in the given directions until then.
    void cut(std::size_t worker, bool to_master, bool to_worker, Instant until);

    [[nodiscard]] std::uint64_t in_flight_max() const { return in_flight_max_; }

 private:
    struct Cuts {
        Instant to_master;  ///< Until when.
        Instant to_worker;
    };
    void carry(const ConnectionPointer& connection, std::size_t stream,
               const protocol::WireMessage& message, Instant cut_until,
               void (FaultyNetwork::*arrive)(const ConnectionPointer&, std::size_t, std::string,
                                             Bytes));
    void arrive_at_master(const ConnectionPointer& connection, std::size_t stream,
                          std::string header, Bytes payload);
    void arrive_at_worker(const ConnectionPointer& connection, std::size_t stream,
                          std::string header, Bytes payload);
    void end_at_master(const ConnectionPointer& connection);
    void end_at_worker(const ConnectionPointer& connection, std::string reason);
    void refuse(const ConnectionPointer& connection);
    [[nodiscard]] bool faults_are_on() const { return queue_.now() < faults_.end; }

    std::uint64_t seed_;
    EventQueue& queue_;
    Trace& trace_;
    const FaultPlan& faults_;
    Ends ends_;
    std::vector<Cuts> cuts_;
    std::vector<std::weak_ptr<Connection>> connections_;
    bool master_is_up_ = true;
    std::uint64_t last_connection_ = 0;
    std::uint64_t in_flight_ = 0;
    std::uint64_t in_flight_max_ = 0;
};

}  // namespace netcompute::sim
