#pragma once

#include "core/task_pages.hpp"
#include <netcompute/ids.hpp>
#include <netcompute/sha256.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace netcompute::core {

/// What a worker says that a task's output is.
struct Vote {
    WorkerId worker;
    Sha256 sha256;
};

/// Tasks next to each other of which all but the hashes of their outputs is the same.
struct Stretch {
    TaskIndex end = 0;  ///< It begins where it was asked for.
    bool has_output = false;
    bool settled = false;
    bool confirmed = false;
    bool audited = false;
    bool closing = false;
    WorkerId author;
    WorkerId confirmer;
};

/// Who has given an output, its author first, then those who said the same: they check it no more.
using Voters = std::vector<WorkerId>;

/// The tasks of one round: which wait, which are out, which have an output and whether that counts,
/// and who should rather do which because it did that task in the round before and holds its blobs.
///
/// A task waits (pending), is held by leases, or has an output, given by its author. The output is
/// settled when the round need not wait for anything more about it: it is confirmed, or its author
/// is believed. Otherwise it wants a check (another worker shall come to the same), is held back
/// (until its author has earned trust), or is audited (the master computes it itself).
///
/// A round that nobody has worked on takes next to no memory, and what is settled takes little: see
/// TaskPages. Copies are cheap.
class RoundTasks {
 public:
    /// `homes[i]` is the worker that did task i before, or WorkerId{} for none; may be empty.
    explicit RoundTasks(std::uint32_t task_count, const std::vector<WorkerId>& homes = {});

    [[nodiscard]] std::uint32_t task_count() const;
    [[nodiscard]] std::uint32_t pending_count() const { return pending_count_; }
    [[nodiscard]] std::uint32_t settled_count() const { return tasks_.settled_count(); }
    [[nodiscard]] bool complete() const { return settled_count() == task_count(); }
    /// The tasks from here on that are alike, this one first.
    [[nodiscard]] Stretch stretch(TaskIndex first) const;
    /// In bytes, without its queues.
    [[nodiscard]] std::size_t memory_bytes() const { return tasks_.memory_bytes(); }

    // ---- Giving out ----

    /// How many leases hold this task now.
    [[nodiscard]] std::uint32_t holders(TaskIndex index) const;
    /// Takes up to `count_max` pending tasks for this worker, its own first, then those nobody
    /// claims, then others' from the back. `avoid_failed` leaves out tasks that failed on it.
    [[nodiscard]] std::vector<TaskIndex> take(WorkerId worker, std::uint32_t count_max,
                                              bool avoid_failed);
    /// One more lease holds this task: a straggler's second copy.
    void add_holder(TaskIndex index);
    /// A lease of a former master holds this task.
    void hold(TaskIndex index);
    /// A lease no longer holds the task: it has its outcome, or is over. Without an output, the
    /// task is pending again if it was the last.
    void release(TaskIndex index);

    // ---- Outputs ----

    [[nodiscard]] bool has_output(TaskIndex index) const { return task(index).has_output; }
    [[nodiscard]] bool settled(TaskIndex index) const { return task(index).settled; }
    [[nodiscard]] bool confirmed(TaskIndex index) const { return task(index).confirmed; }
    /// Who gave the output; WorkerId{} for the master, and where there is none.
    [[nodiscard]] WorkerId author(TaskIndex index) const { return WorkerId{task(index).author}; }
    [[nodiscard]] const Sha256& sha256(TaskIndex index) const { return tasks_.sha256(index); }
    /// The task has none yet.
    void put_output(TaskIndex index, WorkerId worker, const Sha256& sha256);
    /// The output does not count any more; nor do the votes on it, unless they are audited.
    void drop_output(TaskIndex index);
    void settle(TaskIndex index);
    void unsettle(TaskIndex index);
    /// Settles it for good: it wants no check any more.
    void confirm(TaskIndex index, WorkerId confirmer);
    /// The worker that confirmed it; WorkerId{} if the master did, or nobody.
    [[nodiscard]] WorkerId confirmer(TaskIndex index) const {
        return WorkerId{task(index).confirmer};
    }
    /// Takes that word back: whether the output counts is to be judged anew.
    void unconfirm(TaskIndex index);

    // ---- Checking ----

