#include "core/scheduler.hpp"

#include <algorithm>

namespace netcompute::core {

/// Somebody gave a result for a task that has its output.
void Scheduler::second_vote(JobId id, Job& job, TaskIndex index, Vote vote) {
    const VoteRuling ruling = trust_.second_vote(job.terms, job.tasks, index, vote);
    if (ruling.is_disputed) request_audit(id, job, index);
    if (ruling.confirmer) confirm(id, job, index, *ruling.confirmer);
}

void Scheduler::confirm(JobId id, Job& job, TaskIndex index, WorkerId confirmer) {
    if (job.tasks.audited(index)) return;  // The master's word is on its way.
    job.tasks.confirm(index, confirmer);
    effects_.add_confirmation(id, job.round, confirmer, index);
    const WorkerId author = job.tasks.author(index);
    if (trust_.mode_for(job.terms, author) == ValidationMode::Adaptive) credit(author);
}

/// One more result of this worker is proven right.
void Scheduler::credit(WorkerId id) {
    const auto validated = trust_.credit(id);
    if (!validated) return;
    effects_.add_trust(id, *validated);
    judge_held_back(id);
}

void Scheduler::judge_held_back(WorkerId author) {
    for (const JobId id : rounds_.ids()) {
        Job& job = rounds_.at(id);
        if (!job.in_round) continue;
        note_change(id);
        trust_.judge_held_back(job.terms, job.tasks, author);
    }
}

// ---- Audits -------------------------------------------------------------------------------------

/// Has the master compute a task itself. Until it has, the task's output does not count.
void Scheduler::request_audit(JobId id, Job& job, TaskIndex index, bool may_crash) {
    if (job.tasks.audited(index)) return;
    job.tasks.set_audited(index, true);
    job.tasks.unsettle(index);
    effects_.add(AuditTask{id, job.round, job.visit, index, may_crash});
}

void Scheduler::on(const TaskAudited& event) {
    if (trust_.end_rescue(event.job, event.visit, event.index)) assigner_.look_again(now_);
    Job* const found = rounds_.find(event.job);
    if (found == nullptr) return;
    Job& job = *found;
    if (!job.in_round || job.visit != event.visit || !job.tasks.audited(event.index)) return;
    RoundTasks& tasks = job.tasks;
    tasks.set_audited(event.index, false);
    if (event.failed) {
        // Its inputs may have been made of lies.
        if (const auto round = job.doubt_strangers(job.round, words())) {
            return visit(event.job, job, *round);
        }
        return fail_job(event.job, {event.error.code,
                                    "task " + std::to_string(event.index) + " of round " +
                                        std::to_string(event.round) +
                                        " fails in the master as well: " + event.error.message});
    }
    std::vector<Vote> votes = tasks.votes(event.index);
    const bool has_output = tasks.has_output(event.index);
    if (has_output)
        votes.insert(votes.begin(), {tasks.author(event.index), tasks.sha256(event.index)});
    const bool is_right = has_output && tasks.sha256(event.index) == event.sha256;
    if (is_right && tasks.confirmed(event.index)) {
        tasks.settle(event.index);
    } else if (is_right) {
        confirm(event.job, job, event.index, WorkerId{});
    } else {
        if (has_output) tasks.drop_output(event.index);
        tasks.put_output(event.index, WorkerId{}, event.sha256);
        tasks.confirm(event.index, WorkerId{});
        effects_.add(RecordAudit{event.job, event.round, event.index});
    }
    if (tasks.is_held(event.index)) revoke_pointless(event.job, job);
    for (const Vote& vote : votes) {
        if (vote.sha256 != event.sha256) {
            quarantine(vote.worker, event.job, event.round, event.index);
        }
    }
}

/// A worker was proven wrong: neither what it gave and nobody confirmed is believed any more, nor
/// what it confirmed.
void Scheduler::quarantine(WorkerId id, JobId job_id, RoundIndex round, TaskIndex index) {
    if (!trust_.quarantine(id)) return;
    effects_.add(QuarantineWorker{id, job_id, round, index});
    count_in(id);
    abandon_leases(id);
    for (const JobId each : rounds_.ids()) {
        if (Job* const job = rounds_.find(each)) distrust(each, *job, id, each == job_id);
    }
}

/// Takes a liar's results and its word out of a job, and doubts every stranger's from now on if
/// there were any, or if it is this job in which it was proven wrong.
void Scheduler::distrust(JobId id, Job& job, WorkerId liar, bool lied_here) {
    note_change(id);
    const bool has_its_word = job.take_word_out(liar);
    if (!lied_here && !has_its_word) return;
    const bool is_on_its_way = job.is_visiting();
    const auto first = job.contest(words());
    effects_.add(ContestJob{id, liar});
    if (first) return visit(id, job, *first);
    if (is_on_its_way) return;
    if (!job.in_round) return;
    for (TaskIndex next = 0; next < job.tasks.task_count();) {
        RoundTasks& tasks = job.tasks;
        const TaskIndex index = next++;
        const Stretch alike = tasks.stretch(index);
        if (!alike.has_output || !trust_.is_doubtful(job.terms, alike)) {
            next = alike.end;
            continue;
        }
        if (tasks.author(index) == liar) {
            tasks.drop_output(index);
            continue;
        }
        tasks.want_check(index);
        if (job.terms.validation.mode != ValidationMode::Quorum) continue;
        if (const auto last = trust_.last_of_quorum(job.terms, job.tasks, index))
            confirm(id, job, index, *last);
    }
}

}  // namespace netcompute::core
