#include "ledger.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace netcompute::sim {

using namespace core;

// ---- What may count -----------------------------------------------------------------------------

ValidationMode Ledger::mode_for(const Job& job, WorkerId worker) const {
    if (job.validation.mode != ValidationMode::Default) return job.validation.mode;
    const auto found = workers_.find(worker);
    const bool is_believed = found != workers_.end() && found->second.is_believed;
    return is_believed ? ValidationMode::None : ValidationMode::Adaptive;
}

std::uint64_t Ledger::pc_of(WorkerId worker) const {
    const auto found = workers_.find(worker);
    return found == workers_.end() ? 0 : found->second.pc;
}

/// Whether this worker's word can confirm the output: it is of another PC, and believed; for a
/// quorum, one of yet another PC.
bool Ledger::may_confirm(const Job& job, const Output& output, WorkerId id) const {
    const auto found = workers_.find(id);
    if (found == workers_.end() || found->second.quarantined) return false;
    const Worker& worker = found->second;
    if (id == output.author || worker.pc == pc_of(output.author)) return false;
    if (job.validation.mode != ValidationMode::Quorum) {
        return mode_for(job, id) == ValidationMode::None ||
               worker.validated >= limits_.trusted_after;
    }
    return std::ranges::none_of(output.votes, [&](const Word& vote) {
        const auto voter = workers_.find(vote.worker);
        const bool counts = voter != workers_.end() && !voter->second.quarantined;
        return counts && vote.pc == worker.pc && vote.worker != id;
    });
}

/// Whether the round may go on without knowing more about this task.
bool Ledger::may_count(const Job& job, const Task& task) const {
    const Output& output = task.output;
    if (!output.there || task.audit) return false;
    if (output.confirmed) return true;
    switch (mode_for(job, output.author)) {
        case ValidationMode::None:
            return true;
        case ValidationMode::Quorum:
            return false;
        default:
            return !job.contested && workers_.contains(output.author) &&
                   workers_.at(output.author).was_trusted;
    }
}

/// Whether it must.
bool Ledger::must_count(const Job&, const Task& task) const {
    return task.output.there && task.output.confirmed && !task.audit;
}

/// Whether an output of a former round must not be believed as it is.
bool Ledger::is_doubtful(const Job& job, const Output& output) const {
    if (!output.there) return true;
    if (output.confirmed) return false;
    const auto author = workers_.find(output.author);
    if (author == workers_.end() || author->second.quarantined) return true;
    const ValidationMode mode = mode_for(job, output.author);
    return mode == ValidationMode::Quorum || (job.contested && mode == ValidationMode::Adaptive);
}

std::optional<RoundIndex> Ledger::first_doubtful_round(const Job& job) const {
    for (const auto& [round, tasks] : job.history) {
        const bool doubtful = std::ranges::any_of(
            tasks, [&](const Task& task) { return is_doubtful(job, task.output); });
        if (doubtful) return round;
    }
    return std::nullopt;
}

bool Ledger::is_confirmed_by(const Job& job, const Output& output, WorkerId confirmer) const {
    const auto agrees = [&](const Word& word) { return word.sha256 == output.sha256; };
    const bool said_so = std::ranges::any_of(
        output.votes, [&](const Word& word) { return word.worker == confirmer && agrees(word); });
    if (!said_so || job.validation.mode != ValidationMode::Quorum) {
        return said_so && may_confirm(job, output, confirmer);
    }
    std::set<std::uint64_t> pcs{pc_of(output.author)};
    for (const Word& word : output.votes) {
        const auto voter = workers_.find(word.worker);
        const bool counts = voter != workers_.end() && !voter->second.quarantined;
        if (counts && agrees(word)) pcs.insert(word.pc);
    }
    return pcs.size() >= job.validation.quorum;
}

// ---- What was decided ---------------------------------------------------------------------------

