#include "ledger.hpp"

#include <algorithm>
#include <utility>

namespace netcompute::sim {

using namespace core;

Ledger::Ledger(SchedulerLimits limits, Report report, std::function<bool(WorkerId)> is_honest)
    : limits_{limits}, report_{std::move(report)}, is_honest_{std::move(is_honest)} {}

void Ledger::check_step(Instant now, const Event& event, const Effects& effects,
                        const Scheduler& scheduler) {
    now_ = std::max(now, now_);
    step_ = {};
    step_.event = &event;
    std::visit([this](const auto& fact) { on(fact); }, event);
    for (const Effect& effect : effects) {
        std::visit([this](const auto& one) { check(one); }, effect);
    }
    if (!step_.to_record.empty() || !step_.to_compare.empty()) {
        broken("a valid outcome was neither recorded nor compared");
    }
    if (!step_.to_disown.empty()) {
        broken("a worker named lease " + std::to_string(step_.to_disown[0].value) +
               ", which is over, and was not told so");
    }
    check_agreement(scheduler);
    check_no_idleness();
}

// ---- What happened ------------------------------------------------------------------------------

void Ledger::on(const WorkerJoined& event) {
    Worker& worker = workers_[event.worker];
    worker.connected = true;
    worker.last_heard = now_;
    if (event.resumed) take_back_blame(worker);
    worker.lost_leases.clear();
}

void Ledger::on(const WorkerDisconnected& event) {
    const auto found = workers_.find(event.worker);
    if (found != workers_.end() && found->second.connected) lose(found->first, found->second, true);
}

void Ledger::on(const WorkerLeft& event) {
    const auto found = workers_.find(event.worker);
    if (found != workers_.end() && found->second.connected)
        lose(found->first, found->second, false);
}

void Ledger::on(const HeartbeatReceived& event) {
    const auto found = workers_.find(event.worker);
    if (found == workers_.end() || !found->second.connected) return;
    found->second.last_heard = now_;
    for (const LeaseId id : event.leases) {
        const auto lease = leases_.find(id);
        if (lease != leases_.end() && lease->second.worker == event.worker &&
            lease->second.active) {
            lease->second.renewed = now_;
        } else if (id <= last_lease_ &&
                   (lease == leases_.end() || lease->second.worker == event.worker)) {
            step_.to_disown.push_back(id);
        }
    }
}

void Ledger::on(const RoundStarted& event) {
    forget_leases(event.job);
    Job& job = jobs_[event.job];
    job = {};
    job.round = event.round;
    job.priority = event.priority;
    job.tasks.resize(event.task_count);
    job.pending_count = event.task_count;
}

void Ledger::on(const JobEnded& event) {
    // Its leases end with the effects that revoke them.
    if (const auto found = jobs_.find(event.job); found != jobs_.end()) {
        found->second.complete = true;
        found->second.pending_count = 0;
    }
}

void Ledger::on(const ResultsReceived& event) {
    const auto worker = workers_.find(event.worker);
    if (worker == workers_.end()) return;
    if (worker->second.connected) worker->second.last_heard = now_;
    const auto found = leases_.find(event.lease);
    if (found == leases_.end() || !is_of(event, found->second)) return;
    Lease& lease = found->second;
    Job& job = jobs_.at(lease.job);
    step_.counted = &event;
    for (std::uint32_t position = 0; position < event.outcomes.size(); ++position) {
        const Outcome& outcome = event.outcomes[position];
        const auto at = std::lower_bound(lease.tasks.begin(), lease.tasks.end(), outcome.index);
        const auto place = static_cast<std::size_t>(at - lease.tasks.begin());
        if (lease.has_outcome[place]) continue;
        lease.has_outcome[place] = true;
        --lease.open_count;
        Task& task = job.tasks[outcome.index];
        if (!outcome.failed) {
            (task.succeeded ? step_.to_compare : step_.to_record).push_back(position);
        } else if (!task.succeeded) {
            if (outcome.error.code == ErrorCode::Unavailable) {
                ++task.losses_max;
            } else {
                ++task.own_failures;
                task.failed_on = event.worker;
            }
        }
        if (!task.succeeded && !outcome.failed && task.holders == 0) --job.pending_count;
        if (lease.active) {
            --task.holders;
            const bool pending = !task.succeeded && outcome.failed && task.holders == 0;
            if (pending) ++job.pending_count;
        }
        if (!outcome.failed && !std::exchange(task.succeeded, true)) ++job.succeeded_count;
    }
    if (lease.active && lease.open_count == 0) end(event.lease, lease);
}

void Ledger::on(const ClockTicked&) {}

// ---- What the scheduler decided -----------------------------------------------------------------

void Ledger::check(const AssignTasks& effect) {
    const std::string name = "lease " + std::to_string(effect.lease.value);
    const auto worker = workers_.find(effect.worker);
    const auto found = jobs_.find(effect.job);
    if (worker == workers_.end() || !takes_tasks(worker->second)) {
        return broken(name + " went to a worker that takes no tasks");
    }
    if (found == jobs_.end() || found->second.round != effect.round || found->second.complete) {
        return broken(name + " is of a round that is not due");
    }
    if (effect.lease <= last_lease_) broken(name + " has a used number");
    last_lease_ = effect.lease;
    if (++worker->second.lease_count > limits_.leases_per_worker_max) {
        broken(name + " is more than the worker may hold");
    }
    if (effect.tasks.empty() || effect.tasks.size() > limits_.batch_tasks_max ||
        !std::is_sorted(effect.tasks.begin(), effect.tasks.end())) {
        broken(name + " has none, too many or unsorted tasks");
    }
    Job& job = found->second;
    const bool is_copy = job.tasks.at(effect.tasks.front()).holders > 0;
    if (!is_copy) check_turn_of(effect.job, job);
    for (const TaskIndex index : effect.tasks) {
        Task& task = job.tasks.at(index);
        const std::string task_name = name + ", task " + std::to_string(index);
        if (task.succeeded) broken(task_name + " has succeeded already");
        if (task.holders > 1 || (task.holders == 1) != is_copy) {
            broken(task_name + " is held by " + std::to_string(task.holders) + " others");
        }
        if (task.failed_on == effect.worker && (is_copy || available_count() > 1)) {
            broken(task_name + " failed on this worker, and others are there");
        }
        if (task.holders++ == 0) --job.pending_count;
    }
    ++job.active_lease_count;
    const auto open_count = static_cast<std::uint32_t>(effect.tasks.size());
    leases_[effect.lease] = {effect.worker,
                             effect.job,
                             effect.round,
                             effect.tasks,
                             std::vector<bool>(effect.tasks.size()),
                             open_count,
                             true,
                             now_,
                             effect.deadline - now_,
                             {}};
}

/// No job starves: one that waits with a higher priority, or the same and fewer leases, goes first.
void Ledger::check_turn_of(JobId id, const Job& job) {
    for (const auto& [other_id, other] : jobs_) {
        if (other_id == id || other.pending_count == 0) continue;
        const bool goes_first =
            other.priority > job.priority ||
            (other.priority == job.priority && other.active_lease_count < job.active_lease_count);
        if (!goes_first) continue;
        // Unless all that waits of it has failed on workers, which this one may be.
        const bool may_be_avoided =
            std::all_of(other.tasks.begin(), other.tasks.end(), [](const Task& task) {
                return task.succeeded || task.holders > 0 || task.failed_on.has_value();
            });
        if (may_be_avoided) continue;
        broken("job " + std::to_string(id.value) + " was served before job " +
               std::to_string(other_id.value) + ", whose turn it was");
    }
}

void Ledger::check(const RevokeLease& effect) {
    const std::string name = "lease " + std::to_string(effect.lease.value);
    const auto found = leases_.find(effect.lease);
    if (found == leases_.end() || !found->second.active) {
        const auto named = std::find(step_.to_disown.begin(), step_.to_disown.end(), effect.lease);
        if (named != step_.to_disown.end()) {
            step_.to_disown.erase(named);
            return;
        }
        // The loss of a worker, or a failure among its results, may have failed the job before
        // the lease was ended.
        const auto worker = workers_.find(effect.worker);
        const bool is_lost = worker == workers_.end() || !worker->second.connected;
        const bool is_counted = step_.counted != nullptr && step_.counted->lease == effect.lease;
        if (!is_lost && !is_counted) broken(name + " was revoked, but is over");
        return;
    }
    Lease& lease = found->second;
    const Job& job = jobs_.at(lease.job);
    switch (effect.reason) {
        case RevokeReason::Expired:
            if (now_ < lease.renewed + lease.duration) broken(name + " was ended before its time");
            break;
        case RevokeReason::DoneElsewhere:
            for (std::size_t place = 0; place < lease.tasks.size(); ++place) {
                if (!lease.has_outcome[place] && !job.tasks[lease.tasks[place]].succeeded) {
                    broken(name + " was ended though it has tasks to do");
                }
            }
            break;
        case RevokeReason::JobEnded:
            // A job that fails says so after its leases are revoked; check(FailJob) looks at it.
            break;
    }
    give_back(lease, effect.reason == RevokeReason::Expired);
    end(effect.lease, lease);
}

void Ledger::check(const RecordOutputs& effect) {
    if (step_.counted == nullptr || effect.positions != step_.to_record) {
        broken("the outputs that were recorded are not those that came first");
    }
    step_.to_record.clear();
}

void Ledger::check(const CompareOutput& effect) {
    const auto found = std::find(step_.to_compare.begin(), step_.to_compare.end(), effect.position);
    if (found == step_.to_compare.end()) return broken("a first output was only compared");
    step_.to_compare.erase(found);
}

void Ledger::check(const CompleteRound& effect) {
    const auto found = jobs_.find(effect.job);
    if (found == jobs_.end() || found->second.round != effect.round || found->second.complete ||
        found->second.succeeded_count != found->second.tasks.size()) {
        return broken("job " + std::to_string(effect.job.value) +
                      ": a round was completed that is not complete, or was before");
    }
    found->second.complete = true;
}

void Ledger::check(const FailJob& effect) {
    const auto found = jobs_.find(effect.job);
    const std::string name = "job " + std::to_string(effect.job.value);
    if (found == jobs_.end()) return broken(name + " failed, but is over");
    const bool has_reason = std::any_of(
        found->second.tasks.begin(), found->second.tasks.end(), [this](const Task& task) {
            return task.losses_max >= limits_.infrastructure_failures_max ||
                   task.own_failures >= limits_.own_failures_max;
        });
    if (!has_reason) broken(name + " failed without reason: " + effect.error.message);
    step_.to_record.clear();  // Of a job that is gone, nothing is kept.
    step_.to_compare.clear();
    forget_leases(effect.job);
    jobs_.erase(found);
}

void Ledger::check(const CloseSession& effect) {
    if (effect.error.code == ErrorCode::ProtocolViolation && !is_honest_(effect.worker)) return;
    const auto found = workers_.find(effect.worker);
    const bool is_silent = found != workers_.end() &&
                           now_ - found->second.last_heard >= limits_.lost_after &&
                           effect.error.code == ErrorCode::Unavailable;
    if (!is_silent) broken("an honest worker's session was closed: " + effect.error.message);
}

void Ledger::check(const PublishWorker& effect) {
    Worker& worker = workers_[effect.worker];
    worker.state = effect.state;
    if (effect.state != WorkerState::Lost || !worker.connected) return;
    if (now_ - worker.last_heard < limits_.lost_after) {
        broken("worker " + std::to_string(effect.worker.value) + " was given up though it speaks");
    }
    lose(effect.worker, worker, true);
}

// ---- After the step -----------------------------------------------------------------------------

void Ledger::check_agreement(const Scheduler& scheduler) {
    for (auto entry = jobs_.begin(); entry != jobs_.end();) {
        const auto view = scheduler.round(entry->first);
        const Job& job = entry->second;
        if (!view) {
            if (job.active_lease_count != 0) broken("a job ended and left leases");
            forget_leases(entry->first);
            entry = jobs_.erase(entry);
            continue;
        }
        if (view->pending_count != job.pending_count ||
            view->succeeded_count != job.succeeded_count) {
            broken("job " + std::to_string(entry->first.value) + ": the scheduler counts " +
                   std::to_string(view->pending_count) + " waiting tasks and " +
                   std::to_string(view->succeeded_count) + " done, the ledger " +
                   std::to_string(job.pending_count) + " and " +
                   std::to_string(job.succeeded_count));
        }
        if (job.complete && job.active_lease_count != 0) broken("a round ended and left leases");
        if (job.complete) forget_leases(entry->first);
        ++entry;
    }
    for (auto entry = workers_.begin(); entry != workers_.end();) {
        const auto view = scheduler.worker(entry->first);
        const std::uint32_t lease_count = view ? view->lease_count : 0;
        if (lease_count != entry->second.lease_count) {
            broken("worker " + std::to_string(entry->first.value) + " holds " +
                   std::to_string(entry->second.lease_count) + " leases, the scheduler thinks " +
                   std::to_string(lease_count));
        }
        entry = view ? std::next(entry) : workers_.erase(entry);
    }
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
            if (job.pending_count == 0) continue;
            for (TaskIndex index = 0; index < job.tasks.size(); ++index) {
                const Task& task = job.tasks[index];
                if (task.succeeded || task.holders > 0) continue;
                if (avoids && task.failed_on == id) continue;
                return broken("worker " + std::to_string(id.value) + " has room while task " +
                              std::to_string(index) + " of job " + std::to_string(job_id.value) +
                              " waits");
            }
        }
    }
}

