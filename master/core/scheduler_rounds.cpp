#include "core/scheduler.hpp"
#include <netcompute/assert.hpp>

#include <algorithm>
#include <cmath>

namespace netcompute::core {
namespace {

/// Whether all of these tasks do, which are ascending. They may be millions, in few stretches.
bool have_outputs(const RoundTasks& tasks, const std::vector<TaskIndex>& indices) {
    for (auto next = indices.begin(); next != indices.end();) {
        const Stretch alike = tasks.stretch(*next);
        if (!alike.has_output) return false;
        next = std::lower_bound(next, indices.end(), alike.end);
    }
    return true;
}

}  // namespace

// ---- Rounds -------------------------------------------------------------------------------------

void Scheduler::on(const JobRestored& event) {
    Job& job = jobs_[event.job];
    job.contested = event.contested;
    job.slot_seconds = event.slot_seconds;
    job.validation = event.validation;
    job.restored = true;
    for (RoundIndex round = 0; round < event.rounds.size(); ++round) {
        if (job.history.size() <= round) job.history.emplace_back(0);
        restore_outputs(job, job.history[round], event.rounds[round]);
    }
    for (const PastConfirmations& past : event.confirmations) {
        if (past.round >= job.history.size() || is_known_liar(past.confirmer)) continue;
        RoundTasks& tasks = job.history[past.round];
        for (const TaskIndex index : past.tasks) {
            if (index >= tasks.task_count() || !tasks.has_output(index)) continue;
            tasks.confirm(index, past.confirmer);
        }
    }
}

/// What a former master had taken, or a part of it. The last one of a task counts. What is believed
/// as it is counts at once, so that a large round is ready when its last output is.
void Scheduler::restore_outputs(const Job& job, RoundTasks& tasks,
                                const std::vector<PastOutput>& outputs) {
    std::uint32_t task_count = tasks.task_count();
    for (const PastOutput& output : outputs) task_count = std::max(task_count, output.index + 1);
    tasks.grow(task_count);
    for (const PastOutput& output : outputs) {
        if (tasks.has_output(output.index)) tasks.drop_output(output.index);
        tasks.put_output(output.index, output.worker, output.sha256);
        if (output.confirmed && !is_known_liar(output.confirmer)) {
            tasks.confirm(output.index, output.confirmer);
        } else if (mode_for(job, output.worker) == ValidationMode::None && counts(output.worker)) {
            tasks.settle(output.index);
        }
    }
}

void Scheduler::on(const RoundStarted& event) {
    NETCOMPUTE_ASSERT(event.task_count > 0, "a round has at least one task");
    Job& job = jobs_[event.job];
    const bool is_visit = job.visiting == event.round && !event.fresh;
    if (job.visiting && !is_visit) return;  // Said before the engine heard of the visit.
    job.visiting.reset();
    std::vector<WorkerId> homes;
    if (event.fresh && job.tasks.task_count() == event.task_count) {
        homes = job.tasks.homes();
        for (WorkerId& home : homes) {
            const auto found = workers_.find(home);
            if (found == workers_.end() || !found->second.connected) home = WorkerId{};
        }
    }
    release_round(job);
    archive(job);
    job.priority = event.priority;
    queue_.set_priority(event.job, event.priority);
    job.validation = event.validation;
    job.paused = event.paused;
    job.round = event.round;
    job.visit = ++last_visit_;
    job.task_bytes = event.task_bytes;
    job.task_seconds = {};
    job.in_round = true;
    if (event.fresh) {
        if (job.history.size() > event.round) job.history.resize(event.round, RoundTasks{0});
        job.tasks = RoundTasks{event.task_count, homes};
    } else {
        // One that a former master had begun may miss its last tasks, or all of them.
        if (job.history.size() <= event.round) job.history.resize(event.round + 1, RoundTasks{0});
        job.tasks = std::exchange(job.history[event.round], RoundTasks{0});
        job.tasks.grow(event.task_count);
        rejudge(event.job, job);
        restore_leases(event, job);
    }
    if (!std::exchange(job.restored, false)) return;
    if (const auto doubtful = first_doubtful_round(job, job.round)) {
        visit(event.job, job, *doubtful);
    }
}

/// Puts the round's tasks to those of the others.
void Scheduler::archive(Job& job) {
    if (job.tasks.task_count() == 0) return;
    if (job.history.size() <= job.round) job.history.resize(job.round + 1, RoundTasks{0});
    job.history[job.round] = std::exchange(job.tasks, RoundTasks{0});
}

/// Looks at each output of a round that is begun again: what counted goes on to count, unless it
/// has become doubtful meanwhile. Where two disagreed, the audit of before is asked for again.
void Scheduler::rejudge(JobId id, Job& job) {
    RoundTasks& tasks = job.tasks;
    tasks.reopen();
    for (TaskIndex index = 0; index < tasks.task_count();) {
        const Stretch alike = tasks.stretch(index);
        if (holds_as_it_is(job, alike)) {
            index = alike.end;
            continue;
        }
        const bool is_disputed = tasks.audited(index) && tasks.is_disputed(index);
        if (!is_disputed) tasks.set_audited(index, false);
        if (tasks.has_output(index)) rejudge(job, index);
        if (is_disputed) {
            tasks.set_audited(index, false);
            request_audit(id, job, index);
        }
        ++index;
    }
}

/// Whether rejudging such tasks would change nothing: a round may have millions.
bool Scheduler::holds_as_it_is(const Job& job, const Stretch& tasks) const {
    if (tasks.audited) return false;
    if (!tasks.has_output) return true;
    if (!tasks.settled || tasks.confirmed) return tasks.settled;
    return !tasks.closing && !is_doubtful(job, tasks);
}

void Scheduler::rejudge(Job& job, TaskIndex index) {
    RoundTasks& tasks = job.tasks;
    if (tasks.confirmed(index)) return tasks.settle(index);
    const auto author = workers_.find(tasks.author(index));
    if (author == workers_.end() || author->second.quarantined) {
        tasks.drop_output(index);
    } else if (tasks.closing(index)) {
        tasks.want_check(index);
    } else if (!tasks.settled(index) || is_doubtful(job, tasks, index)) {
        tasks.unsettle(index);
        judge(job, index);
    }
}

/// The leases that a former master had granted for this round go on, until their workers are late.
/// Nobody could come back before the job was ready, so they have all the time from now on. What
/// was drawn for a check then is not let off now.
void Scheduler::restore_leases(const RoundStarted& event, Job& job) {
    for (const PastLease& past : event.leases) {
        const auto is_of_round = [&](TaskIndex index) { return index < job.tasks.task_count(); };
        if (!std::ranges::all_of(past.tasks, is_of_round)) continue;
        if (!past.is_check && have_outputs(job.tasks, past.tasks)) continue;
        for (const TaskIndex index : past.tasks) {
            const bool is_open = job.tasks.has_output(index) && !job.tasks.confirmed(index);
            if (past.is_check && is_open) job.tasks.want_check(index);
        }
        const auto found = workers_.find(past.worker);
        if (found == workers_.end() || found->second.connected) continue;
        Worker& worker = found->second;
        Lease lease;
        lease.worker = past.worker;
        lease.job = event.job;
        lease.round = event.round;
        lease.is_check = past.is_check;
        lease.claimed = false;
        lease.tasks = past.tasks;
        for (const TaskIndex index : past.tasks) {
            const bool is_done =
                past.is_check ? !job.tasks.wants_check(index) : job.tasks.has_output(index);
            lease.has_outcome.push_back(is_done);
            if (is_done) continue;
            ++lease.open_count;
            past.is_check ? job.tasks.hold_check(index) : job.tasks.hold(index);
        }
        if (lease.open_count == 0) continue;
        lease.duration = limits_.lease_seconds_min;
        lease.granted_at = lease.progress_at = now_;
        lease.deadline = now_ + lease.duration;
        lease_deadlines_.insert({lease.deadline, past.lease});
        worker.awaited = true;
        arm_worker(past.worker, worker, now_ + limits_.lost_after);
        lease.in_front = worker.leases.empty();
        worker.leases.push_back(past.lease);
        job.round_leases.push_back(past.lease);
        job.active_leases.insert(past.lease);
        leases_.insert_or_assign(past.lease, std::move(lease));
    }
}

/// Has the engine go back to a round some of whose outputs are in doubt.
void Scheduler::visit(JobId id, Job& job, RoundIndex round) {
    release_round(job);
    archive(job);
    job.in_round = false;
    job.visiting = round;
    effects_.push_back(VisitRound{id, round});
}

/// The first round before `end` with an output that must not be believed as it is.
std::optional<RoundIndex> Scheduler::first_doubtful_round(const Job& job, RoundIndex end) const {
    for (RoundIndex round = 0; round < std::min<std::size_t>(end, job.history.size()); ++round) {
        const RoundTasks& tasks = job.history[round];
        for (TaskIndex index = 0; index < tasks.task_count();) {
            const Stretch alike = tasks.stretch(index);
            if (is_doubtful(job, alike)) return round;
            index = alike.end;
        }
    }
    return std::nullopt;
}

/// Rounds end here, once a step knows all that it can tell of them.
void Scheduler::complete_rounds() {
    // What is done here adds to them.
    for (std::size_t place = 0; place < changed_jobs_.size(); ++place) {
        const JobId id = changed_jobs_[place];
        const auto found = jobs_.find(id);
        if (found == jobs_.end()) continue;
        Job& job = found->second;
        if (!job.in_round || !job.tasks.complete()) continue;
        job.in_round = false;
        effects_.push_back(CompleteRound{id, job.round});
        release_round(job);
    }
}

void Scheduler::on(const ProgramFinished& event) {
    const auto found = jobs_.find(event.job);
    if (found == jobs_.end() || found->second.visiting) return;
    Job& job = found->second;
    archive(job);
    if (job.history.size() > event.round_count) {
        job.history.resize(event.round_count, RoundTasks{0});
    }
    if (const auto round = draw_closing_checks(job))
        visit(event.job, job, *round);
    else
        effects_.push_back(FinishJob{event.job});
}

/// Spot checks alone would leave the last lies of a job unseen, so at its end more of each
/// worker's unconfirmed results are drawn: the fewer, the longer it has been right. The first
/// round that has one; nothing if there are none to draw.
std::optional<RoundIndex> Scheduler::draw_closing_checks(Job& job) {
    struct Place {
        RoundIndex round;
        TaskIndex index;
    };
    std::map<WorkerId, std::vector<Place>> unconfirmed;
    std::map<WorkerId, std::uint32_t> drawn_before;
    for (RoundIndex round = 0; round < job.history.size(); ++round) {
        const RoundTasks& tasks = job.history[round];
        for (TaskIndex index = 0; index < tasks.task_count();) {
            const Stretch alike = tasks.stretch(index);
            const TaskIndex begin = std::exchange(index, alike.end);
            if (mode_for(job, alike.author) != ValidationMode::Adaptive) continue;
            if (alike.closing) drawn_before[alike.author] += alike.end - begin;
            if (alike.confirmed) continue;
            std::vector<Place>& places = unconfirmed[alike.author];
            for (TaskIndex each = begin; each < alike.end; ++each) places.push_back({round, each});
        }
    }
    std::optional<RoundIndex> first;
    for (auto& [author, places] : unconfirmed) {
        const double twice_trusted = 2.0 * limits_.trusted_after;
        const double share =
            std::min(1.0, twice_trusted / std::max(1U, workers_.at(author).validated));
        const auto wanted = static_cast<std::uint32_t>(std::ceil(limits_.closing_checks * share));
        const std::uint32_t before = std::min(drawn_before[author], wanted);
        const std::size_t count = std::min<std::size_t>(places.size(), wanted - before);
        for (std::size_t drawn = 0; drawn < count; ++drawn) {
            std::swap(places[drawn], places[drawn + random_.next_below(places.size() - drawn)]);
            job.history[places[drawn].round].set_closing(places[drawn].index);
            first = std::min(first.value_or(places[drawn].round), places[drawn].round);
        }
    }
    return first;
}

/// Has each result of a stranger in the rounds before `end` checked that nobody has confirmed. The
/// first of those rounds; nothing if all of them are.
std::optional<RoundIndex> Scheduler::doubt_strangers(Job& job, RoundIndex end) {
    std::optional<RoundIndex> first;
    for (RoundIndex round = 0; round < std::min<std::size_t>(end, job.history.size()); ++round) {
        RoundTasks& tasks = job.history[round];
        for (TaskIndex index = 0; index < tasks.task_count();) {
            const Stretch alike = tasks.stretch(index);
            const TaskIndex begin = std::exchange(index, alike.end);
            if (alike.confirmed || mode_for(job, alike.author) == ValidationMode::None) continue;
            for (TaskIndex each = begin; each < alike.end; ++each) tasks.set_closing(each);
            first = first.value_or(round);
        }
    }
    return first;
}

/// Before a job fails for what its outputs are, the strangers' are checked in all of its rounds;
/// and everybody's in the last one, if one of those is not what its kernel gives.
void Scheduler::on(const RoundRejected& event) {
    const auto found = jobs_.find(event.job);
    if (found == jobs_.end() || found->second.visiting || found->second.in_round) return;
    Job& job = found->second;
    archive(job);
    std::optional<RoundIndex> first = doubt_strangers(job, job.round + 1);
    RoundTasks& last = job.history[job.round];
    for (TaskIndex index = 0; index < last.task_count(); ++index) {
        if (event.error.code != ErrorCode::ShapeMismatch || last.confirmed(index)) continue;
        last.set_closing(index);
        first = first.value_or(job.round);
    }
    if (first)
        visit(event.job, job, *first);
    else
        fail_job(event.job, event.error);
}

/// Forgets the leases of a round that is over; whoever still works on one is told to stop.
void Scheduler::release_round(Job& job) {
    for (const LeaseId id : std::exchange(job.round_leases, {})) {
        Lease& lease = leases_.at(id);
        if (lease.active) {
            effects_.push_back(RevokeLease{id, lease.worker, RevokeReason::JobEnded});
            end_lease(id, lease);
        }
        leases_.erase(id);
    }
}

// ---- Jobs ---------------------------------------------------------------------------------------

void Scheduler::on(const JobPaused& event) {
    const auto found = jobs_.find(event.job);
    if (found != jobs_.end()) found->second.paused = event.paused;
}

void Scheduler::on(const JobPrioritized& event) {
    const auto found = jobs_.find(event.job);
    if (found == jobs_.end()) return;
    found->second.priority = event.priority;
    queue_.set_priority(event.job, event.priority);
}

void Scheduler::on(const JobEnded& event) {
    remove_job(event.job);
}

void Scheduler::fail_job(JobId id, Error error) {
    remove_job(id);
    effects_.push_back(FailJob{id, std::move(error)});
}

void Scheduler::remove_job(JobId id) {
    const auto found = jobs_.find(id);
    if (found == jobs_.end()) return;
    release_round(found->second);
    unlist(id);
    jobs_.erase(found);
    std::erase_if(rescues_, [id](const auto& entry) { return std::get<JobId>(entry) == id; });
    for (auto& [worker_id, worker] : workers_) worker.seconds_per_task.erase(id);
}

std::vector<RoundTasks> Scheduler::rounds(JobId id) const {
    const auto found = jobs_.find(id);
    if (found == jobs_.end()) return {};
    const Job& job = found->second;
    std::vector<RoundTasks> rounds = job.history;
    if (job.tasks.task_count() > 0) {
        rounds.resize(std::max<std::size_t>(rounds.size(), job.round + 1), RoundTasks{0});
        rounds[job.round] = job.tasks;
    }
    return rounds;
}

}  // namespace netcompute::core
