#pragma once

#include "faulty_network.hpp"
#include "simulated_tasks.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace netcompute::sim {

/// What a worker is, for the whole of a run.
struct WorkerTraits {
    TransportKind kind = TransportKind::Native;
    std::size_t pc = 0;  ///< Several workers may be on one.
    std::uint32_t slots = 1;
    RunnerTraits runner;
    double floods_per_second = 0;
    double leaseless_floods_per_second = 0;

    /// It is believed in no world: a native worker off loopback, without a token.
    bool is_stranger = false;
    bool vanishes = false;                ///< It takes leases and hangs up, without end.
    std::optional<std::size_t> claims{};  ///< It says that it is this worker.
    bool knows_secret = false;            ///< And knows that one's secret.
    bool has_its_machine = false;         ///< And is on a PC that nothing tells from that one's.

    [[nodiscard]] bool floods() const {
        return floods_per_second > 0 || leaseless_floods_per_second > 0;
    }
    [[nodiscard]] bool is_honest() const { return runner.lies == 0 && !floods(); }
};

/// A worker on its PC: what a native worker or a tab runs, over a link into the faulty network and
/// with threads in virtual time. It can crash and be started again, sleep, and do what a browser's
/// page offers: pause, other slots.
class SimulatedWorker {
 public:
    struct Surroundings {
        EventQueue& queue;
        Trace& trace;
        FaultyNetwork& network;
        JobCatalog& catalog;
        const FaultPlan& faults;
        std::function<double(JobId)> task_seconds;
        std::function<void(JobId, double seconds)> on_spent;  ///< By one slot.
        bool mixes_up_memo = false;                           ///< Sabotage::MixUpMemo.
    };

    SimulatedWorker(std::uint64_t seed, std::size_t number, WorkerTraits traits,
                    Surroundings surroundings);
    ~SimulatedWorker();
    SimulatedWorker(const SimulatedWorker&) = delete;
    SimulatedWorker& operator=(const SimulatedWorker&) = delete;

    void start();
    /// Ends the process as kill -9 does; `silently` as a power cut does.
    void crash(bool silently);
    void sleep_until(Instant when);
    void leave();
    void set_paused(bool paused);
    void set_slots(std::uint32_t slots);
    void break_connection();
    /// Sends a number of things that no honest worker sends.
    void flood();
    /// Sends a few things about leases that it never had.
    void flood_leaseless();

    void receive(const ConnectionPointer& connection, std::string header, Bytes payload);
    void connection_closed(const ConnectionPointer& connection, std::string reason);

    [[nodiscard]] bool runs() const { return process_ != nullptr; }
    [[nodiscard]] Dice& dice() { return dice_; }
    [[nodiscard]] std::uint32_t slots() const { return slots_; }
    [[nodiscard]] const WorkerTraits& traits() const { return traits_; }
    [[nodiscard]] bool has_lied() const { return has_lied_; }
    /// The master has refused it as one that lies.
    [[nodiscard]] bool was_shut_out() const { return was_shut_out_; }
    [[nodiscard]] std::uint64_t computed_count() const { return computed_count_; }
    [[nodiscard]] std::size_t leases_held_max() const { return leases_held_max_; }

 private:
    class Process;
    class NativeProcess;
    class TabProcess;
    class Wire;

    /// Runs an action in the process of now: when it is awake, and only while it lives.
    void enter(EventQueue::Action action);
    void enter_at(Instant when, EventQueue::Action action);
    void settle();
    /// Whose id it says that it has, and whose PC it is on, for all that can be seen.
    [[nodiscard]] std::size_t claimed() const { return traits_.claims.value_or(number_); }
    [[nodiscard]] std::size_t machine() const {
        return traits_.has_its_machine ? claimed() : number_;
    }
    void trace(std::string_view what, std::initializer_list<Trace::Number> numbers = {});

    std::uint64_t number_;
    WorkerTraits traits_;
    std::uint32_t slots_;  ///< As many as it offers now.
    Surroundings around_;
    Dice dice_;
    Dice leaseless_dice_;
    bool paused_ = false;
    bool has_lied_ = false;
    bool was_shut_out_ = false;
    std::uint64_t computed_count_ = 0;  ///< Tasks, by all of its processes.
    Instant asleep_until_{};
    std::uint64_t generation_ = 0;  ///< Of the process: what one asked for, the next does not get.
    std::unique_ptr<Process> process_;
    std::size_t leases_held_max_ = 0;
};

}  // namespace netcompute::sim
