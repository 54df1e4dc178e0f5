#include "core/scheduler.hpp"
#include <netcompute/assert.hpp>

#include <algorithm>

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
    job.terms.contested = event.contested;
    job.slot_seconds = event.slot_seconds;
    job.terms.validation = event.validation;
    job.restored = true;
    job.first_kept = event.first_round;
    for (const ForgottenWord& word : event.forgotten) {
        (word.is_confirmer ? job.forgotten_words : job.forgotten_outputs)
            .try_emplace(word.worker, word.first_round);
    }
    for (RoundIndex place = 0; place < event.rounds.size(); ++place) {
        RoundTasks& tasks = job.history.try_emplace(event.first_round + place, 0U).first->second;
        restore_outputs(job, tasks, event.rounds[place]);
    }
    for (const PastConfirmations& past : event.confirmations) {
        const auto found = job.history.find(past.round);
        if (found == job.history.end() || trust_.is_known_liar(past.confirmer)) continue;
        RoundTasks& tasks = found->second;
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
        if (output.confirmed && !trust_.is_known_liar(output.confirmer)) {
            tasks.confirm(output.index, output.confirmer);
        } else if (trust_.mode_for(job.terms, output.worker) == ValidationMode::None &&
                   trust_.counts(output.worker)) {
            tasks.settle(output.index);
        }
    }
}

void Scheduler::on(const RoundStarted& event) {
    NETCOMPUTE_ASSERT(event.task_count > 0, "a round has at least one task");
    Job& job = jobs_[event.job];
    // What was said before the engine heard of the visit is no answer to it.
    const bool is_anew = event.fresh && event.round < job.first_kept &&
                         event.round <= job.visiting.value_or(event.round);
    const bool is_visit = job.visiting == event.round && !event.fresh;
    if (job.visiting && !is_visit && !is_anew) return;
    job.visiting.reset();
    std::vector<WorkerId> homes;
    if (event.fresh && job.tasks.task_count() == event.task_count) {
        homes = job.tasks.homes();
        for (WorkerId& home : homes) {
            if (!liveness_.is_connected(home)) home = WorkerId{};
        }
    }
    release_round(event.job);
    archive(job);
    if (is_anew) begin_anew(job, event.round);
    job.priority = event.priority;
    assigner_.set_priority(event.job, event.priority);
    job.terms.validation = event.validation;
    job.paused = event.paused;
    job.round = event.round;
    job.visit = ++last_visit_;
    job.task_bytes = event.task_bytes;
    job.kernel = event.kernel;
    assigner_.begin_round(event.job);
    job.in_round = true;
    if (event.fresh) {
        job.history.erase(job.history.lower_bound(event.round), job.history.end());
        job.tasks = RoundTasks{event.task_count, homes};
    } else {
        // One that a former master had begun may miss its last tasks, or all of them.
        const auto known = job.history.extract(event.round);
        job.tasks = known ? known.mapped() : RoundTasks{0};
        job.tasks.grow(event.task_count);
        rejudge(event.job, job);
        restore_leases(event, job);
    }
    if (std::exchange(job.restored, false)) {
        if (const auto doubtful = first_doubtful_round(job, job.round)) {
            return visit(event.job, job, *doubtful);
        }
    }
    retire_rounds(event.job, job);
}

/// Puts the round's tasks to those of the others.
void Scheduler::archive(Job& job) {
    if (job.tasks.task_count() == 0) return;
    job.history.insert_or_assign(job.round, std::exchange(job.tasks, RoundTasks{0}));
}

// ---- Rounds that are forgotten ------------------------------------------------------------------

/// Once there are twice as many former rounds as are kept, the first half of them is checked as at
/// a job's end, and forgotten. Whoever tells of them needs time for each of their tasks.
void Scheduler::retire_rounds(JobId id, Job& job) {
    if (job.round - job.first_kept < 2 * limits_.rounds_kept) return;
    const RoundIndex end = job.first_kept + limits_.rounds_kept;
    const auto is_large = [&](const auto& round) {
        return round.first < end && round.second.task_count() > limits_.forgotten_tasks_max;
    };
    if (std::ranges::any_of(job.history, is_large)) return;
    if (const auto round = draw_closing_checks(job, end))
        visit(id, job, *round);
    else
        forget_rounds(id, job, end);
}

