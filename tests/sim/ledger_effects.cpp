#include "ledger.hpp"

#include <algorithm>
#include <utility>

namespace netcompute::sim {

using namespace core;

void Ledger::check(const AssignTasks& effect) {
    const std::string name = "lease " + std::to_string(effect.lease.value);
    const auto worker = workers_.find(effect.worker);
    const auto found = jobs_.find(effect.job);
    if (worker == workers_.end() || !takes_tasks(worker->second)) {
        return broken(name + " went to a worker that takes no tasks");
    }
    if (found == jobs_.end() || found->second.round != effect.round || !found->second.in_round) {
        return broken(name + " is of a round that is not due");
    }
    Job& job = found->second;
    if (job.paused) broken(name + " is of a paused job");
    if (stalled_) broken(name + " was given out though it cannot be written down");
    if (effect.lease <= last_lease_) broken(name + " has a used number");
    last_lease_ = effect.lease;
    if (worker->second.lease_count >= limits_.leases_per_worker_max) {
        broken(name + " is more than the worker may hold");
    }
    if (effect.tasks.empty() || effect.tasks.size() > limits_.batch_tasks_max ||
        !std::is_sorted(effect.tasks.begin(), effect.tasks.end())) {
        broken(name + " has none, too many or unsorted tasks");
    }
    effect.is_check ? check_check(name, effect, job) : check_grant(name, effect, job);
    Lease lease{.worker = effect.worker,
                .job = effect.job,
                .round = effect.round,
                .tasks = effect.tasks,
                .has_outcome = std::vector<bool>(effect.tasks.size()),
                .is_check = effect.is_check,
                .authors = {},
                .renewed = now_,
                .duration = effect.deadline - now_,
                .blamed = {}};
    for (const TaskIndex index : effect.tasks) {
        lease.authors.push_back(job.tasks.at(index).output.author);
    }
    hold(lease, job);
    leases_[effect.lease] = std::move(lease);
}

void Ledger::check_grant(const std::string& name, const AssignTasks& effect, Job& job) {
    const bool is_copy = job.tasks.at(effect.tasks.front()).holders > 0;
    if (!is_copy) check_turn_of(effect.job, job);
    for (const TaskIndex index : effect.tasks) {
        const Task& task = job.tasks.at(index);
        const std::string task_name = name + ", task " + std::to_string(index);
        if (task.output.there) broken(task_name + " has its output already");
        if (task.holders > 1 || (task.holders == 1) != is_copy) {
            broken(task_name + " is held by " + std::to_string(task.holders) + " others");
        }
        if (task.failed_on == effect.worker && (is_copy || available_count() > 1)) {
            broken(task_name + " failed on this worker, and others are there");
        }
    }
}

void Ledger::check_check(const std::string& name, const AssignTasks& effect, Job& job) {
    for (const TaskIndex index : effect.tasks) {
        const Task& task = job.tasks.at(index);
        const std::string task_name = name + ", check of task " + std::to_string(index);
        if (!task.output.there || task.output.confirmed) broken(task_name + ": there is no need");
        if (task.audit) broken(task_name + ": the master makes it already");
        if (task.checkers > 0) broken(task_name + " is made already");
        if (!may_confirm(job, task.output, effect.worker)) {
            broken(task_name + " went to a worker that may not confirm it");
        }
    }
}

/// One that waits with a higher priority goes first. How equal ones share shows over a whole run.
void Ledger::check_turn_of(JobId id, const Job& job) {
    for (const auto& [other_id, other] : jobs_) {
        if (other_id == id || !may_be_served(other)) continue;
        if (other.priority <= job.priority || std::ranges::none_of(other.tasks, waits)) continue;
        // Unless all that waits of it has failed on workers, which this one may be.
        const bool may_be_avoided = std::ranges::all_of(other.tasks, [](const Task& task) {
            return !waits(task) || task.failed_on.has_value();
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
                const Output& output = job.tasks[lease.tasks[place]].output;
                const bool is_wanted = lease.is_check ? output.there && !output.confirmed &&
                                                            output.author == lease.authors[place]
                                                      : !output.there;
                if (!lease.has_outcome[place] && is_wanted) {
                    broken(name + " was ended though it has tasks to do");
                }
            }
            break;
        case RevokeReason::JobEnded:
            // A job that fails, and a round that is left, say so after their leases are revoked.
            break;
    }
    give_back(lease, effect.reason == RevokeReason::Expired);
    end(lease);
}

void Ledger::check(const RecordOutputs& effect) {
    if (step_.counted == nullptr || effect.positions != step_.to_record) {
        broken("the outputs that were recorded are not those that came first");
    }
    step_.to_record.clear();
    workers_[effect.worker].has_delivered = true;
}

void Ledger::check(const CompleteRound& effect) {
    const auto found = jobs_.find(effect.job);
    const bool is_due =
        found != jobs_.end() && found->second.round == effect.round && found->second.in_round &&
        std::ranges::all_of(found->second.tasks,
                            [&](const Task& task) { return may_count(found->second, task); });
    if (!is_due) {
        return broken("job " + std::to_string(effect.job.value) +
                      ": a round was completed that is not complete, or was before");
    }
    found->second.in_round = false;
}

void Ledger::check(const FailJob& effect) {
    const auto found = jobs_.find(effect.job);
    const std::string name = "job " + std::to_string(effect.job.value);
    if (found == jobs_.end()) return broken(name + " failed, but is over");
    const bool has_reason = std::ranges::any_of(found->second.tasks, [this](const Task& task) {
        return task.losses_max >= limits_.infrastructure_failures_max ||
               task.own_failures >= limits_.own_failures_max;
    });
    const bool is_rejected = std::holds_alternative<RoundRejected>(*step_.event);
    const bool fails_here = step_.audit != nullptr && step_.audit->failed;
    if (!has_reason && !is_rejected && !fails_here) {
        broken(name + " failed without reason: " + effect.error.message);
    }
    leave_job(effect.job);
}

void Ledger::check(const CloseSession& effect) {
    if (effect.error.code == ErrorCode::ProtocolViolation && !around_.is_honest(effect.worker)) {
        return;
    }
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

}  // namespace netcompute::sim
