#include "core/scheduler.hpp"

#include <algorithm>
#include <cmath>

namespace netcompute::core {
namespace {

/// A worker's claim about its own speed, made harmless: not even all its slots together can have
/// computed for longer than `seconds_max`.
double bounded_seconds(double seconds, double seconds_max) {
    constexpr double seconds_min = 1e-7;
    return std::isfinite(seconds) ? std::clamp(seconds, seconds_min, std::max(seconds_max, 1e-3))
                                  : seconds_min;
}

}  // namespace

void Scheduler::on(const ResultsReceived& event) {
    if (!trust_.counts(event.worker)) return;
    if (liveness_.is_connected(event.worker)) heard_from(event.worker);
    const ResultsClaim claim = leases_.claim_of(event);
    if (!claim.objection.empty()) {
        effects_.add(
            CloseSession{event.worker,
                         {ErrorCode::ProtocolViolation, "it sent results for " + claim.objection}});
    }
    if (claim.lease == nullptr || event.outcomes.empty()) return;
    record_outcomes(event, *claim.lease, rounds_.at(event.job));
}

void Scheduler::record_outcomes(const ResultsReceived& event, const Lease& lease, Job& job) {
    const auto count = static_cast<double>(event.outcomes.size());
    const double seconds_max =
        to_seconds(now_ - lease.granted_at) * liveness_.at(event.worker).slots / count;
    const double seconds_each = bounded_seconds(event.busy_seconds / count, seconds_max);
    assigner_.measure(event.worker, event.job, job.kernel, seconds_each,
                      static_cast<std::uint32_t>(event.outcomes.size()));
    leases_.note_progress(now_, lease.id);
    assigner_.look_again(now_);
    if (!trust_.at(event.worker).is_proven()) {
        trust_.answer_for(event.worker,
                          static_cast<std::uint32_t>(std::ranges::count_if(
                              event.outcomes, [](const Outcome& one) { return !one.failed; })));
    }

    const std::uint32_t open_before = lease.open_count;
    RecordOutputs record{event.job, event.round, event.worker, {}};
    std::vector<TaskIndex> seconds;  // Positions of votes on outputs that are there.
    for (std::uint32_t position = 0; position < event.outcomes.size(); ++position) {
        const Outcome& outcome = event.outcomes[position];
        // Some are sent again after a reconnection.
        if (!leases_.take_outcome(lease.id, outcome.index)) continue;
        if (outcome.failed) {
            if (!record_failure(event, position, lease, job)) return;  // The job is gone.
        } else if (!job.tasks.has_output(outcome.index)) {
            job.tasks.put_output(outcome.index, event.worker, outcome.sha256);
            record.positions.push_back(position);
            let_go(lease, outcome.index, job);
        } else {
            seconds.push_back(position);
        }
    }
    job.slot_seconds += assigner_.spend(lease.id, seconds_each * (open_before - lease.open_count));
    if (!lease.active)
        assigner_.settle(lease.id, lease.job);
    else if (lease.open_count > 0)
        assigner_.estimate(work_of(lease));  // Else it ends, and is charged, below.
    const std::vector<std::uint32_t> firsts = record.positions;
    if (!firsts.empty()) {
        trust_.note_delivery(event.worker);
        effects_.add(std::move(record));
    }
    for (const std::uint32_t position : firsts)
        trust_.judge(job.terms, job.tasks, event.outcomes[position].index);
    for (const std::uint32_t position : seconds) {
        const Outcome& outcome = event.outcomes[position];
        second_vote(event.job, job, outcome.index, {event.worker, outcome.sha256});
        let_go(lease, outcome.index, job);
    }
    if (lease.active && lease.open_count == 0) end_lease(lease);
    // Copies and late results may have made what others still do pointless.
    const bool others_do_it = std::ranges::any_of(
        event.outcomes, [&](const Outcome& outcome) { return job.tasks.is_held(outcome.index); });
    if (others_do_it && !job.tasks.complete()) revoke_pointless(event.job, job);
}

/// An active lease has this task's outcome.
void Scheduler::let_go(const Lease& lease, TaskIndex index, Job& job) {
    if (!lease.active) return;
    lease.is_check ? job.tasks.release_check(index) : job.tasks.release(index);
}

void Scheduler::revoke_pointless(JobId id, Job& job) {
    for (const LeaseId each : IdSet<LeaseId>{leases_.active_of(id)})
        revoke_if_pointless(leases_.at(each), job);
}

/// False if the failure was the task's last: the job has failed and is removed.
bool Scheduler::record_failure(const ResultsReceived& event, std::uint32_t position,
                               const Lease& lease, Job& job) {
    const Outcome& outcome = event.outcomes[position];
    if (lease.is_check || job.tasks.has_output(outcome.index)) {
        if (job.tasks.wants_check(outcome.index)) request_audit(event.job, job, outcome.index);
        let_go(lease, outcome.index, job);
        return true;
    }
    const bool worker_is_to_blame = outcome.error.code == ErrorCode::Unavailable;
    const Trust::Worker& worker = trust_.at(event.worker);
    const bool is_stranger = !worker.is_believed;
    if (worker_is_to_blame && !worker.is_proven()) {
        std::ignore = blame(lease, outcome.index);
        let_go(lease, outcome.index, job);
        return true;
    }
    const std::uint32_t count =
        worker_is_to_blame ? job.tasks.count_infrastructure_failure(outcome.index)
        : is_stranger      ? job.tasks.count_stranger_failure(outcome.index, event.worker)
                           : job.tasks.count_own_failure(outcome.index, event.worker);
    const std::uint32_t count_max =
        worker_is_to_blame ? limits_.infrastructure_failures_max : limits_.own_failures_max;
    const bool is_believed =
        !is_stranger && trust_.mode_for(job.terms, event.worker) == ValidationMode::None;
    const auto may_be_made_of_lies = [&] {
        return !worker_is_to_blame && job.doubt_strangers(job.round, words()).has_value();
    };
    if (count >= count_max && is_stranger) {
        // Strangers shall not end a job, neither by saying that it fails nor by making it fail:
        // the master tries by itself, and then looks at what it was made of.
        rescue(event.job, job, outcome.index);
    } else if (count >= count_max && (!is_believed || may_be_made_of_lies())) {
        request_audit(event.job, job, outcome.index);
    } else if (count >= count_max) {
        fail_job(event.job,
                 {outcome.error.code, task_name(event.job, event.round, outcome.index) +
                                          " failed " + std::to_string(count) +
                                          " times, last with: " + outcome.error.message});
        return false;
    }
    let_go(lease, outcome.index, job);
    return true;
}

/// Takes an active lease off every list; it stays known, to recognize its late results.
void Scheduler::end_lease(const Lease& lease) {
    note_change(lease.job);
    rounds_.at(lease.job).slot_seconds += assigner_.end(work_of(lease));
    leases_.end(now_, lease.id);
    assigner_.look_again(now_);
    refresh_state(lease.worker);
}

/// Ends a lease whose outcomes may never come: its open tasks go to others.
void Scheduler::abandon_lease(const Lease& lease, bool blame_running_tasks) {
    end_lease(lease);
    Job& job = rounds_.at(lease.job);
    std::uint32_t blamed_count = 0;
    const bool is_proven = trust_.at(lease.worker).is_proven();
    const Liveness::Worker& session = liveness_.at(lease.worker);
    const std::uint32_t blamed_max =
        is_proven ? session.slots : std::min(session.slots, limits_.blamed_per_stranger_max);
    for (const TaskIndex index : lease.open_tasks()) {
        lease.is_check ? job.tasks.release_check(index) : job.tasks.release(index);
        if (!blame_running_tasks || blamed_count == blamed_max) continue;
        ++blamed_count;
        if (lease.is_check) {
            lose_check(lease, index);
            continue;
        }
        if (!session.connected) {
            trust_.blame(lease.worker, {lease.job, lease.round, index, is_proven});
        }
        if (!blame(lease, index)) return;
    }
}

/// A worker was lost while it made a check. After several such losses the master makes the check,
/// for workers that take checks and disconnect could delay the job without limit; but a quorum is a
/// number of PCs, to which the master does not add.
void Scheduler::lose_check(const Lease& lease, TaskIndex index) {
    Job& job = rounds_.at(lease.job);
    if (job.terms.validation.mode == ValidationMode::Quorum) return;
    const std::uint32_t losses = job.tasks.count_stranger_loss(index);
    const bool is_due = losses >= limits_.stranger_losses_max && job.tasks.wants_check(index);
    if (is_due) request_audit(lease.job, job, index);
}

/// A worker was lost while it ran this task. False if that was the task's last: the job has failed
/// and is removed. Unproven workers may disconnect on purpose: after several losses of such the
/// master runs the task itself, and knows.
bool Scheduler::blame(const Lease& lease, TaskIndex index) {
    Job& job = rounds_.at(lease.job);
    if (!trust_.at(lease.worker).is_proven()) {
        trust_.count_loss(lease.worker);
        const std::uint32_t losses = job.tasks.count_stranger_loss(index);
        if (losses >= limits_.stranger_losses_max) rescue(lease.job, job, index);
        return true;
    }
    const std::uint32_t losses = job.tasks.count_infrastructure_failure(index);
    if (losses < limits_.infrastructure_failures_max || job.tasks.has_output(index)) return true;
    fail_job(lease.job, {ErrorCode::Unavailable,
                         "the worker was lost " + std::to_string(losses) + " times while it ran " +
                             task_name(lease.job, lease.round, index) +
                             "; if the workers were not stopped, the task may crash them"});
    return false;
}

/// Has the master compute a task that unproven workers do not deliver; but only a few at a time. Of
/// the other tasks, the next loss asks again.
void Scheduler::rescue(JobId id, Job& job, TaskIndex index) {
    if (job.tasks.has_output(index) || job.tasks.audited(index)) return;
    if (trust_.begin_rescue(id, job.visit, index)) request_audit(id, job, index, true);
}

void Scheduler::expire_leases() {
    while (const auto id = leases_.next_expired(now_)) {
        const Lease& lease = leases_.at(*id);
        effects_.add(RevokeLease{*id, lease.worker, RevokeReason::Expired});
        // One that nobody claimed after the master's own end was never heard of, maybe.
        abandon_lease(lease, lease.claimed);
    }
}

/// Ends a lease early when all that it still has to do has been done by others.
void Scheduler::revoke_if_pointless(const Lease& lease, Job& job) {
    const RoundTasks& tasks = job.tasks;
    const std::vector<TaskIndex> open = lease.open_tasks();
    const auto is_wanted = [&](TaskIndex index) {
        return lease.is_check ? tasks.wants_check(index) : !tasks.has_output(index);
    };
    if (std::ranges::any_of(open, is_wanted)) return;
    effects_.add(RevokeLease{lease.id, lease.worker, RevokeReason::DoneElsewhere});
    for (const TaskIndex index : open) let_go(lease, index, job);
    end_lease(lease);
}

}  // namespace netcompute::core
