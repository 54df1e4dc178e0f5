#pragma once

#include "core/assigner.hpp"
#include "core/effect_list.hpp"
#include "core/events.hpp"
#include "core/lease_book.hpp"
#include "core/limits.hpp"
#include "core/liveness.hpp"
#include "core/round_tasks.hpp"
#include "core/rounds.hpp"
#include "core/trust.hpp"

#include <cstddef>
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
    std::uint32_t validated = 0;  ///< Results in a row that others confirmed.
    bool quarantined = false;
};

/// What can be asked about a lease between steps, also about one that is over while late results
/// for it are taken.
struct LeaseView {
    WorkerId worker;
    JobId job;
    RoundIndex round = 0;
    std::size_t task_count = 0;
};

/// What can be asked about a job's round between steps.
struct RoundView {
    RoundIndex round = 0;
    std::uint32_t task_count = 0;
    std::uint32_t succeeded_count = 0;  ///< Whose output counts.
    std::uint32_t pending_count = 0;    ///< That nobody holds and that have no output.
    bool paused = false;
    /// Some outputs want a check that no worker which is there may make.
    bool waits_for_checker = false;
    double slot_seconds = 0;  ///< That workers have spent on the job, all its rounds together.
};

/// Decides who computes what and when to give up on whom. Pure: it knows only the events and the
/// instants it is given, so a simulation drives it exactly as the engine does.
///
/// A task is Pending, Leased (by one lease, or two when a straggler gets a copy), Provisional (it
/// has an output that is still to be checked) or Succeeded. A result counts once, whoever sends it
/// first, also when its lease has run out meanwhile; any later one is a vote on it. Where two
/// disagree, the master computes the task itself, and who was wrong is put in quarantine. A lease
/// is over when all its tasks have outcomes, when its deadline passes unrenewed, or when its worker
/// disconnects, leaves or falls silent.
class Scheduler {
 public:
    /// `seed` decides which results are checked: unknown to the workers.
    explicit Scheduler(SchedulerLimits limits = {}, std::uint64_t seed = 0);

    /// Takes one fact and answers what is to be done, in order.
    [[nodiscard]] Effects step(Instant now, const Event& event);

    /// When step() with ClockTicked is due at the latest; instant_never if nothing waits for time.
    [[nodiscard]] Instant next_deadline() const;

    [[nodiscard]] std::optional<WorkerView> worker(WorkerId id) const;
    [[nodiscard]] std::optional<RoundView> round(JobId id) const;
    [[nodiscard]] std::optional<LeaseView> lease(LeaseId id) const;
    /// Workers that take tasks: neither Draining, Suspect nor Lost.
    [[nodiscard]] std::uint32_t available_worker_count() const {
        return liveness_.available_count();
    }
    /// Of a live job, the tasks of each round that is not forgotten: what a receipt tells. A
    /// snapshot, quickly made.
    [[nodiscard]] std::map<RoundIndex, RoundTasks> rounds(JobId id) const;

 private:
    using Job = JobRounds;

    void on(const WorkerJoined& event);
    void on(const WorkerRestored& event);
    void on(const WorkerDisconnected& event);
    void on(const WorkerLeft& event);
    void on(const HeartbeatReceived& event);
    void on(const WorkerDrained& event);
    void on(const WorkerReadmitted& event);
    void on(const JobRestored& event);
    void on(const RoundStarted& event);
    void on(const ProgramFinished& event);
    void on(const RoundRejected& event);
    void on(const TaskAudited& event);
    void on(const JobPaused& event);
    void on(const JobPrioritized& event);
    void on(const StoreStalled& event);
    void on(const LeaseIdsUsed& event);
    void on(const RestorationEnded& event);
    void on(const JobEnded& event);
    void on(const ResultsReceived& event);
    void on(const ClockTicked& event);

    // scheduler_workers.cpp: liveness.
    void heard_from(WorkerId id);
    void publish(WorkerId id, const StateChanges& changes);
    void refresh_state(WorkerId id);
    void lose_worker(WorkerId id, bool blame_running_tasks);
    void lose_leases(WorkerId id, bool blame_running_tasks);
    void take_back_blame(const std::vector<BlamedTask>& blamed);
    void abandon_leases(WorkerId id);
    void check_silence();

