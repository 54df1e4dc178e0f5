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

WordOf Scheduler::words() const {
    return [this](const Terms& terms, WorkerId worker) { return trust_.word_of(terms, worker); };
}

// ---- Rounds -------------------------------------------------------------------------------------

void Scheduler::on(const JobRestored& event) {
    rounds_.restore(event, words());
}

void Scheduler::on(const RoundStarted& event) {
    NETCOMPUTE_ASSERT(event.task_count > 0, "a round has at least one task");
    auto homes = rounds_.admit(event);
    if (!homes) return;
    for (WorkerId& home : *homes) {
        if (!liveness_.is_connected(home)) home = WorkerId{};
    }
    release_round(event.job);
    Job& job = rounds_.begin(event, *homes);
    assigner_.set_priority(event.job, event.priority);
    assigner_.begin_round(event.job);
    if (!event.fresh) {
        // Where two results disagreed, the audit of before is asked for again.
        for (const TaskIndex index : trust_.rejudge(job.terms, job.tasks))
            effects_.add(AuditTask{event.job, job.round, job.visit, index, false});
        restore_leases(event, job);
    }
    if (job.take_restored()) {
        if (const auto doubtful = job.first_doubtful(job.round, words())) {
            return visit(event.job, job, *doubtful);
        }
    }
    retire_rounds(event.job, job);
}

/// Former rounds are checked as at a job's end before they are forgotten.
void Scheduler::retire_rounds(JobId id, Job& job) {
    const auto end = job.due_to_forget(limits_);
    if (!end) return;
    if (const auto round = draw_closing_checks(job, *end)) return visit(id, job, *round);
    const RoundIndex first = job.first_kept();
    effects_.add(ForgetRounds{id, first, job.forget(*end)});
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
    job.go_back(round);
    effects_.add(VisitRound{id, round});
}

/// Rounds end here, once a step knows all that it can tell of them.
void Scheduler::complete_rounds() {
    // What is done here adds to them.
    for (std::size_t place = 0; place < changed_jobs_.size(); ++place) {
        const JobId id = changed_jobs_[place];
        Job* const job = rounds_.find(id);
        if (job == nullptr || !job->complete()) continue;
        effects_.add(CompleteRound{id, job->round});
        release_round(id);
    }
}

void Scheduler::on(const ProgramFinished& event) {
    Job* const job = rounds_.find(event.job);
    if (job == nullptr || job->is_visiting()) return;
    job->finish(event.round_count);
    if (const auto round = draw_closing_checks(*job, event.round_count))
        visit(event.job, *job, *round);
    else
        effects_.add(FinishJob{event.job});
}

/// Spot checks alone would leave the last lies of a job unseen, so at its end more of each
/// worker's unconfirmed results are drawn. So they are of the rounds before `end`, when those are
/// to be forgotten. The first round that has one; nothing if there are none to draw.
std::optional<RoundIndex> Scheduler::draw_closing_checks(Job& job, RoundIndex end) {
    std::optional<RoundIndex> first;
    for (auto& [author, found] : job.unconfirmed(end, words())) {
        for (const TaskPlace& drawn :
             trust_.draw_closing_checks(author, std::move(found.places), found.drawn_before)) {
            job.set_closing(drawn);
            first = std::min(first.value_or(drawn.round), drawn.round);
        }
    }
    return first;
}

void Scheduler::on(const RoundRejected& event) {
    Job* const job = rounds_.find(event.job);
    if (job == nullptr || job->is_visiting() || job->in_round) return;
    if (const auto first = job->reject(event.error.code, words()))
        visit(event.job, *job, *first);
    else
        fail_job(event.job, event.error);
}

/// Forgets the leases of a round that is over; whoever still works on one is told to stop.
void Scheduler::release_round(JobId id) {
    for (const LeaseId each : leases_.take_round(id)) {
        const Lease& lease = leases_.at(each);
        if (lease.active) {
            effects_.add(RevokeLease{each, lease.worker, RevokeReason::JobEnded});
            end_lease(lease);
        }
        leases_.forget(each);
        assigner_.forget_lease(each);
    }
}

// ---- Jobs ---------------------------------------------------------------------------------------

void Scheduler::on(const JobPaused& event) {
    if (Job* const job = rounds_.find(event.job)) job->paused = event.paused;
}

void Scheduler::on(const JobPrioritized& event) {
    if (rounds_.find(event.job) != nullptr) assigner_.set_priority(event.job, event.priority);
}

void Scheduler::on(const JobEnded& event) {
    remove_job(event.job);
}

void Scheduler::fail_job(JobId id, Error error) {
    remove_job(id);
    effects_.add(FailJob{id, std::move(error)});
}

void Scheduler::remove_job(JobId id) {
    if (rounds_.find(id) == nullptr) return;
    release_round(id);
    leases_.forget_job(id);
    assigner_.forget_job(id);
    rounds_.forget_job(id);
    trust_.forget_job(id);
}

}  // namespace netcompute::core