// ---- Bookkeeping --------------------------------------------------------------------------------

void Ledger::lose(WorkerId id, Worker& worker, bool blame) {
    worker.connected = false;
    for (auto& [lease_id, lease] : leases_) {
        if (lease.worker != id || !lease.active) continue;
        give_back(lease, blame);
        end(lease_id, lease);
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
            --jobs_.at(lease.job).tasks[index].losses_max;
        }
    }
}

void Ledger::end(LeaseId, Lease& lease) {
    lease.active = false;
    --workers_.at(lease.worker).lease_count;
    --jobs_.at(lease.job).active_lease_count;
}

void Ledger::give_back(Lease& lease, bool blame) {
    Job& job = jobs_.at(lease.job);
    for (std::size_t place = 0; place < lease.tasks.size(); ++place) {
        if (lease.has_outcome[place]) continue;
        Task& task = job.tasks[lease.tasks[place]];
        if (blame) {
            ++task.losses_max;
            lease.blamed.push_back(lease.tasks[place]);
        }
        if (--task.holders == 0 && !task.succeeded && !job.complete) ++job.pending_count;
    }
}

void Ledger::forget_leases(JobId id) {
    for (auto entry = leases_.begin(); entry != leases_.end();) {
        if (entry->second.job != id) {
            ++entry;
            continue;
        }
        if (entry->second.active) end(entry->first, entry->second);
        entry = leases_.erase(entry);
    }
}

/// Whether all of these results are for tasks that the sender was given under this lease.
bool Ledger::is_of(const ResultsReceived& event, const Lease& lease) {
    return lease.worker == event.worker && lease.job == event.job && lease.round == event.round &&
           std::ranges::all_of(event.outcomes, [&](const Outcome& outcome) {
               return std::ranges::binary_search(lease.tasks, outcome.index);
           });
}

bool Ledger::takes_tasks(const Worker& worker) const {
    return worker.connected &&
           (worker.state == WorkerState::Idle || worker.state == WorkerState::Busy);
}

std::uint32_t Ledger::available_count() const {
    return static_cast<std::uint32_t>(
        std::count_if(workers_.begin(), workers_.end(),
                      [this](const auto& entry) { return takes_tasks(entry.second); }));
}

}  // namespace netcompute::sim
