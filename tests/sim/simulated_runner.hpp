#pragma once

#include "dice.hpp"
#include "event_queue.hpp"
#include "fault_plan.hpp"
#include "job_catalog.hpp"

#include <native-worker/task_runner.hpp>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string_view>

namespace netcompute::sim {

/// How fast and how honest a worker computes.
struct RunnerTraits {
    double slowness = 1;        ///< Times a job's task_seconds.
    bool lacks_memory = false;  ///< Some of its tasks fail by themselves.
    bool lies_about_time = false;
    double lies = 0;  ///< Of its tasks: something else than the output is given for it.
};

/// Stands in for the executor's threads: each slot is busy for a virtual while, then there is an
/// outcome of the real kernel. Follows the executor: leases in order of arrival, outcomes posted
/// after a millisecond of work or when a task took longer than that.
class SimulatedRunner final : public worker::TaskRunner {
 public:
    struct Surroundings {
        EventQueue& queue;
        JobCatalog& catalog;
        const FaultPlan& faults;
        Dice& dice;
        std::function<double(JobId)> task_seconds;
        /// Runs an action of this process later: not while it sleeps, never once it has died.
        std::function<void(Duration, EventQueue::Action)> after;
        std::function<void()> on_outcomes;
        std::function<void(JobId, std::size_t tasks, double seconds)> on_computed;
        std::function<void(std::string_view kind)> on_lie;
    };

    SimulatedRunner(std::uint32_t slots, RunnerTraits traits, Surroundings surroundings);

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
    void compute(const Run& run, std::size_t place, worker::OutcomeChunk& chunk);
    [[nodiscard]] bool faults_are_on() const { return around_.queue.now() < around_.faults.end; }

    Surroundings around_;
    RunnerTraits traits_;
    std::uint32_t slots_;
    std::uint32_t busy_slots_ = 0;
    std::deque<RunPointer> runs_;  ///< With unfinished tasks, in order of arrival.
    std::vector<worker::OutcomeChunk> outbox_;
};

}  // namespace netcompute::sim
