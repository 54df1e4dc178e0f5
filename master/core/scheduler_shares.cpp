#include "core/scheduler.hpp"

#include <algorithm>
#include <utility>

/// Whose turn it is, and what leases cost. A job is charged for a lease when it is granted, by the
/// speed that was measured; with each of its outcomes, and at its end, the charge is corrected to
/// what it took. So are the copies of what a straggler was late with, and checks.
namespace netcompute::core {

void Scheduler::list_changed_jobs() {
    for (const JobId id : changed_jobs_) {
        if (const auto job = jobs_.find(id); job != jobs_.end()) list(id, job->second);
    }
    changed_jobs_.clear();
}

/// Keeps the lists of jobs in step with one that has changed.
void Scheduler::list(JobId id, const Job& job) {
    const auto belongs = [id](std::set<JobId>& jobs, bool does) {
        if (does)
            jobs.insert(id);
        else
            jobs.erase(id);
    };
    const bool may_give = job.in_round && !job.paused;
    const bool has_pending = job.tasks.pending_count() > 0;
    belongs(with_checks_, may_give && job.tasks.checks_wait());
    belongs(at_their_tail_, !job.paused && !has_pending && !leases_.active_of(id).empty());
    if (job.visit != 0) queue_.set_waiting(id, may_give && has_pending);
}

void Scheduler::unlist(JobId id) {
    with_checks_.erase(id);
    at_their_tail_.erase(id);
    queue_.remove(id);
}

/// What its open tasks should take, by all slots together.
double Scheduler::seconds_left(const Lease& lease) const {
    const Worker& worker = workers_.at(lease.worker);
    if (lease.open_count == 0) return 0;
    const auto speed = worker.seconds_per_task.find({lease.job, jobs_.at(lease.job).kernel});
    if (speed != worker.seconds_per_task.end()) return speed->second * lease.open_count;
    const double by_others = jobs_.at(lease.job).task_seconds.quantile(0.5);
    // As little as a lease is made to hold: who comes meanwhile starts with what this job has been
    // charged.
    return (by_others > 0 ? by_others : limits_.batch_seconds_min) * lease.open_count;
}

/// For how long its worker has been at work on those that it does now, all slots together.
double Scheduler::seconds_running(const Lease& lease) const {
    if (!lease.in_front) return 0;
    return to_seconds(now_ - lease.progress_at) *
           std::min(liveness_.at(lease.worker).slots, lease.open_count);
}

/// Charges its job for what is known of the lease by now, and thought of the rest.
void Scheduler::estimate(const Lease& lease) {
    charge(lease, costs_[lease.id].spent + std::max(seconds_left(lease), seconds_running(lease)));
}

/// Outcomes of this lease have come, which took so long.
void Scheduler::spend(const Lease& lease, Job& job, double slot_seconds) {
    Cost& cost = costs_[lease.id];
    const double known = std::min(slot_seconds, cost.presumed);
    cost.presumed -= known;
    cost.spent += slot_seconds - known;
    job.slot_seconds += slot_seconds - known;
}

/// A lease ends, maybe with tasks that have no outcome: if it was their turn, its worker has been
/// at work on them, for as long as they should have taken at most.
void Scheduler::presume_spent(const Lease& lease) {
    const double presumed = std::min(seconds_running(lease), seconds_left(lease));
    spend(lease, jobs_.at(lease.job), presumed);
    costs_[lease.id].presumed = presumed;
}

/// Its job has been charged so much for this lease from now on, instead of what it was before.
void Scheduler::charge(const Lease& lease, double slot_seconds) {
    Cost& cost = costs_[lease.id];
    if (slot_seconds == cost.charged) return;
    queue_.charge(lease.job, slot_seconds - cost.charged);
    cost.charged = slot_seconds;
}

}  // namespace netcompute::core
