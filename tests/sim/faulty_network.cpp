#include "faulty_network.hpp"

#include "worker_key.hpp"

#include <algorithm>
#include <utility>

namespace netcompute::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t to_worker_stream = 3;

/// The master's end of a connection.
class SimulatedSession final : public net::Session {
 public:
    SimulatedSession(FaultyNetwork& network, std::weak_ptr<Connection> connection)
        : network_{network},
          connection_{std::move(connection)},
          address_{std::string{pc_address_start} + std::to_string(connection_.lock()->pc)},
          is_web_{connection_.lock()->kind == TransportKind::Browser},
          is_this_user_{!is_web_ && !connection_.lock()->is_stranger} {}

    void send(protocol::WireMessage message) override {
        if (const auto connection = connection_.lock(); connection && !closed_) {
            network_.send_to_worker(connection, message);
        }
    }
    void close() override {
        if (std::exchange(closed_, true)) return;
        if (const auto connection = connection_.lock()) network_.close_at_master(connection);
    }
    [[nodiscard]] const std::string& peer_address() const override { return address_; }
    [[nodiscard]] bool is_web() const override { return is_web_; }
    [[nodiscard]] bool is_this_user() override { return is_this_user_; }

 private:
    FaultyNetwork& network_;
    std::weak_ptr<Connection> connection_;
    bool closed_ = false;
    std::string address_;
    bool is_web_;
    bool is_this_user_;
};

}  // namespace

FaultyNetwork::FaultyNetwork(std::uint64_t seed, EventQueue& queue, Trace& trace,
                             const FaultPlan& faults, std::size_t worker_count)
    : seed_{seed}, queue_{queue}, trace_{trace}, faults_{faults}, cuts_(worker_count) {}

ConnectionPointer FaultyNetwork::connect(std::size_t worker, std::size_t pc, TransportKind kind) {
    const std::uint64_t number = ++last_connection_;
    auto connection = std::make_shared<Connection>(
        Connection{number, worker, pc, kind, Dice{seed_, DiceOf::Connection, number}});
    connections_.push_back(connection);
    if (!master_is_up_) refuse(connection);
    return connection;
}

/// Nobody listens. A PC that is up says so; ZeroMQ keeps it to itself and tries again.
void FaultyNetwork::refuse(const ConnectionPointer& connection) {
    connection->alive = false;
    if (connection->kind == TransportKind::Native || connection->dice.chance(0.5)) return;
    queue_.after(connection->dice.between(50us, 1ms),
                 [this, connection] { end_at_worker(connection, "connection refused"); });
}

void FaultyNetwork::carry(const ConnectionPointer& connection, std::size_t stream,
                          const protocol::WireMessage& message, Instant cut_until,
                          void (FaultyNetwork::*arrive)(const ConnectionPointer&, std::size_t,
                                                        std::string, Bytes)) {
    if (!connection->alive) return;
    Dice& dice = connection->dice;
    int copies = 1;
    Duration delay = dice.between(50us, 300us);
    bool overtakes = false;
    if (faults_are_on()) {
        if (dice.chance(faults_.loss)) {
            trace_.add(queue_.now(), "network", connection->number, "lost", {{"stream", stream}});
            return;
        }
        if (dice.chance(faults_.replay)) {
            copies = 2;
            trace_.add(queue_.now(), "network", connection->number, "repeated",
                       {{"stream", stream}});
        }
        delay = dice.between(50us, 100us + faults_.delay_max);
        overtakes = dice.chance(faults_.reorder);
        if (overtakes) {
            trace_.add(queue_.now(), "network", connection->number, "may overtake",
                       {{"stream", stream}});
        }
    }
    for (; copies > 0; --copies) {
        Instant at = std::max(queue_.now(), cut_until) + delay;
        Instant& last = connection->last_arrival.at(stream);
        if (!overtakes) at = last = std::max(at, last + 1ns);
        in_flight_max_ = std::max(in_flight_max_, ++in_flight_);
        queue_.at(at, [this, connection, stream, arrive, header = message.header,
                       payload = message.payload] {
            --in_flight_;
            (this->*arrive)(connection, stream, header, payload);
        });
        delay += dice.between(1us, 1us + faults_.delay_max);
        overtakes = true;
    }
}

void FaultyNetwork::send_to_master(const ConnectionPointer& connection, worker::Channel channel,
                                   const protocol::WireMessage& message) {
    const bool one_stream = connection->kind == TransportKind::Browser;
    const std::size_t stream = one_stream ? 0 : static_cast<std::size_t>(channel);
    carry(connection, stream, message, cuts_[connection->worker].to_master,
          &FaultyNetwork::arrive_at_master);
}

