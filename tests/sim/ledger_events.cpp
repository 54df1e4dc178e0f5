#include "ledger.hpp"

#include <algorithm>
#include <utility>

namespace netcompute::sim {

using namespace core;

// ---- Workers ------------------------------------------------------------------------------------

void Ledger::on(const WorkerJoined& event) {
    Worker& worker = workers_[event.worker];
    worker.connected = true;
    worker.awaited_until.reset();
    worker.is_believed = event.is_believed;
    worker.has_delivered |= event.has_delivered;
    worker.pc = event.pc;
    worker.last_heard = now_;
    if (event.resumed) {
        take_back_blame(worker);
    } else {
        worker.validated = 0;
        lose(event.worker, worker, false);  // A new process knows nothing of the old one's leases.
        worker.connected = true;
    }
    worker.lost_leases.clear();
}

void Ledger::on(const WorkerRestored& event) {
    Worker& worker = workers_[event.worker];
    worker.state = WorkerState::Lost;
    worker.is_believed = event.is_believed;
    worker.pc = event.pc;
    worker.quarantined = event.quarantined;
    worker.validated = event.validated;
    worker.was_trusted = event.validated >= limits_.trusted_after;
    worker.awaited_until = now_ + limits_.lost_after;
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
    for (auto& [id, lease] : leases_) {
        if (lease.worker != event.worker || !lease.active) continue;
        if (std::exchange(lease.claimed, true)) continue;
        if (std::ranges::find(event.leases, id) != event.leases.end()) continue;
        give_back(lease, false);
        end(lease);
    }
    for (const LeaseId id : event.leases) {
        const auto lease = leases_.find(id);
        if (lease != leases_.end() && lease->second.worker == event.worker &&
            lease->second.active) {
            lease->second.renewed = now_;
        } else if (id <= last_lease_ &&
                   (lease == leases_.end() || lease->second.worker == event.worker)) {
            if (step_.to_disown.size() < limits_.disowned_per_heartbeat_max) {
                step_.to_disown.push_back(id);
            }
        }
    }
}

void Ledger::on(const WorkerDrained& event) {
    const auto found = workers_.find(event.worker);
    if (found != workers_.end()) found->second.drained = event.drained;
}

void Ledger::on(const WorkerReadmitted& event) {
    const auto found = workers_.find(event.worker);
    if (found == workers_.end()) return;
    found->second.quarantined = false;
    found->second.validated = 0;
}

/// A worker that a former master knew and that stays away loses what it held.
void Ledger::end_late_restored_leases() {
    for (auto& [id, worker] : workers_) {
        if (!worker.awaited_until || *worker.awaited_until > now_) continue;
        worker.awaited_until.reset();
        lose(id, worker, false);
    }
}

// ---- Jobs and rounds ----------------------------------------------------------------------------

void Ledger::on(const JobRestored& event) {
    Job& job = jobs_[event.job];
    job.contested = event.contested;
    if (job.history.empty()) recall_forgotten(event, job);
    for (RoundIndex place = 0; place < event.rounds.size(); ++place) {
        Tasks& tasks = job.history[event.first_round + place];
        for (const PastOutput& past : event.rounds[place]) {
            if (tasks.size() <= past.index) tasks.resize(past.index + 1);
            const auto confirmer = workers_.find(past.confirmer);
            const bool was_a_liar = confirmer != workers_.end() && confirmer->second.quarantined;
            tasks[past.index].output = {
                true, past.worker, past.sha256, past.confirmed && !was_a_liar, past.confirmer, {}};
        }
    }
    for (const PastConfirmations& past : event.confirmations) {
        Tasks& tasks = job.history[past.round];
        const auto confirmer = workers_.find(past.confirmer);
        if (confirmer != workers_.end() && confirmer->second.quarantined) continue;
        for (const TaskIndex index : past.tasks) {
            if (index >= tasks.size() || !tasks[index].output.there) continue;
            tasks[index].output.confirmed = true;
            tasks[index].output.confirmer = past.confirmer;
        }
    }
}

/// Of the rounds that a former master had forgotten: one task for each word that they rest on.
void Ledger::recall_forgotten(const JobRestored& event, Job& job) {
    job.first_kept = event.first_round;
    for (const ForgottenWord& word : event.forgotten) {
        Output& output = job.history[word.first_round].emplace_back().output;
        output.there = true;
        output.author = word.is_confirmer ? WorkerId{} : word.worker;
        output.confirmed = word.is_confirmer;
        output.confirmer = word.is_confirmer ? word.worker : WorkerId{};
    }
}

void Ledger::on(const RoundStarted& event) {
    Job& job = jobs_[event.job];
    const bool is_anew = event.fresh && event.round < job.first_kept &&
                         event.round <= job.visiting.value_or(event.round);
    const bool is_visit = job.visiting == event.round && !event.fresh;
    if (job.visiting && !is_visit && !is_anew) return;  // Said before anybody knew of the visit.
    if (is_anew) job.first_kept = event.round;
    job.visiting.reset();
    forget_leases(event.job);
    archive(job);
    job.round = event.round;
    job.priority = event.priority;
    job.validation = event.validation;
    job.paused = event.paused;
    job.in_round = true;
    if (event.fresh) {
        job.history.erase(job.history.lower_bound(event.round), job.history.end());
        job.tasks = Tasks(event.task_count);
    } else {
        begin_again(event, job);
    }
}

void Ledger::begin_again(const RoundStarted& event, Job& job) {
    job.tasks = std::exchange(job.history[event.round], {});
    job.history.erase(event.round);
    job.tasks.resize(event.task_count);
    for (Task& task : job.tasks) {
        task.holders = task.checkers = 0;
        if (!task.audit) task.output.votes.clear();  // Else it is asked for again.
        task.audit.reset();
        if (!task.output.there || task.output.confirmed) continue;
        const auto author = workers_.find(task.output.author);
        if (author != workers_.end() && !author->second.quarantined) continue;
        std::vector<Word> votes = std::move(task.output.votes);
        task.output = {};
        task.output.votes = std::move(votes);
    }
    for (const PastLease& past : event.leases) {
        const auto worker = workers_.find(past.worker);
        if (worker == workers_.end() || worker->second.connected) continue;
        Lease lease{.worker = past.worker,
                    .job = event.job,
                    .round = event.round,
                    .tasks = past.tasks,
                    .has_outcome = {},
                    .is_check = past.is_check,
                    .authors = {},
                    .claimed = false,
                    .renewed = now_,
                    .duration = limits_.lease_seconds_min,
                    .blamed = {}};
        for (const TaskIndex index : past.tasks) {
            const Output& output = job.tasks.at(index).output;
            lease.has_outcome.push_back(past.is_check ? !output.there || output.confirmed
                                                      : output.there);
            lease.authors.push_back(output.author);
        }
        if (std::ranges::count(lease.has_outcome, false) == 0) continue;
        worker->second.awaited_until = now_ + limits_.lost_after;
        hold(lease, job);
        leases_.insert_or_assign(past.lease, std::move(lease));
    }
}

void Ledger::on(const ProgramFinished& event) {
    const auto found = jobs_.find(event.job);
    if (found == jobs_.end() || found->second.visiting) return;
    Job& job = found->second;
    archive(job);
    job.history.erase(job.history.lower_bound(event.round_count), job.history.end());
    step_.to_end = event.job;
}

void Ledger::on(const RoundRejected& event) {
    const auto found = jobs_.find(event.job);
    if (found == jobs_.end() || found->second.visiting || found->second.in_round) return;
    archive(found->second);
    step_.to_end = event.job;
}

void Ledger::on(const JobPaused& event) {
    const auto found = jobs_.find(event.job);
    if (found != jobs_.end()) found->second.paused = event.paused;
}

void Ledger::on(const JobPrioritized& event) {
    const auto found = jobs_.find(event.job);
    if (found != jobs_.end()) found->second.priority = event.priority;
}

void Ledger::on(const StoreStalled& event) {
    stalled_ = event.stalled;
}

void Ledger::on(const LeaseIdsUsed& event) {
    last_lease_ = std::max(last_lease_, event.last);
}

void Ledger::on(const RestorationEnded&) {}

void Ledger::on(const JobEnded& event) {
    // Its leases end with the effects that revoke them.
    if (const auto found = jobs_.find(event.job); found != jobs_.end()) archive(found->second);
}

void Ledger::on(const ClockTicked&) {}

// ---- Results ------------------------------------------------------------------------------------

void Ledger::on(const TaskAudited& event) {
    const auto found = jobs_.find(event.job);
    if (found == jobs_.end() || !found->second.in_round) return;
    Task& task = found->second.tasks.at(event.index);
    if (task.audit != event.visit) return;
    task.audit.reset();
    step_.audit = &event;
    step_.audited_words = task.output.votes;
    if (task.output.there && task.output.author != WorkerId{}) {
        step_.audited_words.push_back({task.output.author, 0, task.output.sha256});
    }
}

void Ledger::on(const ResultsReceived& event) {
    const auto worker = workers_.find(event.worker);
    if (worker == workers_.end() || worker->second.quarantined) return;
    if (worker->second.connected) worker->second.last_heard = now_;
    const auto found = leases_.find(event.lease);
    if (found == leases_.end() || !is_of(event, found->second)) return;
    Lease& lease = found->second;
    Job& job = jobs_.at(lease.job);
    step_.counted = &event;
    for (std::uint32_t position = 0; position < event.outcomes.size(); ++position) {
        const TaskIndex index = event.outcomes[position].index;
        const auto at = std::lower_bound(lease.tasks.begin(), lease.tasks.end(), index);
        const auto place = static_cast<std::size_t>(at - lease.tasks.begin());
        if (lease.has_outcome[place]) continue;
        lease.has_outcome[place] = true;
        --lease.open_count;
        if (lease.active) {
            Task& task = job.tasks[index];
            lease.is_check ? --task.checkers : --task.holders;
        }
        take_outcome(event, position, lease, job);
    }
    if (lease.active && lease.open_count == 0) end(lease);
}

void Ledger::take_outcome(const ResultsReceived& event, std::uint32_t position, const Lease& lease,
                          Job& job) {
    const Outcome& outcome = event.outcomes[position];
    Task& task = job.tasks[outcome.index];
    Output& output = task.output;
    if (outcome.failed) {
        if (output.there) {
            step_.failed_checks.insert(outcome.index);
            return;
        }
        if (lease.is_check) return;  // Its author was found to lie meanwhile.
        const bool is_lost = outcome.error.code == ErrorCode::Unavailable;
        const bool is_believed = workers_.at(event.worker).is_believed;
        if (is_lost || !is_believed)
            ++losses_of(task, is_proven(event.worker));
        else
            ++task.own_failures;
        if (!is_lost) task.failed_on = event.worker;
        return;
    }
    const Word word{event.worker, pc_of(event.worker), outcome.sha256};
    if (!output.there) {
        output.there = true;
        output.author = event.worker;
        output.sha256 = outcome.sha256;
        return step_.to_record.push_back(position);
    }
    output.votes.push_back(word);
    if (word.sha256 != output.sha256 && !task.audit) step_.to_audit.insert(outcome.index);
}

}  // namespace netcompute::sim
