#include "core/scheduler.hpp"

#include <algorithm>

namespace netcompute::core {

// ---- What the assigner is told ------------------------------------------------------------------

void Scheduler::list_changed_jobs() {
    for (const JobId id : changed_jobs_) {
        if (const Job* const job = rounds_.find(id)) list(id, *job);
    }
    changed_jobs_.clear();
}

/// Keeps the assigner in step with a job that has changed.
void Scheduler::list(JobId id, const Job& job) {
    if (job.visit == 0) return;  // None of its rounds has begun here.
    const bool may_give = job.in_round && !job.paused;
    const bool has_pending = job.tasks.pending_count() > 0;
    assigner_.set_needs(
        id, {.has_pending = may_give && has_pending,
             .has_checks = may_give && job.tasks.checks_wait(),
             .is_at_tail = !job.paused && !has_pending && !leases_.active_of(id).empty()});
}

/// Keeps the assigner in step with a worker that has changed.
void Scheduler::count_in(WorkerId id) {
    const bool takes_tasks = liveness_.at(id).is_available() && trust_.counts(id);
    const auto held_count = takes_tasks ? std::optional{leases_.held_by(id).size()} : std::nullopt;
    assigner_.set_held(id, held_count, trust_.is_wary_of(id));
}

LeaseWork Scheduler::work_of(const Lease& lease) const {
    LeaseWork work{lease.id, lease.worker, lease.job, rounds_.at(lease.job).kernel,
                   lease.open_count};
    if (lease.in_front) {
        work.seconds_running = to_seconds(now_ - lease.progress_at) *
                               std::min(liveness_.at(lease.worker).slots, lease.open_count);
    }
    return work;
}

BatchRequest Scheduler::request_for(WorkerId worker, JobId id, const Job& job,
                                    std::uint32_t left) const {
    return {worker, liveness_.at(worker).slots, id, job.kernel, job.task_bytes,
            left,   liveness_.available_slots()};
}

std::uint32_t Scheduler::batch_size(WorkerId worker, JobId id, const Job& job,
                                    std::uint32_t left) const {
    if (trust_.is_wary_of(worker)) return 1;
    return assigner_.batch_size(request_for(worker, id, job, left));
}

// ---- Who gets what ------------------------------------------------------------------------------

/// Gives every idle worker a lease before anyone gets one ahead.
void Scheduler::assign() {
    if (stalled_) return assigner_.stop_looking();
    assign_checks();
    const bool avoid_failed = available_worker_count() > 1;
    for (std::size_t place = 0; place < assigner_.place_count(); ++place) {
        for (auto id = assigner_.first_at(place); id && assigner_.has_pending();
             id = assigner_.next_at(place, *id)) {
            std::size_t held_before = 0;
            do {
                held_before = leases_.held_by(*id).size();
                assign_to(*id, avoid_failed);
                // Whom the master is, or was, wary of waits in the last place while it has room.
            } while (leases_.held_by(*id).size() > held_before && assigner_.place_of(*id) == place);
        }
    }
    assign_stragglers();
}

/// A lease for this worker, of the first job that has something for it.
void Scheduler::assign_to(WorkerId id, bool avoid_failed) {
    std::vector<JobId> refused;  // All that waits of them has failed on this worker.
    while (const auto next = assigner_.next_job(refused)) {
        Job& job = rounds_.at(*next);
        const std::uint32_t size = batch_size(id, *next, job, job.tasks.pending_count());
        auto tasks = job.tasks.take(id, size, avoid_failed);
        if (!tasks.empty()) return grant(id, *next, job, std::move(tasks), false);
        refused.push_back(*next);
    }
}

/// Checks come first: a round waits for them, and each may turn up a lie.
void Scheduler::assign_checks() {
    // A job leaves the list when its last check is given out.
    for (auto id = assigner_.first_with_checks(); id; id = assigner_.next_with_checks(*id)) {
        Job& job = rounds_.at(*id);
        for (std::size_t place = 0; place < assigner_.place_count(); ++place) {
            for (auto worker = assigner_.first_at(place); worker;
                 worker = assigner_.next_at(place, *worker)) {
                assign_checks_to(*worker, *id, job);
            }
        }
        audit_what_nobody_may_check(*id, job);
    }
}

void Scheduler::assign_checks_to(WorkerId worker, JobId id, Job& job) {
    if (!trust_.is_asked_for_checks(job.terms, worker)) return;
    const std::uint32_t size = batch_size(worker, id, job, job.tasks.waiting_check_count());
    auto tasks = job.tasks.take_checks(
        size, [&](const Voters& voters) { return trust_.may_check(job.terms, voters, worker); });
    if (!tasks.empty()) grant(worker, id, job, std::move(tasks), true);
}

/// Where no worker that is there may make a check, the master does; but not to make up a quorum,
/// which is a number of PCs.
void Scheduler::audit_what_nobody_may_check(JobId id, Job& job) {
    if (job.terms.validation.mode == ValidationMode::Quorum || !job.tasks.checks_wait()) return;
    std::vector<WorkerId> checkers;
    liveness_.workers().for_each([&](WorkerId worker, const Liveness::Worker& session) {
        const bool is_there = session.awaited || session.is_available();
        if (is_there && trust_.is_asked_for_checks(job.terms, worker)) checkers.push_back(worker);
    });
    const auto nobody_may = [&](const Voters& voters) {
        return std::ranges::none_of(
            checkers, [&](WorkerId worker) { return trust_.may_check(job.terms, voters, worker); });
    };
    for (const TaskIndex index : job.tasks.waiting_checks(nobody_may))
        request_audit(id, job, index);
    list(id, job);
}

void Scheduler::grant(WorkerId worker, JobId id, Job& job, std::vector<TaskIndex> tasks,
                      bool is_check) {
    // The work ahead of it counts too: a lease waits for those that its worker holds already.
    const std::uint64_t open_count = tasks.size() + leases_.open_tasks_of(worker);
    const double expected_seconds =
        assigner_.expected_seconds(request_for(worker, id, job, 0), open_count);
    const Lease& lease =
        leases_.grant(now_, {worker, id, job.round, std::move(tasks), is_check}, expected_seconds);
    effects_.add(
        AssignTasks{lease.id, worker, id, job.round, lease.tasks, lease.deadline, is_check});
    assigner_.serve(work_of(lease));
    assigner_.look_again(now_);
    list(id, job);
    refresh_state(worker);
}

// ---- Stragglers ---------------------------------------------------------------------------------

/// Once nothing waits any more, a worker without a lease gets a second copy of what another one
/// is late with. The first result counts; the other lease is then revoked.
void Scheduler::assign_stragglers() {
    if (!assigner_.begin_look(now_)) return;
    std::vector<WorkerId> idle = assigner_.idle();
    liveness_.workers().for_each([&](WorkerId late_id, const Liveness::Worker&) {
        const std::vector<LeaseId>& held = leases_.held_by(late_id);
        if (held.empty()) return;
        const Lease& front = leases_.at(held.front());
        const auto patience = assigner_.patience(front.job, trust_.at(late_id).is_believed);
        if (!patience) return;
        const Instant due = front.progress_at + *patience;
        if (now_ < due) {
            assigner_.look_at(due);
            return;
        }
        for (const LeaseId lease_id : std::vector{held}) help_with(lease_id, idle);
    });
}

/// Gives what is open of a late lease to one of the idle workers, too.
void Scheduler::help_with(LeaseId late_id, std::vector<WorkerId>& idle) {
    const Lease& late = leases_.at(late_id);
    const JobId job_id = late.job;
    Job& job = rounds_.at(job_id);
    if (job.tasks.pending_count() > 0 || job.paused) return;
    if (late.is_check) return audit_late_checks(job_id, job, late);
    if (!trust_.at(late.worker).is_believed) rescue_from_strangers(job_id, job, late);
    for (auto helper = idle.begin(); helper != idle.end(); ++helper) {
        auto copies = copies_for(*helper, late, batch_size(*helper, job_id, job, 0));
        if (copies.empty()) continue;
        for (const TaskIndex index : copies) job.tasks.add_holder(index);
        grant(*helper, job_id, job, std::move(copies), false);
        idle.erase(helper);
        return;
    }
    if (!copies_for(WorkerId{}, late, 1).empty()) assigner_.note_helpless();
}

/// A stranger may never deliver a task, nor may the one that got a copy of it: where neither
/// delivers, the master does the task.
void Scheduler::rescue_from_strangers(JobId id, Job& job, const Lease& late) {
    const Instant due = late.progress_at + limits_.lease_seconds_min;
    if (now_ < due) return assigner_.look_at(due);
    for (const TaskIndex index : late.open_tasks()) {
        if (job.tasks.holders(index) > 1) rescue(id, job, index);
    }
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
    const Job& job = rounds_.at(lease.job);
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