void Scheduler::forget_rounds(JobId id, Job& job, RoundIndex end) {
    ForgetRounds effect{id, job.first_kept, {}};
    for (; job.first_kept < end; ++job.first_kept) {
        const auto known = job.history.extract(job.first_kept);
        NETCOMPUTE_ASSERT(!known.empty(), "the rounds before the one in progress are known");
        const RoundTasks& tasks = known.mapped();
        for (TaskIndex index = 0; index < tasks.task_count();) {
            const Stretch alike = tasks.stretch(index);
            index = alike.end;
            const WorkerId whose = alike.confirmed ? alike.confirmer : alike.author;
            if (whose == WorkerId{}) continue;
            (alike.confirmed ? job.forgotten_words : job.forgotten_outputs)
                .try_emplace(whose, job.first_kept);
        }
        effect.rounds.push_back(tasks);
    }
    effects_.push_back(std::move(effect));
}

/// The job begins again with a round that was forgotten: nothing of it and of later ones holds.
void Scheduler::begin_anew(Job& job, RoundIndex round) {
    job.history.clear();
    job.first_kept = round;
    const auto is_void = [round](const auto& entry) { return entry.second >= round; };
    std::erase_if(job.forgotten_outputs, is_void);
    std::erase_if(job.forgotten_words, is_void);
}

/// The first forgotten round that rests on somebody who must not be believed as it is.
std::optional<RoundIndex> Scheduler::first_doubtful_forgotten(const Job& job) const {
    std::optional<RoundIndex> first;
    const auto doubt = [&](RoundIndex round) { first = std::min(first.value_or(round), round); };
    for (const auto& [author, round] : job.forgotten_outputs) {
        if (!trust_.counts(author)) doubt(round);
        if (job.terms.contested && trust_.mode_for(job.terms, author) == ValidationMode::Adaptive)
            doubt(round);
    }
    for (const auto& [confirmer, round] : job.forgotten_words) {
        if (trust_.is_known_liar(confirmer)) doubt(round);
    }
    return first;
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
    return !tasks.closing && !trust_.is_doubtful(job.terms, tasks);
}

void Scheduler::rejudge(Job& job, TaskIndex index) {
    RoundTasks& tasks = job.tasks;
    if (tasks.confirmed(index)) return tasks.settle(index);
    if (!trust_.counts(tasks.author(index))) {
        tasks.drop_output(index);
    } else if (tasks.closing(index)) {
        tasks.want_check(index);
    } else if (!tasks.settled(index) || trust_.is_doubtful(job.terms, tasks.stretch(index))) {
        tasks.unsettle(index);
        trust_.judge(job.terms, tasks, index);
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
        const Liveness::Worker* const session = liveness_.find(past.worker);
        if (session == nullptr || session->connected) continue;
        std::vector<bool> has_outcome;
        for (const TaskIndex index : past.tasks) {
            const bool is_done =
                past.is_check ? !job.tasks.wants_check(index) : job.tasks.has_output(index);
            has_outcome.push_back(is_done);
            if (is_done) continue;
            past.is_check ? job.tasks.hold_check(index) : job.tasks.hold(index);
        }
        if (std::ranges::find(has_outcome, false) == has_outcome.end()) continue;
        leases_.restore(now_, past.lease,
                        {past.worker, event.job, event.round, past.tasks, past.is_check},
                        std::move(has_outcome));
        liveness_.await(now_, past.worker);
    }
}

/// Has the engine go back to a round some of whose outputs are in doubt.
void Scheduler::visit(JobId id, Job& job, RoundIndex round) {
    release_round(id);
    archive(job);
    job.in_round = false;
    job.visiting = round;
    effects_.push_back(VisitRound{id, round});
}

