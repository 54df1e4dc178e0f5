#pragma once

#include "core/events.hpp"
#include "core/limits.hpp"
#include "core/round_tasks.hpp"
#include "core/task_seconds.hpp"

#include <map>
#include <optional>
#include <set>
#include <utility>

namespace netcompute::core {

/// What can be asked about a worker between steps.
struct WorkerView {
    WorkerState state = WorkerState::Idle;
    std::uint32_t slots = 1;
    std::uint32_t lease_count = 0;
    Instant last_seen;
};

/// What can be asked about a job's round between steps.
struct RoundView {
    RoundIndex round = 0;
    std::uint32_t task_count = 0;
    std::uint32_t succeeded_count = 0;
    std::uint32_t pending_count = 0;
};

/// Decides who computes what and when to give up on whom. Pure: it knows only the events and the
/// instants it is given, so a simulation drives it exactly as the engine does.
///
/// A task is Pending, Leased (by one lease, or two when a straggler gets a copy) or Succeeded. A
/// result counts once, whoever sends it first, also when its lease has run out meanwhile; any later
/// one is compared only. A lease is over when all its tasks have outcomes, when its deadline passes
/// unrenewed, or when its worker disconnects, leaves or falls silent.
class Scheduler {
 public:
    explicit Scheduler(SchedulerLimits limits = {});

    /// Takes one fact and answers what is to be done, in order.
    [[nodiscard]] Effects step(Instant now, const Event& event);

    /// When step() with ClockTicked is due at the latest; instant_never if nothing waits for time.
    [[nodiscard]] Instant next_deadline() const;

    [[nodiscard]] std::optional<WorkerView> worker(WorkerId id) const;
    [[nodiscard]] std::optional<RoundView> round(JobId id) const;
    /// Workers that take tasks: neither Draining, Suspect nor Lost.
    [[nodiscard]] std::uint32_t available_worker_count() const;

 private:
    /// A task that was counted as possibly having brought its worker down.
    struct BlamedTask {
        JobId job;
        RoundIndex round = 0;
        TaskIndex index = 0;
    };
    struct Worker {
        std::uint32_t slots = 1;
        bool connected = true;
        bool paused = false;
        WorkerState state = WorkerState::Idle;
        Instant last_seen;
        Instant deadline = instant_never;          ///< Its entry in worker_deadlines_.
        std::vector<LeaseId> leases;               ///< Active ones, oldest first.
        std::map<JobId, double> seconds_per_task;  ///< Measured, per slot.
        std::vector<BlamedTask> blamed;            ///< What it ran when it was lost.
    };
    struct Lease {
        WorkerId worker;
        JobId job;
        RoundIndex round = 0;
        std::vector<TaskIndex> tasks;   ///< Ascending.
        std::vector<bool> has_outcome;  ///< Parallel to tasks.
        std::uint32_t open_count = 0;   ///< Tasks without an outcome.
        bool active = true;             ///< False: over, kept to recognize late results.
        Duration duration{};            ///< What a renewal adds.
        Instant granted_at;
        Instant deadline;
        Instant progress_at;  ///< When it came to the front, or last gave an outcome.
    };
    struct Job {
        std::int32_t priority = 0;
        RoundIndex round = 0;
        std::uint64_t task_bytes = 0;
        RoundTasks tasks{0};
        TaskSeconds task_seconds;
        std::uint32_t active_lease_count = 0;
        std::vector<LeaseId> round_leases;  ///< Of this round, active or over.
    };

    void on(const WorkerJoined& event);
    void on(const WorkerDisconnected& event);
    void on(const WorkerLeft& event);
    void on(const HeartbeatReceived& event);
    void on(const RoundStarted& event);
    void on(const JobEnded& event);
    void on(const ResultsReceived& event);
    void on(const ClockTicked& event);

    // scheduler_workers.cpp: liveness.
    void heard_from(WorkerId id, Worker& worker);
    void set_state(WorkerId id, Worker& worker, WorkerState state);
    void refresh_state(WorkerId id, Worker& worker);
    void arm_worker(WorkerId id, Worker& worker, Instant deadline);
    void lose_worker(WorkerId id, Worker& worker, bool blame_running_tasks);
    void take_back_blame(Worker& worker);
    void check_silence();

    // scheduler_leases.cpp: leases and outcomes.
    void end_lease(LeaseId id, Lease& lease);
    void abandon_lease(LeaseId id, Lease& lease, bool blame_running_tasks);
    void expire_leases();
    void revoke_if_pointless(LeaseId id, Lease& lease);
    void record_outcomes(const ResultsReceived& event, Lease& lease, Job& job);
    [[nodiscard]] bool record_failure(const ResultsReceived& event, std::uint32_t position,
                                      Lease& lease, Job& job);
    void release_round(Job& job);
    void fail_job(JobId id, Error error);
    void remove_job(JobId id);

    // scheduler_assign.cpp: who gets what.
    void assign();
    [[nodiscard]] Job* next_job(JobId& id, const std::vector<JobId>& refused = {});
    void assign_stragglers();
    [[nodiscard]] std::vector<TaskIndex> copies_for(WorkerId helper, const Lease& lease) const;
    [[nodiscard]] bool has_room(const Worker& worker) const;
    [[nodiscard]] std::uint32_t batch_size(const Worker& worker, JobId id, const Job& job) const;
    void grant(WorkerId worker_id, Worker& worker, JobId job_id, Job& job,
               std::vector<TaskIndex> tasks);

    SchedulerLimits limits_;
    std::map<WorkerId, Worker> workers_;
    std::map<JobId, Job> jobs_;
    std::map<LeaseId, Lease> leases_;
    std::set<std::pair<Instant, LeaseId>> lease_deadlines_;
    std::set<std::pair<Instant, WorkerId>> worker_deadlines_;
    Instant straggler_deadline_ = instant_never;
    std::uint64_t last_lease_ = 0;

    Instant now_;      ///< Of the step in progress.
    Effects effects_;  ///< Of the step in progress.
};

}  // namespace netcompute::core
