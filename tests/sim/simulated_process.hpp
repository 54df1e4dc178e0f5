#pragma once

#include "flooder.hpp"
#include "simulated_runner.hpp"
#include "simulated_worker.hpp"
#include <netcompute/worker/browser_worker.hpp>

#include <deque>
#include <map>

namespace netcompute::sim {

/// What a worker's process says to the network, and what it says besides if it floods.
class SimulatedWorker::Wire {
 public:
    explicit Wire(SimulatedWorker& owner) : owner_{owner} {}

    void connect();
    void close(bool silently);
    void send(worker::Channel channel, const protocol::WireMessage& message);
    void flood();
    void flood_leaseless();
    [[nodiscard]] const ConnectionPointer& connection() const { return connection_; }

 private:
    SimulatedWorker& owner_;
    ConnectionPointer connection_;
    Flooder flooder_;
};

/// A worker while it runs.
class SimulatedWorker::Process {
 public:
    explicit Process(SimulatedWorker& owner);
    virtual ~Process() = default;
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    virtual void start(Instant now) = 0;
    virtual void leave(Instant now) = 0;
    virtual void set_paused(Instant now, bool paused) = 0;
    virtual void set_slots(Instant now, std::uint32_t slots) = 0;
    virtual void receive(Instant now, const std::string& header, Bytes payload) = 0;
    virtual void connection_closed(Instant now, const std::string& reason) = 0;
    virtual void tick(Instant now) = 0;
    [[nodiscard]] virtual Instant next_deadline() const = 0;
    [[nodiscard]] virtual const worker::Agent& agent() const = 0;
    /// It does nothing more.
    [[nodiscard]] virtual bool has_ended() const = 0;

    [[nodiscard]] Wire& wire() { return wire_; }
    Instant timer_at = instant_never;  ///< The earliest timer that is set.

 protected:
    [[nodiscard]] Instant now() const { return owner_.around_.queue.now(); }
    void computed(JobId job, std::size_t tasks, double seconds);
    [[nodiscard]] std::string key() const;
    [[nodiscard]] std::string secret() const;

    SimulatedWorker& owner_;
    Wire wire_;
    SimulatedTasks tasks_;
};

/// The agent over ZeroMQ's sockets, and a runner in virtual time.
class SimulatedWorker::NativeProcess final : public Process, private worker::Link {
 public:
    explicit NativeProcess(SimulatedWorker& owner);

    void start(Instant now) override { agent_.start(now); }
    void leave(Instant now) override { agent_.leave(now); }
    void set_paused(Instant, bool) override {}  // See changed_beat().
    void set_slots(Instant, std::uint32_t slots) override { runner_.set_slots(slots); }
    void receive(Instant now, const std::string& header, Bytes payload) override {
        agent_.receive(now, header, std::move(payload));
    }
    void connection_closed(Instant now, const std::string& reason) override {
        agent_.link_down(now, reason);
    }
    void tick(Instant now) override { agent_.tick(now); }
    [[nodiscard]] Instant next_deadline() const override { return agent_.next_deadline(); }
    [[nodiscard]] const worker::Agent& agent() const override { return agent_; }
    [[nodiscard]] bool has_ended() const override { return agent_.ending().has_value(); }

 private:
    void open() override { wire_.connect(); }
    void close(worker::Closing closing) override;
    bool send(worker::Channel channel, const protocol::WireMessage& message) override;
    [[nodiscard]] bool is_full();
    [[nodiscard]] protocol::WireMessage changed_beat(const protocol::WireMessage& message) const;

    const std::uint32_t initial_slots_;
    SimulatedRunner runner_;
    worker::Agent agent_;
};

/// What a tab runs, all of it but the kernels: the agent over one stream, the dispatcher, and
/// compute threads in virtual time.
class SimulatedWorker::TabProcess final : public Process, private worker::BrowserHost {
 public:
    explicit TabProcess(SimulatedWorker& owner);

    void start(Instant now) override;
    void leave(Instant now) override;
    void set_paused(Instant now, bool paused) override { tab_.set_paused(now, paused); }
    void set_slots(Instant now, std::uint32_t slots) override;
    void receive(Instant now, const std::string& header, Bytes payload) override;
    void connection_closed(Instant now, const std::string& reason) override {
        tab_.socket_closed(now, reason);
    }
    void tick(Instant now) override { tab_.tick(now); }
    [[nodiscard]] Instant next_deadline() const override { return tab_.next_deadline(); }
    [[nodiscard]] const worker::Agent& agent() const override { return tab_.agent(); }
    [[nodiscard]] bool has_ended() const override;

 private:
    struct Thread {
        bool ready = false;
        bool retiring = false;
        bool computes = false;
        std::deque<worker::Chunk> queue;
        std::map<LeaseId, worker::Chunk::Context> contexts;
    };

    void open_socket() override;
    void close_socket(const std::string& reason) override;
    void send(worker::Channel channel, const protocol::WireMessage& message) override {
        wire_.send(channel, message);
    }
    void resize(std::uint32_t slots) override;
    void run(worker::SlotId slot, worker::Chunk chunk) override;
    void forget(worker::SlotId slot, LeaseId lease) override;
    void stop(worker::SlotId slot) override { threads_.erase(slot); }
    void replace(worker::SlotId slot) override;
    void prefetch(const std::vector<protocol::BlobInput>&) override {}

    void adjust_threads();
    void spawn();
    void compute_next(worker::SlotId slot);
    void finish(worker::SlotId slot, std::size_t count, double seconds);

    worker::BrowserSettings settings_;
    std::uint32_t size_;  ///< Threads that there should be.
    worker::SlotId last_slot_ = 0;
    std::map<worker::SlotId, Thread> threads_;
    std::map<LeaseId, JobId> jobs_;
    bool has_left_ = false;
    worker::BrowserWorker tab_;
};

}  // namespace netcompute::sim
