#include "core/scheduler.hpp"

#include <algorithm>

/// Which outputs count. Every honest worker gives the same bytes, so two results agree exactly or
/// one is wrong; where they do not, the master computes the task itself, and knows. What is left to
/// chance is only which results are looked at.
///
/// A stranger's first results are all checked; from `trusted_after` confirmed ones in a row on it
/// is trusted and checked at random, with a rate that falls as 1/n from `spot_check_rate_max` to
/// `spot_check_rate_min`. Only
/// somebody whose word counts confirms: a worker that is believed, one that has become trusted,
/// or the master; so strangers cannot vouch for each other. Compare Sarmenta, "Sabotage-tolerance
/// mechanisms for volunteer computing systems", FGCS 18 (2002), and BOINC's adaptive replication.
namespace netcompute::core {

/// How this worker's results of the job are looked at: None, Quorum or Adaptive.
ValidationMode Scheduler::mode_for(const Job& job, WorkerId worker) const {
    if (job.validation.mode != ValidationMode::Default) return job.validation.mode;
    const auto found = workers_.find(worker);
    const bool is_believed = found != workers_.end() && found->second.is_believed;
    return is_believed ? ValidationMode::None : ValidationMode::Adaptive;
}

/// Whether its word confirms another worker's result.
bool Scheduler::is_reliable(const Job& job, WorkerId worker) const {
    const auto found = workers_.find(worker);
    if (found == workers_.end() || found->second.quarantined) return false;
    return mode_for(job, worker) == ValidationMode::None ||
           found->second.validated >= limits_.trusted_after;
}

bool Scheduler::same_pc(WorkerId a, WorkerId b) const {
    if (a == b) return true;
    const auto first = workers_.find(a);
    const auto second = workers_.find(b);
    return first != workers_.end() && second != workers_.end() && first->second.pc != 0 &&
           first->second.pc == second->second.pc;
}

/// The share of a trusted worker's results that is checked.
double Scheduler::spot_check_rate(const Worker& worker) const {
    return std::max(limits_.spot_check_rate_min,
                    limits_.spot_check_rate_max * limits_.trusted_after / worker.validated);
}

/// Whether an output of a former round must not be believed as it is.
bool Scheduler::is_doubtful(const Job& job, const RoundTasks& tasks, TaskIndex index) const {
    return is_doubtful(job, tasks.stretch(index));
}

bool Scheduler::is_doubtful(const Job& job, const Stretch& tasks) const {
    if (!tasks.has_output) return true;
    if (tasks.confirmed) return false;
    if (!counts(tasks.author)) return true;
    const ValidationMode mode = mode_for(job, tasks.author);
    return mode == ValidationMode::Quorum || (job.contested && mode == ValidationMode::Adaptive);
}

/// Whether it may help to make up a quorum.
bool Scheduler::counts(WorkerId voter) const {
    const auto found = workers_.find(voter);
    return found != workers_.end() && !found->second.quarantined;
}

bool Scheduler::is_known_liar(WorkerId worker) const {
    const auto found = workers_.find(worker);
    return found != workers_.end() && found->second.quarantined;
}

/// A task has got its output: does it count at once?
void Scheduler::judge(Job& job, TaskIndex index) {
    if (job.tasks.audited(index)) return;  // The master's word is on its way.
    const WorkerId author = job.tasks.author(index);
    const ValidationMode mode = mode_for(job, author);
    if (mode == ValidationMode::None) return job.tasks.settle(index);
    const Worker& worker = workers_.at(author);
    const bool is_trusted = worker.validated >= limits_.trusted_after;
    const bool is_on_probation =
        job.tasks.open_checks(author) + worker.validated < limits_.trusted_after;
    if (mode == ValidationMode::Quorum || job.contested || (!is_trusted && is_on_probation) ||
        (is_trusted && random_.next_unit() < spot_check_rate(worker))) {
        job.tasks.want_check(index);
    } else if (is_trusted) {
        job.tasks.settle(index);
    } else {
        job.tasks.hold_back(index);
    }
}

/// Somebody gave a result for a task that has its output. It is remembered, so that who says the
/// same as a liar is found with it.
void Scheduler::second_vote(JobId id, Job& job, TaskIndex index, Vote vote) {
    job.tasks.add_vote(index, vote);
    if (vote.sha256 != job.tasks.sha256(index)) return request_audit(id, job, index);
    if (job.tasks.confirmed(index) || same_pc(vote.worker, job.tasks.author(index))) return;
    if (job.validation.mode != ValidationMode::Quorum) {
        if (is_reliable(job, vote.worker)) confirm(id, job, index, vote.worker);
    } else if (const auto last = last_of_quorum(job, index)) {
        confirm(id, job, index, *last);
    }
}

/// Whose word makes up the quorum of PCs that have given the task's output; nothing if there are
/// too few.
std::optional<WorkerId> Scheduler::last_of_quorum(const Job& job, TaskIndex index) const {
    std::vector<WorkerId> agreeing{job.tasks.author(index)};  // One of each PC.
    for (const Vote& vote : job.tasks.votes(index)) {
        if (vote.sha256 != job.tasks.sha256(index) || !counts(vote.worker)) continue;
        const bool is_new = std::ranges::none_of(
            agreeing, [&](WorkerId other) { return same_pc(other, vote.worker); });
        if (is_new) agreeing.push_back(vote.worker);
    }
    if (agreeing.size() < job.validation.quorum) return std::nullopt;
    return agreeing.back();
}

void Scheduler::confirm(JobId id, Job& job, TaskIndex index, WorkerId confirmer) {
    if (job.tasks.audited(index)) return;  // The master's word is on its way.
    job.tasks.confirm(index, confirmer);
    auto* const last = effects_.empty() ? nullptr : std::get_if<ConfirmOutputs>(&effects_.back());
    if (last != nullptr && last->job == id && last->round == job.round &&
        last->confirmer == confirmer) {
        last->tasks.push_back(index);
    } else {
        effects_.push_back(ConfirmOutputs{id, job.round, confirmer, {index}});
    }
    const WorkerId author = job.tasks.author(index);
    if (mode_for(job, author) == ValidationMode::Adaptive) credit(author);
}

/// One more result of this worker is proven right.
void Scheduler::credit(WorkerId id) {
    const auto found = workers_.find(id);
    if (found == workers_.end() || found->second.quarantined) return;
    ++found->second.validated;
    auto* const last = effects_.empty() ? nullptr : std::get_if<PublishTrust>(&effects_.back());
    if (last != nullptr && last->worker == id)
        last->validated = found->second.validated;
    else
        effects_.push_back(PublishTrust{id, found->second.validated});
    judge_held_back(id);
}

/// Its results that wait for its trust: with trust, all of them are judged; without, as many get
/// their checks as it takes to earn it.
void Scheduler::judge_held_back(WorkerId author) {
    const Worker& worker = workers_.at(author);
    const bool is_trusted = worker.validated >= limits_.trusted_after;
    for (auto& [id, job] : jobs_) {
        if (!job.in_round) continue;
        note_change(id);
        const std::uint32_t earned = worker.validated + job.tasks.open_checks(author);
        const std::uint32_t missing =
            earned < limits_.trusted_after ? limits_.trusted_after - earned : 0;
        const bool is_believed = mode_for(job, author) == ValidationMode::None;
        const std::uint32_t count = is_trusted || is_believed ? job.tasks.task_count() : missing;
        for (const TaskIndex index : job.tasks.take_held_back(author, count)) judge(job, index);
    }
}

// ---- Audits -------------------------------------------------------------------------------------

/// Has the master compute a task itself. Until it has, the task's output does not count.
void Scheduler::request_audit(JobId id, Job& job, TaskIndex index, bool may_crash) {
    if (job.tasks.audited(index)) return;
    job.tasks.set_audited(index, true);
    job.tasks.unsettle(index);
    effects_.push_back(AuditTask{id, job.round, job.visit, index, may_crash});
}

void Scheduler::on(const TaskAudited& event) {
    if (rescues_.erase({event.job, event.visit, event.index}) > 0) look_for_stragglers();
    const auto found = jobs_.find(event.job);
    if (found == jobs_.end()) return;
    Job& job = found->second;
    if (!job.in_round || job.visit != event.visit || !job.tasks.audited(event.index)) return;
    RoundTasks& tasks = job.tasks;
    tasks.set_audited(event.index, false);
    if (event.failed) {
        // Its inputs may have been made of lies.
        if (const auto round = doubt_strangers(job, job.round)) {
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
        effects_.push_back(RecordAudit{event.job, event.round, event.index});
    }
    if (tasks.is_held(event.index)) revoke_pointless(job);
    for (const Vote& vote : votes) {
        if (vote.sha256 != event.sha256) {
            quarantine(vote.worker, event.job, event.round, event.index);
        }
    }
}

/// A worker was proven wrong: neither what it gave and nobody confirmed is believed any more, nor
/// what it confirmed.
void Scheduler::quarantine(WorkerId id, JobId job_id, RoundIndex round, TaskIndex index) {
    const auto found = workers_.find(id);
    if (found == workers_.end() || found->second.quarantined) return;
    Worker& worker = found->second;
    worker.quarantined = true;
    worker.validated = 0;
    effects_.push_back(QuarantineWorker{id, job_id, round, index});
    count_in(id, worker);
    abandon_leases(worker);
    std::vector<JobId> ids;
    for (const auto& entry : jobs_) ids.push_back(entry.first);
    for (const JobId each : ids) {
        if (const auto job = jobs_.find(each); job != jobs_.end()) {
            distrust(each, job->second, id);
        }
    }
}

/// Takes a liar's results and its word out of a job, and doubts every stranger's from now on.
void Scheduler::distrust(JobId id, Job& job, WorkerId liar) {
    note_change(id);
    bool has_its_word = false;
    const auto take_its_word_out = [&](RoundTasks& tasks) {
        for (TaskIndex index = 0; index < tasks.task_count();) {
            const Stretch alike = tasks.stretch(index);
            const TaskIndex begin = std::exchange(index, alike.end);
            if (!alike.has_output) continue;
            const bool confirmed = alike.confirmed && alike.confirmer == liar;
            has_its_word |= confirmed || alike.author == liar;
            if (!confirmed) continue;
            for (TaskIndex each = begin; each < alike.end; ++each) tasks.unconfirm(each);
        }
    };
    take_its_word_out(job.tasks);
    for (auto& [round, tasks] : job.history) take_its_word_out(tasks);
    has_its_word |= job.forgotten_outputs.contains(liar) || job.forgotten_words.contains(liar);
    const bool lied_here = effects_.end() != std::ranges::find_if(effects_, [&](const Effect& e) {
                               const auto* const proof = std::get_if<QuarantineWorker>(&e);
                               return proof != nullptr && proof->worker == liar && proof->job == id;
                           });
    if (!lied_here && !has_its_word) return;
    job.contested = true;
    effects_.push_back(ContestJob{id, liar});
    if (job.visiting) {
        // It is on its way to a round already; it may have to be an earlier one.
        if (const auto first = first_doubtful_round(job, *job.visiting)) visit(id, job, *first);
        return;
    }
    if (!job.in_round) archive(job);  // It is complete, and a former round now.
    // Later rounds, of before a visit, are looked at when they are begun again: their inputs may
    // become others.
    const RoundIndex end = job.in_round ? job.round : job.round + 1;
    if (const auto first = first_doubtful_round(job, end)) return visit(id, job, *first);
    if (!job.in_round) return;
    for (TaskIndex next = 0; next < job.tasks.task_count();) {
        RoundTasks& tasks = job.tasks;
        const TaskIndex index = next++;
        const Stretch alike = tasks.stretch(index);
        if (!alike.has_output || !is_doubtful(job, alike)) {
            next = alike.end;
            continue;
        }
        if (tasks.author(index) == liar) {
            tasks.drop_output(index);
            continue;
        }
        tasks.want_check(index);
        if (job.validation.mode != ValidationMode::Quorum) continue;
        if (const auto last = last_of_quorum(job, index)) confirm(id, job, index, *last);
    }
}

}  // namespace netcompute::core
