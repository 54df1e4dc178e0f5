#include "core/scheduler.hpp"

#include <algorithm>
#include <cmath>

namespace netcompute::core {

/// Gives every idle worker a lease before anyone gets one ahead.
void Scheduler::assign() {
    if (stalled_) return straggler_deadline_.reset();
    assign_checks();
    const bool avoid_failed = available_worker_count() > 1;
    for (std::size_t place = 0; place < with_room_.size(); ++place) {
        const std::set<WorkerId>& holders = with_room_[place];
        for (auto next = holders.begin(); next != holders.end();) {
            if (queue_.empty()) break;
            const WorkerId id = *next++;  // Before it moves to those that hold one more.
            Worker& worker = workers_.at(id);
            std::size_t held_before = 0;
            do {
                held_before = leases_.held_by(id).size();
                assign_to(id, worker, avoid_failed);
                // Whom the master is, or was, wary of waits in the last place while it has room.
            } while (leases_.held_by(id).size() > held_before && worker.room == place);
        }
    }
    assign_stragglers();
}

/// A lease for this worker, of the first job that has something for it.
void Scheduler::assign_to(WorkerId id, Worker& worker, bool avoid_failed) {
    std::vector<JobId> refused;  // All that waits of them has failed on this worker.
    while (const auto next = queue_.next(refused)) {
        Job& job = jobs_.at(*next);
        const std::uint32_t size = batch_size(id, *next, job, job.tasks.pending_count());
        auto tasks = job.tasks.take(id, size, avoid_failed);
        if (!tasks.empty()) return grant(id, worker, *next, job, std::move(tasks), false);
        refused.push_back(*next);
    }
}

/// Checks come first: a round waits for them, and each may turn up a lie.
void Scheduler::assign_checks() {
    // A job leaves the list when its last check is given out.
    for (auto place = with_checks_.begin(); place != with_checks_.end();) {
        const JobId job_id = *place;
        Job& job = jobs_.at(job_id);
        for (std::set<WorkerId>& holders : with_room_) {
            for (auto next = holders.begin(); next != holders.end();) {
                const WorkerId id = *next++;
                if (!trust_.is_asked_for_checks(job.terms, id)) continue;
                Worker& worker = workers_.at(id);
                const std::uint32_t size =
                    batch_size(id, job_id, job, job.tasks.waiting_check_count());
                auto tasks = job.tasks.take_checks(size, [&, &asked = job](const Voters& voters) {
                    return trust_.may_check(asked.terms, voters, id);
                });
                if (!tasks.empty()) grant(id, worker, job_id, job, std::move(tasks), true);
            }
        }
        audit_what_nobody_may_check(job_id, job);
        place = with_checks_.upper_bound(job_id);
    }
}

/// Where no worker that is there may make a check, the master does; but not to make up a quorum,
/// which is a number of PCs.
void Scheduler::audit_what_nobody_may_check(JobId id, Job& job) {
    if (job.terms.validation.mode == ValidationMode::Quorum || !job.tasks.checks_wait()) return;
    std::vector<WorkerId> checkers;
    for (const auto& [worker_id, session] : liveness_.workers()) {
        const bool is_there = session.awaited || session.is_available();
        if (is_there && trust_.is_asked_for_checks(job.terms, worker_id))
            checkers.push_back(worker_id);
    }
    const auto nobody_may = [&](const Voters& voters) {
        return std::ranges::none_of(
            checkers, [&](WorkerId worker) { return trust_.may_check(job.terms, voters, worker); });
    };
    for (const TaskIndex index : job.tasks.waiting_checks(nobody_may))
        request_audit(id, job, index);
    list(id, job);
}

/// As many tasks as keep the worker busy for batch_seconds, which equal jobs share, so that each of
/// them has its turn soon; but no more than its share of half of those that are left, so that the
/// last leases of a round are small and end together.
std::uint32_t Scheduler::batch_size(WorkerId worker_id, JobId id, const Job& job,
                                    std::uint32_t left) const {
    const Worker& worker = workers_.at(worker_id);
    if (trust_.is_wary_of(worker_id)) return 1;
    const std::uint32_t slots = liveness_.at(worker_id).slots;
    const auto speed = worker.seconds_per_task.find({id, job.kernel});
    if (speed == worker.seconds_per_task.end()) return slots;  // Measure it first.
    const auto rival_count = static_cast<double>(std::max<std::size_t>(queue_.rival_count(), 1));
    const double seconds = std::max(limits_.batch_seconds / rival_count, limits_.batch_seconds_min);
    const double by_speed = seconds * slots / speed->second;
    const std::uint64_t round_count = std::max<std::uint64_t>(2 * liveness_.available_slots(), 1);
    const std::uint64_t by_share = (left + round_count - 1) / round_count * slots;
    const std::uint64_t by_bytes =
        limits_.batch_bytes_max / std::max<std::uint64_t>(job.task_bytes, 1);
    std::uint64_t size = std::min<std::uint64_t>(by_share, limits_.batch_tasks_max);
    if (by_speed < static_cast<double>(size)) size = static_cast<std::uint64_t>(by_speed);
    size = std::max<std::uint64_t>(size, slots);
    return static_cast<std::uint32_t>(std::max<std::uint64_t>(std::min(size, by_bytes), 1));
}

void Scheduler::grant(WorkerId worker_id, Worker& worker, JobId job_id, Job& job,
                      std::vector<TaskIndex> tasks, bool is_check) {
    // The work ahead of it counts too: a lease waits for those that its worker holds already.
    double expected_seconds = 0;
    const auto speed = worker.seconds_per_task.find({job_id, job.kernel});
    if (speed != worker.seconds_per_task.end()) {
        const std::uint64_t open_count = tasks.size() + leases_.open_tasks_of(worker_id);
        expected_seconds =
            speed->second * static_cast<double>(open_count) / liveness_.at(worker_id).slots;
    }
    const Lease& lease = leases_.grant(
        now_, {worker_id, job_id, job.round, std::move(tasks), is_check}, expected_seconds);
    effects_.push_back(
        AssignTasks{lease.id, worker_id, job_id, job.round, lease.tasks, lease.deadline, is_check});
    queue_.serve(job_id);
    estimate(lease);
    look_for_stragglers();
    list(job_id, job);
    refresh_state(worker_id, worker);
}

/// Once nothing waits any more, a worker without a lease gets a second copy of what another one
/// is late with. The first result counts; the other lease is then revoked.
void Scheduler::assign_stragglers() {
    if (at_their_tail_.empty()) return straggler_deadline_.reset();
    // There may be thousands of workers, and each of their messages comes here.
    const bool may_help = late_lease_waits_ && !with_room_.front().empty();
    if (straggler_deadline_ && now_ < *straggler_deadline_ && !may_help) return;
    straggler_deadline_ = instant_never;
    late_lease_waits_ = false;
    std::vector<WorkerId> idle{with_room_.front().begin(), with_room_.front().end()};
    for (const auto& [late_id, session] : liveness_.workers()) {
        const std::vector<LeaseId>& held = leases_.held_by(late_id);
        if (held.empty()) continue;
        const Lease& front = leases_.at(held.front());
        const double p95 = jobs_.at(front.job).task_seconds.quantile(0.95);
        // Nothing to compare it with yet; but a stranger may never deliver anything.
        if (p95 == 0 && trust_.at(late_id).is_believed) continue;
        const Duration patience = p95 == 0 ? limits_.lease_seconds_min
                                           : std::max(limits_.straggler_min,
                                                      from_seconds(limits_.straggler_factor * p95));
        const Instant due = front.progress_at + patience;
        if (now_ < due) {
            straggler_deadline_ = std::min(*straggler_deadline_, due);
            continue;
        }
        for (const LeaseId lease_id : std::vector{held}) help_with(lease_id, idle);
    }
}

/// Gives what is open of a late lease to one of the idle workers, too.
void Scheduler::help_with(LeaseId late_id, std::vector<WorkerId>& idle) {
    const Lease& late = leases_.at(late_id);
    const JobId job_id = late.job;
    Job& job = jobs_.at(job_id);
    if (job.tasks.pending_count() > 0 || job.paused) return;
    if (late.is_check) return audit_late_checks(job_id, job, late);
    if (!trust_.at(late.worker).is_believed) rescue_from_strangers(job_id, job, late);
    for (auto helper = idle.begin(); helper != idle.end(); ++helper) {
        Worker& worker = workers_.at(*helper);
        auto copies = copies_for(*helper, late, batch_size(*helper, job_id, job, 0));
        if (copies.empty()) continue;
        for (const TaskIndex index : copies) job.tasks.add_holder(index);
        grant(*helper, worker, job_id, job, std::move(copies), false);
        idle.erase(helper);
        return;
    }
    late_lease_waits_ |= !copies_for(WorkerId{}, late, 1).empty();
}

/// A stranger may hold a task for ever, and so may the one that got a copy of it: where neither
/// delivers, the master does the task.
void Scheduler::rescue_from_strangers(JobId id, Job& job, const Lease& late) {
    const Instant due = late.progress_at + limits_.lease_seconds_min;
    if (now_ < due) {
        straggler_deadline_ = std::min(*straggler_deadline_, due);
        return;
    }
    for (const TaskIndex index : late.open_tasks()) {
        if (job.tasks.holders(index) > 1) rescue(id, job, index);
    }
}

/// Some front lease is another, or tasks have become quicker: what is late is to be looked at
/// again.
void Scheduler::look_for_stragglers() {
    if (!straggler_deadline_) return;
    straggler_deadline_ = std::min(*straggler_deadline_, now_ + limits_.straggler_min);
}

/// A check must not hold a round up for long: the master makes it itself.
void Scheduler::audit_late_checks(JobId id, Job& job, const Lease& lease) {
    note_change(id);
    if (job.terms.validation.mode == ValidationMode::Quorum) return;
    for (const TaskIndex index : lease.open_tasks()) {
        if (job.tasks.wants_check(index)) request_audit(id, job, index);
    }
}

/// What this worker can take over of a lease that is late: tasks that nobody else copies already
/// and that have not failed on it.
std::vector<TaskIndex> Scheduler::copies_for(WorkerId helper, const Lease& lease,
                                             std::uint32_t count_max) const {
    const Job& job = jobs_.at(lease.job);
    std::vector<TaskIndex> copies;
    for (std::size_t place = 0; place < lease.tasks.size() && copies.size() < count_max; ++place) {
        const TaskIndex index = lease.tasks[place];
        if (!lease.has_outcome[place] && !job.tasks.has_output(index) &&
            job.tasks.holders(index) == 1 && !job.tasks.failed_on(index, helper)) {
            copies.push_back(index);
        }
    }
    return copies;
}

}  // namespace netcompute::core
