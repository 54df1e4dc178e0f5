#include "ledger.hpp"

#include <algorithm>
#include <utility>

namespace netcompute::sim {

using namespace core;

Ledger::Ledger(SchedulerLimits limits, Surroundings surroundings)
    : limits_{limits}, around_{std::move(surroundings)} {}

void Ledger::check_step(Instant now, const Event& event, const Effects& effects,
                        const Scheduler& scheduler) {
    now_ = std::max(now, now_);
    step_ = {};
    step_.event = &event;
    std::visit([this](const auto& fact) { on(fact); }, event);
    end_late_restored_leases();
    for (const Effect& effect : effects) {
        std::visit([this](const auto& one) { check(one); }, effect);
    }
    check_obligations();
    check_jobs(scheduler);
    check_workers(scheduler);
    check_leases(scheduler);
    check_no_idleness();
}

// ---- After the step -----------------------------------------------------------------------------

void Ledger::check_obligations() {
    if (!step_.to_record.empty()) broken("a valid first output was not recorded");
    if (!step_.to_audit.empty()) {
        broken("two workers disagree on task " + std::to_string(*step_.to_audit.begin()) +
               ", and nobody looks at it");
    }
    if (!step_.to_disown.empty() && !stalled_) {  // Else it is told once that is over.
        broken("a worker named lease " + std::to_string(step_.to_disown[0].value) +
               ", which is over, and was not told so");
    }
    if (!step_.to_contest.empty()) {
        broken("a liar had results in job " + std::to_string(step_.to_contest.begin()->value) +
               ", and it goes on as if not");
    }
    if (step_.to_end) {
        broken("job " + std::to_string(step_.to_end->value) +
               " has no further round, and neither ends nor goes back");
    }
    if (step_.audit == nullptr) return;
    for (const Word& word : step_.audited_words) {
        const auto worker = workers_.find(word.worker);
        const bool is_right = word.sha256 == step_.audit->sha256 || step_.audit->failed;
        if (is_right || worker == workers_.end() || worker->second.quarantined) continue;
        broken("worker " + std::to_string(word.worker.value) + " was proven wrong and goes on");
    }
}

void Ledger::check_jobs(const Scheduler& scheduler) {
    for (auto entry = jobs_.begin(); entry != jobs_.end();) {
        const auto view = scheduler.round(entry->first);
        const Job& job = entry->second;
        const std::string name = "job " + std::to_string(entry->first.value);
        if (!view) {
            if (job.active_lease_count != 0) broken(name + " ended and left leases");
            forget_leases(entry->first);
            entry = jobs_.erase(entry);
            continue;
        }
        if (!job.in_round) {
            if (job.active_lease_count != 0) broken(name + ": a round ended and left leases");
            forget_leases((entry++)->first);
            continue;
        }
        std::uint32_t waiting = 0;
        std::uint32_t counting_min = 0;
        std::uint32_t counting_max = 0;
        for (const Task& task : job.tasks) {
            if (waits(task)) ++waiting;
            if (must_count(job, task)) ++counting_min;
            if (may_count(job, task)) ++counting_max;
        }
        if (view->pending_count != waiting || view->succeeded_count < counting_min ||
            view->succeeded_count > counting_max) {
            broken(name + ": the scheduler counts " + std::to_string(view->pending_count) +
                   " waiting tasks and " + std::to_string(view->succeeded_count) +
                   " done, the ledger " + std::to_string(waiting) + " and " +
                   std::to_string(counting_min) + " to " + std::to_string(counting_max));
        }
        ++entry;
    }
}

void Ledger::check_workers(const Scheduler& scheduler) {
    for (auto entry = workers_.begin(); entry != workers_.end();) {
        const auto view = scheduler.worker(entry->first);
        const Worker& worker = entry->second;
        const std::string name = "worker " + std::to_string(entry->first.value);
        const std::uint32_t lease_count = view ? view->lease_count : 0;
        if (lease_count != worker.lease_count) {
            broken(name + " holds " + std::to_string(worker.lease_count) +
                   " leases, the scheduler thinks " + std::to_string(lease_count));
        }
        if (view &&
            (view->validated != worker.validated || view->quarantined != worker.quarantined)) {
            broken(name + " has " + std::to_string(worker.validated) +
                   " confirmed results, the scheduler counts " + std::to_string(view->validated));
        }
        entry = view ? std::next(entry) : workers_.erase(entry);
    }
}

void Ledger::check_leases(const Scheduler& scheduler) {
    for (const auto& [id, lease] : leases_) {
        if (!lease.active) continue;
        const Instant due = lease.renewed + lease.duration;
        if (due <= now_) broken("lease " + std::to_string(id.value) + " ran out and goes on");
        if (scheduler.next_deadline() > due) {
            broken("nobody will look at lease " + std::to_string(id.value) + " when it runs out");
        }
    }
}

/// A worker with room does not wait while a task waits that it may do.
void Ledger::check_no_idleness() {
    const bool avoids = available_count() > 1;
    for (const auto& [id, worker] : workers_) {
        if (!takes_tasks(worker) || worker.lease_count >= limits_.leases_per_worker_max) continue;
        for (const auto& [job_id, job] : jobs_) {
            if (!may_be_served(job)) continue;
            for (TaskIndex index = 0; index < job.tasks.size(); ++index) {
                const Task& task = job.tasks[index];
                if (!waits(task) || (avoids && task.failed_on == id)) continue;
                return broken("worker " + std::to_string(id.value) + " has room while task " +
                              std::to_string(index) + " of job " + std::to_string(job_id.value) +
                              " waits");
            }
        }
    }
}

// ---- Bookkeeping --------------------------------------------------------------------------------

/// The round in progress is one of the former ones now.
void Ledger::archive(Job& job) {
    job.in_round = false;
    if (!job.tasks.empty()) job.history[job.round] = std::exchange(job.tasks, {});
}

void Ledger::lose(WorkerId id, Worker& worker, bool blame) {
    worker.connected = false;
    for (auto& [lease_id, lease] : leases_) {
        if (lease.worker != id || !lease.active) continue;
        give_back(lease, blame);
        end(lease);
        if (blame) worker.lost_leases.push_back(lease_id);
    }
}

/// A worker that resumes its session did not crash: none of its tasks can have brought it down.
void Ledger::take_back_blame(const Worker& worker) {
    for (const LeaseId id : worker.lost_leases) {
        const auto found = leases_.find(id);
        if (found == leases_.end()) continue;
        Lease& lease = found->second;
        for (const TaskIndex index : std::exchange(lease.blamed, {})) {
            --losses_of(jobs_.at(lease.job).tasks[index], lease.blamed_proven);
        }
    }
}

/// What strangers do and say is counted by itself, and so is with what newcomers are lost: it can
/// fail no job.
std::uint32_t& Ledger::losses_of(Task& task, bool is_proven) {
    return is_proven ? task.losses_max : task.stranger_failures;
}

bool Ledger::is_proven(WorkerId worker) const {
    const Worker& known = workers_.at(worker);
    return known.is_believed && known.has_delivered;
}

void Ledger::hold(Lease& lease, Job& job) {
    for (std::size_t place = 0; place < lease.tasks.size(); ++place) {
        if (lease.has_outcome[place]) continue;
        Task& task = job.tasks.at(lease.tasks[place]);
        lease.is_check ? ++task.checkers : ++task.holders;
        ++lease.open_count;
    }
    ++job.active_lease_count;
    ++workers_.at(lease.worker).lease_count;
}

void Ledger::end(Lease& lease) {
    lease.active = false;
    --workers_.at(lease.worker).lease_count;
    --jobs_.at(lease.job).active_lease_count;
}

void Ledger::give_back(Lease& lease, bool blame) {
    Job& job = jobs_.at(lease.job);
    if (!job.in_round) return;
    lease.blamed_proven = is_proven(lease.worker);
    for (std::size_t place = 0; place < lease.tasks.size(); ++place) {
        if (lease.has_outcome[place]) continue;
        Task& task = job.tasks[lease.tasks[place]];
        if (blame) {
            ++losses_of(task, lease.blamed_proven);
            lease.blamed.push_back(lease.tasks[place]);
        }
        lease.is_check ? --task.checkers : --task.holders;
    }
}

void Ledger::forget_leases(JobId id) {
    for (auto entry = leases_.begin(); entry != leases_.end();) {
        if (entry->second.job != id) {
            ++entry;
            continue;
        }
        if (entry->second.active) end(entry->second);
        entry = leases_.erase(entry);
    }
}

void Ledger::leave_job(JobId id) {
    if (step_.to_end == id) step_.to_end.reset();
    step_.to_contest.erase(id);
    // Of a job that is gone, nothing is kept.
    step_.to_record.clear();
    step_.to_audit.clear();
    forget_leases(id);
    jobs_.erase(id);
}

bool Ledger::waits(const Task& task) {
    return !task.output.there && task.holders == 0;
}

/// Whether all of these results are for tasks that the sender was given under this lease.
bool Ledger::is_of(const ResultsReceived& event, const Lease& lease) {
    return lease.worker == event.worker && lease.job == event.job && lease.round == event.round &&
           std::ranges::all_of(event.outcomes, [&](const Outcome& outcome) {
               return std::ranges::binary_search(lease.tasks, outcome.index);
           });
}

bool Ledger::may_be_served(const Job& job) const {
    return job.in_round && !job.paused && !stalled_;
}

bool Ledger::takes_tasks(const Worker& worker) const {
    return worker.connected && !worker.drained && !worker.quarantined &&
           (worker.state == WorkerState::Idle || worker.state == WorkerState::Busy);
}

std::uint32_t Ledger::available_count() const {
    return static_cast<std::uint32_t>(
        std::count_if(workers_.begin(), workers_.end(), [](const auto& entry) {
            const Worker& worker = entry.second;
            return worker.connected &&
                   (worker.state == WorkerState::Idle || worker.state == WorkerState::Busy);
        }));
}

}  // namespace netcompute::sim