    /// Another worker shall come to the same output. Unsettles it.
    void want_check(TaskIndex index);
    [[nodiscard]] bool wants_check(TaskIndex index) const { return task(index).wants_check; }
    /// How many outputs of this worker want a check.
    [[nodiscard]] std::uint32_t open_checks(WorkerId author) const;
    /// Whether some want a check that no lease holds for it, and that the master does not make.
    [[nodiscard]] bool checks_wait() const { return !checks_.empty(); }
    [[nodiscard]] std::uint32_t waiting_check_count() const { return waiting_check_count_; }
    /// Those of them whose voters fulfil a condition; they go on waiting. Ascending.
    [[nodiscard]] std::vector<TaskIndex> waiting_checks(
        const std::function<bool(const Voters&)>& condition) const;
    /// Takes up to `count_max` of those whose voters leave them to the worker at hand. Ascending.
    [[nodiscard]] std::vector<TaskIndex> take_checks(
        std::uint32_t count_max, const std::function<bool(const Voters&)>& may_check);
    /// A lease of a former master holds this check.
    void hold_check(TaskIndex index);
    /// A lease no longer holds a check.
    void release_check(TaskIndex index);
    /// Whether any lease holds this task, to compute or to check it.
    [[nodiscard]] bool is_held(TaskIndex index) const {
        return task(index).holders > 0 || task(index).checkers > 0;
    }

    /// Somebody else's word on the output; those that agree and those that do not.
    void add_vote(TaskIndex index, Vote vote);
    [[nodiscard]] std::vector<Vote> votes(TaskIndex index) const;
    /// Whether one of them says something else than the output, or there is none.
    [[nodiscard]] bool is_disputed(TaskIndex index) const;

    /// The output waits for its author's trust.
    void hold_back(TaskIndex index);
    /// Up to `count_max` of those that wait for this author's trust; they wait no longer.
    [[nodiscard]] std::vector<TaskIndex> take_held_back(WorkerId author, std::uint32_t count_max);
    [[nodiscard]] std::uint32_t held_back_count(WorkerId author) const;

    [[nodiscard]] bool audited(TaskIndex index) const { return task(index).audited; }
    void set_audited(TaskIndex index, bool audited);
    /// Drawn for the check at the job's end.
    [[nodiscard]] bool closing(TaskIndex index) const { return task(index).closing; }
    void set_closing(TaskIndex index);

    // ---- Failures ----

    /// Counts one more loss of a worker that was running this task, and returns the count.
    std::uint32_t count_infrastructure_failure(TaskIndex index);
    /// Takes one of those back.
    void forgive_infrastructure_failure(TaskIndex index);
    /// Counts one more failure of the task by itself, on this worker, and returns the count.
    std::uint32_t count_own_failure(TaskIndex index, WorkerId worker);
    /// The same for strangers, whose failures are counted by themselves: they can be made up.
    std::uint32_t count_stranger_loss(TaskIndex index);
    void forgive_stranger_loss(TaskIndex index);
    std::uint32_t count_stranger_failure(TaskIndex index, WorkerId worker);
    /// Whether the task's last failure by itself was on this worker.
    [[nodiscard]] bool failed_on(TaskIndex index, WorkerId worker) const;

    // ---- From round to round ----

    /// Who gave each task's output; WorkerId{} where none is in.
    [[nodiscard]] std::vector<WorkerId> homes() const;
    /// There are so many tasks, at least as many as now; the new ones have no output.
    void grow(std::uint32_t task_count);
    /// The round is begun again: no lease holds anything, no check is under way; outputs stay, and
    /// settled ones stay settled. What was audited still is, with the votes on it.
    void reopen();

 private:
    [[nodiscard]] const Task& task(TaskIndex index) const { return tasks_[index]; }
    [[nodiscard]] bool waits(TaskIndex index) const;
    void want_no_check(TaskIndex index);
    [[nodiscard]] bool check_waits(TaskIndex index) const;
    [[nodiscard]] Voters voters(TaskIndex index) const;
    struct StrangerFailures {
        std::uint32_t losses = 0;
        std::uint32_t by_itself = 0;
    };
    void queue_check(TaskIndex index);
    void unqueue_check(TaskIndex index);

    void take_fresh(std::vector<TaskIndex>& taken, std::uint32_t count_max,
                    const std::function<bool(TaskIndex)>& is_refused);

    TaskPages tasks_;
    std::uint32_t pending_count_ = 0;
    TaskIndex next_fresh_ = 0;  ///< Tasks from here on, but those that had an output, wait in no
                                ///< queue yet.
    bool fresh_first_ = false;  ///< Before those that were given back.
    std::deque<TaskIndex> unclaimed_;  ///< Given back, or without a home. May hold done tasks.
    std::map<WorkerId, std::deque<TaskIndex>> claimed_;  ///< By home. May hold done tasks.
    std::map<TaskIndex, WorkerId> failed_on_;            ///< The last worker it failed on.
    std::map<TaskIndex, StrangerFailures> stranger_failures_;
    /// The checks that wait. By voters, because who may make a check depends on these alone: many
    /// may wait for a worker that is not there, and must not be looked at one by one.
    std::map<Voters, std::set<TaskIndex>> checks_;
    std::uint32_t waiting_check_count_ = 0;
    std::map<WorkerId, std::uint32_t> open_checks_;        ///< By author.
    std::map<WorkerId, std::deque<TaskIndex>> held_back_;  ///< By author. May hold stale ones.
    std::map<TaskIndex, std::vector<Vote>> votes_;
};

}  // namespace netcompute::core
