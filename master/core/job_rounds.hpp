#pragma once

#include "core/events.hpp"
#include "core/limits.hpp"
#include "core/round_tasks.hpp"
#include "core/terms.hpp"
#include <netcompute/ids.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace netcompute::core {

/// Results of one worker in former rounds that may be drawn for a check.
struct Unconfirmed {
    std::vector<TaskPlace> places;
    std::uint32_t drawn_before = 0;
};

/// A job's rounds: the one in progress, the former ones, and what is known of forgotten ones. Which
/// of them is to be begun again is found here; the program goes back to it elsewhere.
class JobRounds {
 public:
    Terms terms;
    bool paused = false;
    bool in_round = false;  ///< Tasks may be given out.
    RoundIndex round = 0;
    std::uint32_t kernel = 0;  ///< Of the round, by number.
    std::uint64_t visit = 0;   ///< Names this visit to the round; 0 until one has begun here.
    std::uint64_t task_bytes = 0;
    double slot_seconds = 0;  ///< Spent on it.
    RoundTasks tasks{0};      ///< Of the round.

    /// The tasks of other rounds that are not forgotten.
    [[nodiscard]] const std::map<RoundIndex, RoundTasks>& history() const { return history_; }
    /// Rounds before it are forgotten.
    [[nodiscard]] RoundIndex first_kept() const { return first_kept_; }
    /// Whether it goes back to a round that has not begun again yet.
    [[nodiscard]] bool is_visiting() const { return visiting_.has_value(); }

    // ---- Rounds begin and end ----

    /// Whether this is the round that is due: what was said before the engine heard of a visit is
    /// no answer to it.
    [[nodiscard]] bool admits(const RoundStarted& event) const;
    /// Who did the tasks of the round before, if those of the new one are as many.
    [[nodiscard]] std::vector<WorkerId> homes_for(const RoundStarted& event) const;
    /// Whose leases are over already. Outputs of a round that is not fresh are as they were.
    void begin(const RoundStarted& event, const std::vector<WorkerId>& homes);
    /// Puts the round's tasks to those of the others.
    void archive();
    /// Whether the round ends now: every task has its output.
    [[nodiscard]] bool complete();
    /// It goes back to this round, once the engine is ready.
    void go_back(RoundIndex to);
    /// The program has so many rounds: what is known of others is void.
    void finish(std::uint32_t round_count);
    /// What a former master knew of it, or a part of that.
    void restore(const JobRestored& event, const WordOf& word_of);
    /// Whether it was restored, and its former rounds have yet to be looked through; but once.
    [[nodiscard]] bool take_restored() { return std::exchange(restored_, false); }

    // ---- Rounds in doubt ----

    /// Whether results of this worker are in it: who checks them must know whose they are.
    [[nodiscard]] bool remembers(WorkerId worker) const;
    /// This task did not bring its worker down.
    void forgive(const BlamedTask& task);
    /// Takes out what this worker confirmed. Whether there was anything of its at all.
    bool take_word_out(WorkerId liar);
    /// A worker was proven wrong in it: each stranger's result is checked from now on. The round
    /// to go back to, if any former one is in doubt.
    [[nodiscard]] std::optional<RoundIndex> contest(const WordOf& word_of);
    /// The first round before `end` with an output that must not be believed as it is.
    [[nodiscard]] std::optional<RoundIndex> first_doubtful(RoundIndex end,
                                                           const WordOf& word_of) const;
    /// Has each result of a stranger in the rounds before `end` checked that nobody has confirmed.
    /// The first of those rounds; nothing if all of them are. Where some of them are forgotten, the
    /// job is done again from there, with every stranger's result checked.
    [[nodiscard]] std::optional<RoundIndex> doubt_strangers(RoundIndex end, const WordOf& word_of);
    /// The round that was completed last could not be folded. Before a job fails for that, the
    /// strangers' results are checked in all of its rounds; and everybody's in the last one, if
    /// one of those is not what its kernel gives. The first such round.
    [[nodiscard]] std::optional<RoundIndex> reject(ErrorCode code, const WordOf& word_of);
    /// This result of a former round is drawn: it is checked when the round is begun again.
    void set_closing(const TaskPlace& drawn) { history_.at(drawn.round).set_closing(drawn.index); }
    /// What may be drawn for a check before the rounds before `end` are done with, by author.
    [[nodiscard]] std::map<WorkerId, Unconfirmed> unconfirmed(RoundIndex end,
                                                              const WordOf& word_of) const;

    // ---- Rounds that are forgotten ----

    /// Once there are twice as many former rounds as are kept, the end of the first half of them.
    /// Whoever tells of them needs time for each of their tasks, so not if there are large ones.
    [[nodiscard]] std::optional<RoundIndex> due_to_forget(const SchedulerLimits& limits) const;
    /// The rounds before `end`, one after the other. They are known.
    [[nodiscard]] std::vector<RoundTasks> forget(RoundIndex end);

 private:
    void begin_anew(RoundIndex from);
    void restore_outputs(RoundTasks& of_round, const std::vector<PastOutput>& outputs,
                         const WordOf& word_of) const;
    [[nodiscard]] std::optional<RoundIndex> first_doubtful_forgotten(const WordOf& word_of) const;

    bool restored_ = false;
    std::optional<RoundIndex> visiting_;  ///< Asked for, and not begun yet.
    std::map<RoundIndex, RoundTasks> history_;
    RoundIndex first_kept_ = 0;
    /// The first forgotten round that rests on outputs of this worker that nobody confirmed,
    std::map<WorkerId, RoundIndex> forgotten_outputs_;
    /// and on this worker's word for those of others.
    std::map<WorkerId, RoundIndex> forgotten_words_;
};

}  // namespace netcompute::core