void Ledger::check(const ConfirmOutputs& effect) {
    const auto found = jobs_.find(effect.job);
    if (found == jobs_.end() || !found->second.in_round || found->second.round != effect.round) {
        return broken("outputs of a round that is not due were confirmed");
    }
    Job& job = found->second;
    for (const TaskIndex index : effect.tasks) {
        Task& task = job.tasks.at(index);
        Output& output = task.output;
        const std::string name = "task " + std::to_string(index);
        if (!output.there || output.confirmed || task.audit) {
            broken(name + " was confirmed, but has no output that wants it");
        }
        const bool by_master = step_.audit != nullptr && step_.audit->index == index &&
                               step_.audit->sha256 == output.sha256 &&
                               effect.confirmer == WorkerId{};
        if (!by_master && !is_confirmed_by(job, output, effect.confirmer)) {
            broken(name + " was confirmed by nobody whose word counts");
        }
        output.confirmed = true;
        output.confirmer = effect.confirmer;
        const auto author = workers_.find(output.author);
        const bool earns = author != workers_.end() && !author->second.quarantined &&
                           mode_for(job, output.author) == ValidationMode::Adaptive;
        if (!earns) continue;
        ++author->second.validated;
        author->second.was_trusted |= author->second.validated >= limits_.trusted_after;
    }
}

void Ledger::check(const PublishTrust& effect) {
    const auto found = workers_.find(effect.worker);
    if (found == workers_.end()) return broken("somebody is trusted who is not there");
    // One effect may tell of several confirmations, the later ones of which are still to come.
    if (effect.validated < found->second.validated) {
        broken("worker " + std::to_string(effect.worker.value) + " is trusted less than it earned");
    }
}

void Ledger::check(const AuditTask& effect) {
    const auto found = jobs_.find(effect.job);
    if (found == jobs_.end() || !found->second.in_round || found->second.round != effect.round) {
        return broken("a task of a round that is not due is computed by the master");
    }
    Job& job = found->second;
    Task& task = job.tasks.at(effect.index);
    const Output& output = task.output;
    const std::string name = "task " + std::to_string(effect.index);
    if (task.audit) broken(name + " is computed by the master twice at once");
    const bool is_disputed = std::ranges::any_of(
        output.votes, [&](const Word& vote) { return vote.sha256 != output.sha256; });
    const bool fails =
        !output.there &&
        task.own_failures + task.losses_max + task.stranger_failures >= limits_.own_failures_max;
    const bool is_sat_on = !output.there && task.holders > 1;
    const bool wants_check = output.there && !output.confirmed &&
                             (job.validation.mode != ValidationMode::Quorum ||
                              step_.failed_checks.contains(effect.index));
    if (!is_disputed && !fails && !is_sat_on && !wants_check) {
        broken(name + " is computed by the master for no reason");
    }
    task.audit = effect.visit;
    step_.to_audit.erase(effect.index);
}

void Ledger::check(const RecordAudit& effect) {
    const auto found = jobs_.find(effect.job);
    const bool is_told = step_.audit != nullptr && step_.audit->index == effect.index &&
                         step_.audit->job == effect.job && !step_.audit->failed;
    if (!is_told || found == jobs_.end() || !found->second.in_round) {
        return broken("the master's own output counts, but nobody asked for it");
    }
    Output& output = found->second.tasks.at(effect.index).output;
    if (output.there && output.sha256 == step_.audit->sha256) {
        broken("the master's own output takes the place of the same one");
    }
    output = {true, WorkerId{}, step_.audit->sha256, true, WorkerId{}, {}};
}

void Ledger::check(const QuarantineWorker& effect) {
    const std::string name = "worker " + std::to_string(effect.worker.value);
    const bool is_proven =
        step_.audit != nullptr && step_.audit->job == effect.job &&
        step_.audit->index == effect.index &&
        std::ranges::any_of(step_.audited_words, [&](const Word& word) {
            return word.worker == effect.worker && word.sha256 != step_.audit->sha256;
        });
    if (!is_proven) broken(name + " was put in quarantine without proof");
    if (!around_.is_liar(effect.worker)) broken(name + " never lies and was put in quarantine");
    const auto found = workers_.find(effect.worker);
    if (found == workers_.end()) return broken(name + " is not there and was put in quarantine");
    if (found->second.quarantined) broken(name + " was put in quarantine twice");
    found->second.quarantined = true;
    found->second.validated = 0;
    for (auto& [id, lease] : leases_) {
        if (lease.worker != effect.worker || !lease.active) continue;
        give_back(lease, false);
        end(lease);
    }
    step_.to_contest.insert(effect.job);
    expect_contested(effect.worker);
    doubt_confirmed_by(effect.worker);
    drop_unconfirmed(effect.worker);
}

