#pragma once

#include "simulated_tasks.hpp"
#include <netcompute/worker/task_runner.hpp>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string_view>

namespace netcompute::sim {

/// Stands in for the executor's threads: each slot is busy for a virtual while, then there is an
/// outcome of the real kernel. Follows the executor: leases in order of arrival, outcomes posted
/// after a millisecond of work or when a task took longer than that.
class SimulatedRunner final : public worker::TaskRunner {
 public:
    struct Surroundings {
        /// Runs an action of this process later: not while it sleeps, never once it has died.
        std::function<void(Duration, EventQueue::Action)> after;
        std::function<void()> on_outcomes;
        std::function<void(JobId, std::size_t tasks, double seconds)> on_computed;
    };

    /// `tasks` outlives it.
    SimulatedRunner(std::uint32_t slots, SimulatedTasks& tasks, Surroundings surroundings);

    void submit(protocol::Lease lease, Bytes payload) override;
    void revoke(LeaseId lease) override;
    void drop_unstarted() override;
    [[nodiscard]] std::vector<worker::OutcomeChunk> take_outcomes() override;
    [[nodiscard]] worker::RunnerStatus status() const override;

    void set_slots(std::uint32_t slots);
    [[nodiscard]] std::size_t lease_count() const { return runs_.size(); }
    [[nodiscard]] std::size_t outbox_size() const { return outbox_.size(); }

 private:
    struct Run {
        protocol::Lease lease;
        Bytes payload;
        std::size_t next = 0;        ///< Tasks before this place have started.
        std::size_t unfinished = 0;  ///< Without an outcome.
        bool revoked = false;
    };
    using RunPointer = std::shared_ptr<Run>;

    void start_tasks();
    void finish(const RunPointer& run, std::size_t begin, std::size_t end, double seconds);

    Surroundings around_;
    SimulatedTasks& tasks_;
    std::uint32_t slots_;
    std::uint32_t busy_slots_ = 0;
    std::deque<RunPointer> runs_;  ///< With unfinished tasks, in order of arrival.
    std::vector<worker::OutcomeChunk> outbox_;
};

}  // namespace netcompute::sim