void FaultyNetwork::send_to_worker(const ConnectionPointer& connection,
                                   const protocol::WireMessage& message) {
    if (!ends_.master_may_send(message)) return;
    carry(connection, to_worker_stream, message, cuts_[connection->worker].to_worker,
          &FaultyNetwork::arrive_at_worker);
}

void FaultyNetwork::arrive_at_master(const ConnectionPointer& connection, std::size_t stream,
                                     std::string header, Bytes payload) {
    if (!master_is_up_) return;
    const bool anonymous = connection->kind == TransportKind::Native &&
                           stream != static_cast<std::size_t>(worker::Channel::Task);
    if (anonymous) return ends_.to_master(nullptr, std::move(header), std::move(payload));
    if (connection->session == nullptr) {
        // A browser's socket has one session for life; ROUTER makes one for each unknown peer.
        if (!connection->alive) return;
        connection->session = std::make_shared<SimulatedSession>(*this, connection);
    }
    ends_.to_master(connection->session, std::move(header), std::move(payload));
}

void FaultyNetwork::arrive_at_worker(const ConnectionPointer& connection, std::size_t,
                                     std::string header, Bytes payload) {
    if (!connection->open_at_worker) return;
    ends_.to_worker(connection, std::move(header), std::move(payload));
}

void FaultyNetwork::end_at_master(const ConnectionPointer& connection) {
    if (connection->session == nullptr) return;
    const net::SessionPtr session = std::exchange(connection->session, nullptr);
    ends_.closed_at_master(session);
}

void FaultyNetwork::end_at_worker(const ConnectionPointer& connection, std::string reason) {
    if (!std::exchange(connection->open_at_worker, false)) return;
    ends_.closed_at_worker(connection, std::move(reason));
}

void FaultyNetwork::close_at_worker(const ConnectionPointer& connection, bool silently) {
    connection->open_at_worker = false;
    const Cuts& cuts = cuts_[connection->worker];
    const bool unheard = silently || queue_.now() < cuts.to_master;
    if (unheard) {
        connection->alive = false;
        return;
    }
    // Its last words come first, those that are on their way.
    const Instant last = *std::max_element(connection->last_arrival.begin(),
                                           connection->last_arrival.begin() + to_worker_stream);
    queue_.at(std::max(last, queue_.now()) + connection->dice.between(50us, 1ms),
              [this, connection] {
                  connection->alive = false;
                  end_at_master(connection);
              });
}

void FaultyNetwork::close_at_master(const ConnectionPointer& connection) {
    queue_.after(0ns, [this, connection] { end_at_master(connection); });
    if (connection->kind == TransportKind::Native) return;  // ROUTER cannot hang up.
    const Instant last = connection->last_arrival[to_worker_stream];
    queue_.at(std::max(last, queue_.now()) + connection->dice.between(50us, 1ms),
              [this, connection] {
                  connection->alive = false;
                  if (cuts_[connection->worker].to_worker > queue_.now()) return;
                  end_at_worker(connection, "closed by the master");
              });
}

void FaultyNetwork::break_connection(const ConnectionPointer& connection, Dice& dice) {
    trace_.add(queue_.now(), "network", connection->number, "break",
               {{"worker", connection->worker}});
    connection->alive = false;
    if (dice.chance(0.7)) {
        queue_.after(dice.between(1ms, 2s), [this, connection] { end_at_master(connection); });
    }
    if (dice.chance(0.7)) {
        queue_.after(dice.between(1ms, 2s),
                     [this, connection] { end_at_worker(connection, "connection reset"); });
    }
}

void FaultyNetwork::master_died(bool power_cut, Dice& dice) {
    master_is_up_ = false;
    for (const std::weak_ptr<Connection>& weak : connections_) {
        const ConnectionPointer connection = weak.lock();
        if (connection == nullptr) continue;
        connection->session = nullptr;
        connection->alive = false;
        if (power_cut || dice.chance(0.2)) continue;
        queue_.after(dice.between(1ms, 1s),
                     [this, connection] { end_at_worker(connection, "connection reset"); });
    }
    connections_.clear();
}

void FaultyNetwork::cut(std::size_t worker, bool to_master, bool to_worker, Instant until) {
    trace_.add(queue_.now(), "network", worker, "cut",
               {{"to_master", to_master ? 1U : 0U},
                {"to_worker", to_worker ? 1U : 0U},
                {"ms", static_cast<std::uint64_t>((until - queue_.now()) / 1ms)}});
    if (to_master) cuts_[worker].to_master = std::max(cuts_[worker].to_master, until);
    if (to_worker) cuts_[worker].to_worker = std::max(cuts_[worker].to_worker, until);
}

}  // namespace netcompute::sim