/// The first round before `end` with an output that must not be believed as it is.
std::optional<RoundIndex> Scheduler::first_doubtful_round(const Job& job, RoundIndex end) const {
    const auto forgotten = first_doubtful_forgotten(job);
    if (forgotten && *forgotten < end) return forgotten;
    for (const auto& [round, tasks] : job.history) {
        if (round >= end) break;
        for (TaskIndex index = 0; index < tasks.task_count();) {
            const Stretch alike = tasks.stretch(index);
            if (trust_.is_doubtful(job.terms, alike)) return round;
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
        release_round(id);
    }
}

void Scheduler::on(const ProgramFinished& event) {
    const auto found = jobs_.find(event.job);
    if (found == jobs_.end() || found->second.visiting) return;
    Job& job = found->second;
    archive(job);
    job.history.erase(job.history.lower_bound(event.round_count), job.history.end());
    if (const auto round = draw_closing_checks(job, event.round_count))
        visit(event.job, job, *round);
    else
        effects_.push_back(FinishJob{event.job});
}

/// Spot checks alone would leave the last lies of a job unseen, so at its end more of each
/// worker's unconfirmed results are drawn: the fewer, the longer it has been right. So they are of
/// the rounds before `end`, when those are to be forgotten. The first round that has one; nothing
/// if there are none to draw.
std::optional<RoundIndex> Scheduler::draw_closing_checks(Job& job, RoundIndex end) {
    std::map<WorkerId, std::vector<TaskPlace>> unconfirmed;
    std::map<WorkerId, std::uint32_t> drawn_before;
    for (const auto& [round, tasks] : job.history) {
        if (round >= end) break;
        for (TaskIndex index = 0; index < tasks.task_count();) {
            const Stretch alike = tasks.stretch(index);
            const TaskIndex begin = std::exchange(index, alike.end);
            if (trust_.mode_for(job.terms, alike.author) != ValidationMode::Adaptive) continue;
            if (alike.closing) drawn_before[alike.author] += alike.end - begin;
            if (alike.confirmed) continue;
            std::vector<TaskPlace>& places = unconfirmed[alike.author];
            for (TaskIndex each = begin; each < alike.end; ++each) places.push_back({round, each});
        }
    }
    std::optional<RoundIndex> first;
    for (auto& [author, places] : unconfirmed) {
        for (const TaskPlace& drawn :
             trust_.draw_closing_checks(author, std::move(places), drawn_before[author])) {
            job.history.at(drawn.round).set_closing(drawn.index);
            first = std::min(first.value_or(drawn.round), drawn.round);
        }
    }
    return first;
}

/// Has each result of a stranger in the rounds before `end` checked that nobody has confirmed. The
/// first of those rounds; nothing if all of them are. Where some of them are forgotten, the job is
/// done again from there, with every stranger's result checked.
std::optional<RoundIndex> Scheduler::doubt_strangers(Job& job, RoundIndex end) {
    std::optional<RoundIndex> first;
    for (const auto& [author, round] : job.forgotten_outputs) {
        if (trust_.mode_for(job.terms, author) == ValidationMode::None) continue;
        first = std::min(first.value_or(round), round);
        job.terms.contested = true;
    }
    for (auto& [round, tasks] : job.history) {
        if (round >= end) break;
        for (TaskIndex index = 0; index < tasks.task_count();) {
            const Stretch alike = tasks.stretch(index);
            const TaskIndex begin = std::exchange(index, alike.end);
            if (alike.confirmed || trust_.mode_for(job.terms, alike.author) == ValidationMode::None)
                continue;
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
    RoundTasks& last = job.history.at(job.round);
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
void Scheduler::release_round(JobId id) {
    for (const LeaseId each : leases_.take_round(id)) {
        const Lease& lease = leases_.at(each);
        if (lease.active) {
            effects_.push_back(RevokeLease{each, lease.worker, RevokeReason::JobEnded});
            end_lease(lease);
        }
        leases_.forget(each);
        assigner_.forget_lease(each);
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
    assigner_.set_priority(event.job, event.priority);
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
    release_round(id);
    leases_.forget_job(id);
    assigner_.forget_job(id);
    jobs_.erase(found);
    trust_.forget_job(id);
}

std::map<RoundIndex, RoundTasks> Scheduler::rounds(JobId id) const {
    const auto found = jobs_.find(id);
    if (found == jobs_.end()) return {};
    const Job& job = found->second;
    std::map<RoundIndex, RoundTasks> rounds = job.history;
    if (job.tasks.task_count() > 0) rounds.insert_or_assign(job.round, job.tasks);
    return rounds;
}

}  // namespace netcompute::core