    // scheduler_leases.cpp: leases and outcomes.
    void end_lease(const Lease& lease);
    void abandon_lease(const Lease& lease, bool blame_running_tasks);
    void expire_leases();
    void revoke_if_pointless(const Lease& lease, Job& job);
    void record_outcomes(const ResultsReceived& event, const Lease& lease, Job& job);
    [[nodiscard]] bool record_failure(const ResultsReceived& event, std::uint32_t position,
                                      const Lease& lease, Job& job);
    void lose_check(const Lease& lease, TaskIndex index);
    [[nodiscard]] bool blame(const Lease& lease, TaskIndex index);
    void rescue(JobId id, Job& job, TaskIndex index);
    static void let_go(const Lease& lease, TaskIndex index, Job& job);
    void revoke_pointless(JobId id, Job& job);

    // scheduler_rounds.cpp: rounds and jobs.
    [[nodiscard]] WordOf words() const;
    void retire_rounds(JobId id, Job& job);
    void restore_leases(const RoundStarted& event, Job& job);
    void visit(JobId id, Job& job, RoundIndex round);
    [[nodiscard]] std::optional<RoundIndex> draw_closing_checks(Job& job, RoundIndex end);
    void complete_rounds();
    void release_round(JobId id);
    void fail_job(JobId id, Error error);
    void remove_job(JobId id);

    // scheduler_validation.cpp: which outputs count.
    void second_vote(JobId id, Job& job, TaskIndex index, Vote vote);
    void confirm(JobId id, Job& job, TaskIndex index, WorkerId confirmer);
    void credit(WorkerId id);
    void judge_held_back(WorkerId author);
    void request_audit(JobId id, Job& job, TaskIndex index, bool may_crash = false);
    void quarantine(WorkerId id, JobId job, RoundIndex round, TaskIndex index);
    void distrust(JobId id, Job& job, WorkerId liar, bool lied_here);

    // scheduler_assign.cpp: who gets what.
    void note_change(const auto& fact) {
        if constexpr (requires { JobId{fact.job}; }) note_change(JobId{fact.job});
    }
    void note_change(JobId id) {
        if (changed_jobs_.empty() || changed_jobs_.back() != id) changed_jobs_.push_back(id);
    }
    void list_changed_jobs();
    void list(JobId id, const Job& job);
    void count_in(WorkerId id);
    [[nodiscard]] LeaseWork work_of(const Lease& lease) const;
    [[nodiscard]] BatchRequest request_for(WorkerId worker, JobId id, const Job& job,
                                           std::uint32_t left) const;
    [[nodiscard]] std::uint32_t batch_size(WorkerId worker, JobId id, const Job& job,
                                           std::uint32_t left) const;
    void assign();
    void assign_to(WorkerId id, bool avoid_failed);
    void assign_checks();
    void assign_checks_to(WorkerId worker, JobId id, Job& job);
    void audit_what_nobody_may_check(JobId id, Job& job);
    void grant(WorkerId worker, JobId id, Job& job, std::vector<TaskIndex> tasks, bool is_check);
    void assign_stragglers();
    void help_with(LeaseId late, std::vector<WorkerId>& idle);
    void rescue_from_strangers(JobId id, Job& job, const Lease& late);
    void audit_late_checks(JobId id, Job& job, const Lease& lease);
    [[nodiscard]] std::vector<TaskIndex> copies_for(WorkerId helper, const Lease& lease,
                                                    std::uint32_t count_max) const;

    SchedulerLimits limits_;
    Liveness liveness_;
    Trust trust_;
    LeaseBook leases_;
    Assigner assigner_;
    Rounds rounds_;
    // There may be a thousand jobs, and each event is about one or two of them: what a step asks of
    // all is listed, and the lists follow the jobs that have changed.
    std::vector<JobId> changed_jobs_;  ///< In this step: to be listed anew. Some more than once.
    bool stalled_ = false;             ///< The store takes nothing: no new leases.

    Instant now_;         ///< Of the step in progress.
    EffectList effects_;  ///< Of the step in progress.
};

}  // namespace netcompute::core
