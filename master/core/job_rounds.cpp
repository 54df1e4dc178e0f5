#include "core/job_rounds.hpp"

#include <netcompute/assert.hpp>

#include <algorithm>
#include <utility>

namespace netcompute::core {
namespace {

/// Calls `look` with each stretch of alike tasks, and where it begins.
template <typename Look>
void for_each_stretch(const RoundTasks& tasks, const Look& look) {
    for (TaskIndex index = 0; index < tasks.task_count();) {
        const Stretch alike = tasks.stretch(index);
        const TaskIndex begin = std::exchange(index, alike.end);
        look(begin, alike);
    }
}

bool gave(const RoundTasks& tasks, WorkerId author) {
    for (TaskIndex index = 0; index < tasks.task_count();) {
        const Stretch alike = tasks.stretch(index);
        if (alike.has_output && alike.author == author) return true;
        index = alike.end;
    }
    return false;
}

}  // namespace

// ---- Rounds begin and end -----------------------------------------------------------------------

bool JobRounds::admits(const RoundStarted& event) const {
    const bool is_anew =
        event.fresh && event.round < first_kept_ && event.round <= visiting_.value_or(event.round);
    const bool is_visit = visiting_ == event.round && !event.fresh;
    return !visiting_ || is_visit || is_anew;
}

std::vector<WorkerId> JobRounds::homes_for(const RoundStarted& event) const {
    if (!event.fresh || tasks.task_count() != event.task_count) return {};
    return tasks.homes();
}

void JobRounds::begin(const RoundStarted& event, const std::vector<WorkerId>& homes) {
    const bool is_anew =
        event.fresh && event.round < first_kept_ && event.round <= visiting_.value_or(event.round);
    visiting_.reset();
    archive();
    if (is_anew) begin_anew(event.round);
    terms.validation = event.validation;
    paused = event.paused;
    round = event.round;
    task_bytes = event.task_bytes;
    kernel = event.kernel;
    in_round = true;
    if (event.fresh) {
        history_.erase(history_.lower_bound(event.round), history_.end());
        tasks = RoundTasks{event.task_count, homes};
        return;
    }
    // One that a former master had begun may miss its last tasks, or all of them.
    const auto known = history_.extract(event.round);
    tasks = known ? known.mapped() : RoundTasks{0};
    tasks.grow(event.task_count);
}

/// The job begins again with a round that was forgotten: nothing of it and of later ones holds.
void JobRounds::begin_anew(RoundIndex from) {
    history_.clear();
    first_kept_ = from;
    const auto is_void = [from](const auto& entry) { return entry.second >= from; };
    std::erase_if(forgotten_outputs_, is_void);
    std::erase_if(forgotten_words_, is_void);
}

void JobRounds::archive() {
    if (tasks.task_count() == 0) return;
    history_.insert_or_assign(round, std::exchange(tasks, RoundTasks{0}));
}

bool JobRounds::complete() {
    if (!in_round || !tasks.complete()) return false;
    in_round = false;
    return true;
}

void JobRounds::go_back(RoundIndex to) {
    archive();
    in_round = false;
    visiting_ = to;
}

void JobRounds::finish(std::uint32_t round_count) {
    archive();
    history_.erase(history_.lower_bound(round_count), history_.end());
}

void JobRounds::restore(const JobRestored& event, const WordOf& word_of) {
    terms.contested = event.contested;
    slot_seconds = event.slot_seconds;
    terms.validation = event.validation;
    restored_ = true;
    first_kept_ = event.first_round;
    for (const ForgottenWord& word : event.forgotten) {
        (word.is_confirmer ? forgotten_words_ : forgotten_outputs_)
            .try_emplace(word.worker, word.first_round);
    }
    for (RoundIndex place = 0; place < event.rounds.size(); ++place) {
        RoundTasks& of_round = history_.try_emplace(event.first_round + place, 0U).first->second;
        restore_outputs(of_round, event.rounds[place], word_of);
    }
    for (const PastConfirmations& past : event.confirmations) {
        const auto found = history_.find(past.round);
        if (found == history_.end() || word_of(terms, past.confirmer).is_lie) continue;
        RoundTasks& of_round = found->second;
        for (const TaskIndex index : past.tasks) {
            if (index >= of_round.task_count() || !of_round.has_output(index)) continue;
            of_round.confirm(index, past.confirmer);
        }
    }
}

/// What a former master had taken, or a part of it. The last one of a task counts. What is believed
/// as it is counts at once, so that a large round is ready when its last output is.
void JobRounds::restore_outputs(RoundTasks& of_round, const std::vector<PastOutput>& outputs,
                                const WordOf& word_of) const {
    std::uint32_t task_count = of_round.task_count();
    for (const PastOutput& output : outputs) task_count = std::max(task_count, output.index + 1);
    of_round.grow(task_count);
    for (const PastOutput& output : outputs) {
        if (of_round.has_output(output.index)) of_round.drop_output(output.index);
        of_round.put_output(output.index, output.worker, output.sha256);
        if (output.confirmed && !word_of(terms, output.confirmer).is_lie) {
            of_round.confirm(output.index, output.confirmer);
            continue;
        }
        const Word word = word_of(terms, output.worker);
        if (word.mode == ValidationMode::None && word.counts) of_round.settle(output.index);
    }
}

// ---- Rounds in doubt ----------------------------------------------------------------------------

bool JobRounds::remembers(WorkerId worker) const {
    const auto gave_in = [&](const auto& entry) { return gave(entry.second, worker); };
    return gave(tasks, worker) || std::ranges::any_of(history_, gave_in) ||
           forgotten_outputs_.contains(worker) || forgotten_words_.contains(worker);
}

void JobRounds::forgive(const BlamedTask& task) {
    const auto archived = history_.find(task.round);
    const bool is_archived =
        archived != history_.end() && task.index < archived->second.task_count();
    const bool is_current = round == task.round && task.index < tasks.task_count();
    if (!is_archived && !is_current) return;
    RoundTasks& of_round = is_archived ? archived->second : tasks;
    task.is_proven ? of_round.forgive_infrastructure_failure(task.index)
                   : of_round.forgive_stranger_loss(task.index);
}

bool JobRounds::take_word_out(WorkerId liar) {
    bool has_its_word = forgotten_outputs_.contains(liar) || forgotten_words_.contains(liar);
    const auto take_out_of = [&](RoundTasks& of_round) {
        for_each_stretch(of_round, [&](TaskIndex begin, const Stretch& alike) {
            if (!alike.has_output) return;
            const bool confirmed = alike.confirmed && alike.confirmer == liar;
            has_its_word |= confirmed || alike.author == liar;
            if (!confirmed) return;
            for (TaskIndex each = begin; each < alike.end; ++each) of_round.unconfirm(each);
        });
    };
    take_out_of(tasks);
    for (auto& [index, of_round] : history_) take_out_of(of_round);
    return has_its_word;
}

std::optional<RoundIndex> JobRounds::contest(const WordOf& word_of) {
    terms.contested = true;
    // It is on its way to a round already; it may have to be an earlier one.
    if (visiting_) return first_doubtful(*visiting_, word_of);
    if (!in_round) archive();  // It is complete, and a former round now.
    // Later rounds, of before a visit, are looked at when they are begun again: their inputs may
    // become others.
    return first_doubtful(in_round ? round : round + 1, word_of);
}

std::optional<RoundIndex> JobRounds::first_doubtful(RoundIndex end, const WordOf& word_of) const {
    const auto forgotten = first_doubtful_forgotten(word_of);
    if (forgotten && *forgotten < end) return forgotten;
    for (const auto& [index, of_round] : history_) {
        if (index >= end) break;
        for (TaskIndex next = 0; next < of_round.task_count();) {
            const Stretch alike = of_round.stretch(next);
            if (is_doubtful(terms, alike, word_of(terms, alike.author))) return index;
            next = alike.end;
        }
    }
    return std::nullopt;
}

/// The first forgotten round that rests on somebody who must not be believed as it is.
std::optional<RoundIndex> JobRounds::first_doubtful_forgotten(const WordOf& word_of) const {
    std::optional<RoundIndex> first;
    const auto doubt = [&](RoundIndex index) { first = std::min(first.value_or(index), index); };
    for (const auto& [author, index] : forgotten_outputs_) {
        const Word word = word_of(terms, author);
        if (!word.counts) doubt(index);
        if (terms.contested && word.mode == ValidationMode::Adaptive) doubt(index);
    }
    for (const auto& [confirmer, index] : forgotten_words_) {
        if (word_of(terms, confirmer).is_lie) doubt(index);
    }
    return first;
}

std::optional<RoundIndex> JobRounds::doubt_strangers(RoundIndex end, const WordOf& word_of) {
    std::optional<RoundIndex> first;
    for (const auto& [author, index] : forgotten_outputs_) {
        if (word_of(terms, author).mode == ValidationMode::None) continue;
        first = std::min(first.value_or(index), index);
        terms.contested = true;
    }
    for (auto& entry : history_) {
        if (entry.first >= end) break;
        RoundTasks& of_round = entry.second;
        for_each_stretch(of_round, [&](TaskIndex begin, const Stretch& alike) {
            if (alike.confirmed) return;
            if (word_of(terms, alike.author).mode == ValidationMode::None) return;
            for (TaskIndex each = begin; each < alike.end; ++each) of_round.set_closing(each);
            first = first.value_or(entry.first);
        });
    }
    return first;
}

std::optional<RoundIndex> JobRounds::reject(ErrorCode code, const WordOf& word_of) {
    archive();
    std::optional<RoundIndex> first = doubt_strangers(round + 1, word_of);
    if (code != ErrorCode::ShapeMismatch) return first;
    RoundTasks& last = history_.at(round);
    for (TaskIndex index = 0; index < last.task_count(); ++index) {
        if (last.confirmed(index)) continue;
        last.set_closing(index);
        first = first.value_or(round);
    }
    return first;
}

std::map<WorkerId, Unconfirmed> JobRounds::unconfirmed(RoundIndex end,
                                                       const WordOf& word_of) const {
    std::map<WorkerId, Unconfirmed> by_author;
    std::map<WorkerId, std::uint32_t> drawn_before;
    for (const auto& entry : history_) {
        if (entry.first >= end) break;
        for_each_stretch(entry.second, [&](TaskIndex begin, const Stretch& alike) {
            if (word_of(terms, alike.author).mode != ValidationMode::Adaptive) return;
            if (alike.closing) drawn_before[alike.author] += alike.end - begin;
            if (alike.confirmed) return;
            std::vector<TaskPlace>& places = by_author[alike.author].places;
            for (TaskIndex each = begin; each < alike.end; ++each)
                places.push_back({entry.first, each});
        });
    }
    for (auto& [author, found] : by_author) found.drawn_before = drawn_before[author];
    return by_author;
}

// ---- Rounds that are forgotten ------------------------------------------------------------------

std::optional<RoundIndex> JobRounds::due_to_forget(const SchedulerLimits& limits) const {
    if (round - first_kept_ < 2 * limits.rounds_kept) return std::nullopt;
    const RoundIndex end = first_kept_ + limits.rounds_kept;
    const auto is_large = [&](const auto& entry) {
        return entry.first < end && entry.second.task_count() > limits.forgotten_tasks_max;
    };
    if (std::ranges::any_of(history_, is_large)) return std::nullopt;
    return end;
}

std::vector<RoundTasks> JobRounds::forget(RoundIndex end) {
    std::vector<RoundTasks> rounds;
    for (; first_kept_ < end; ++first_kept_) {
        const auto known = history_.extract(first_kept_);
        NETCOMPUTE_ASSERT(!known.empty(), "the rounds before the one in progress are known");
        for_each_stretch(known.mapped(), [&](TaskIndex, const Stretch& alike) {
            const WorkerId whose = alike.confirmed ? alike.confirmer : alike.author;
            if (whose == WorkerId{}) return;
            (alike.confirmed ? forgotten_words_ : forgotten_outputs_)
                .try_emplace(whose, first_kept_);
        });
        rounds.push_back(known.mapped());
    }
    return rounds;
}

}  // namespace netcompute::core