/// Each job in which the liar's word counted must hear of it. What it gave to forgotten rounds and
/// others have confirmed does not rest on its word.
void Ledger::expect_contested(WorkerId liar) {
    const auto has_its_word = [&](const Tasks& tasks, bool is_forgotten) {
        return std::ranges::any_of(tasks, [&](const Task& task) {
            const Output& output = task.output;
            const bool is_its_own = output.author == liar && (!output.confirmed || !is_forgotten);
            return output.there && (is_its_own || (output.confirmed && output.confirmer == liar));
        });
    };
    for (const auto& [id, known] : jobs_) {
        const Job& job = known;
        const bool concerned = has_its_word(job.tasks, false) ||
                               std::ranges::any_of(job.history, [&](const auto& entry) {
                                   return has_its_word(entry.second, entry.first < job.first_kept);
                               });
        if (concerned) step_.to_contest.insert(id);
    }
}

void Ledger::doubt_confirmed_by(WorkerId liar) {
    const auto doubt = [&](Tasks& tasks) {
        for (Task& task : tasks) {
            if (task.output.confirmed && task.output.confirmer == liar) {
                task.output.confirmed = false;
            }
        }
    };
    for (auto& [id, job] : jobs_) {
        doubt(job.tasks);
        for (auto& [round, tasks] : job.history) doubt(tasks);
    }
}

void Ledger::drop_unconfirmed(WorkerId liar) {
    const auto drop = [&](Tasks& tasks) {
        for (Task& task : tasks) {
            Output& output = task.output;
            if (!output.there || output.author != liar || output.confirmed) continue;
            std::vector<Word> votes = std::move(output.votes);
            output = {};
            if (task.audit) output.votes = std::move(votes);  // It shows who else was wrong.
        }
    };
    for (auto& [id, job] : jobs_) {
        drop(job.tasks);
        for (auto& [round, tasks] : job.history) drop(tasks);
    }
}

void Ledger::check(const ContestJob& effect) {
    const auto found = jobs_.find(effect.job);
    if (found == jobs_.end() || !step_.to_contest.contains(effect.job)) {
        return broken("job " + std::to_string(effect.job.value) + " is contested for no reason");
    }
    found->second.contested = true;
    step_.to_contest.erase(effect.job);
}

void Ledger::check(const VisitRound& effect) {
    const auto found = jobs_.find(effect.job);
    const std::string name = "job " + std::to_string(effect.job.value);
    if (found == jobs_.end()) return broken(name + " goes back, but is over");
    Job& job = found->second;
    if (effect.round > job.round || (job.visiting && effect.round >= *job.visiting)) {
        broken(name + " goes back to a round that is not before");
    }
    step_.to_record.clear();
    step_.to_audit.clear();
    archive(job);
    job.visiting = effect.round;
    if (step_.to_end == effect.job) step_.to_end.reset();
    const auto doubtful = first_doubtful_round(job);
    if (doubtful && *doubtful < effect.round) broken(name + " passes over a doubtful round");
}

void Ledger::check(const ForgetRounds& effect) {
    const auto found = jobs_.find(effect.job);
    const std::string name = "job " + std::to_string(effect.job.value);
    if (found == jobs_.end()) return broken(name + " forgets rounds, but is over");
    Job& job = found->second;
    if (effect.first != job.first_kept || effect.first + effect.rounds.size() >= job.round) {
        broken(name + " forgets rounds that are not its first ones");
    }
    job.first_kept = effect.first + static_cast<RoundIndex>(effect.rounds.size());
    const auto doubtful = first_doubtful_round(job);
    if (doubtful && *doubtful < job.first_kept) broken(name + " forgets a doubtful round");
    for (std::size_t place = 0; place < effect.rounds.size(); ++place) {
        const RoundTasks& told = effect.rounds[place];
        const Tasks& tasks = job.history[effect.first + static_cast<RoundIndex>(place)];
        bool is_same = told.task_count() == tasks.size();
        for (TaskIndex index = 0; is_same && index < tasks.size(); ++index) {
            const Output& output = tasks[index].output;
            is_same = output.there && told.author(index) == output.author &&
                      told.sha256(index) == output.sha256 &&
                      told.confirmed(index) == output.confirmed;
        }
        if (!is_same) broken(name + " tells of a forgotten round what was not so");
    }
}

void Ledger::check(const FinishJob& effect) {
    const auto found = jobs_.find(effect.job);
    if (found == jobs_.end() || step_.to_end != effect.job || first_doubtful_round(found->second)) {
        broken("job " + std::to_string(effect.job.value) +
               " is finished with outputs that nobody believes");
    }
    step_.to_end.reset();
}

}  // namespace netcompute::sim
