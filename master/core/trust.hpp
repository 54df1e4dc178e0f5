#pragma once

#include "core/events.hpp"
#include "core/id_table.hpp"
#include "core/limits.hpp"
#include "core/round_tasks.hpp"
#include "core/terms.hpp"
#include <netcompute/random.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <vector>

namespace netcompute::core {

/// What a hello changes about a worker.
struct Introduced {
    bool is_now_believed = false;      ///< It was known, as a stranger.
    std::vector<BlamedTask> forgiven;  ///< It is as it was, so these did not bring it down.
};

/// What a second result of a task leads to, if anything.
struct VoteRuling {
    bool is_disputed = false;  ///< The master has to know.
    std::optional<WorkerId> confirmer;
    friend bool operator==(const VoteRuling&, const VoteRuling&) = default;
};

/// Who is believed and who is to be checked. Every honest worker gives the same bytes, so two
/// results agree exactly or one is wrong; where they do not, the master computes the task itself,
/// and knows. What is left to chance is only which results are looked at.
///
/// A stranger's first results are all checked; from `trusted_after` confirmed ones in a row on it
/// is trusted and checked at random, with a rate that falls as 1/n from `spot_check_rate_max` to
/// `spot_check_rate_min`. Only somebody whose word counts confirms: a worker that is believed, one
/// that has become trusted, or the master; so strangers cannot vouch for each other. Compare
/// Sarmenta, "Sabotage-tolerance mechanisms for volunteer computing systems", FGCS 18 (2002), and
/// BOINC's adaptive replication.
class Trust {
 public:
    struct Worker {
        bool is_believed = false;
        bool has_delivered = false;  ///< An output of its was accepted, at any time.
        bool quarantined = false;
        std::uint32_t validated = 0;
        std::uint64_t pc = 0;            ///< 0: unknown, and like no other.
        std::uint64_t address = 0;       ///< Until it is proven: whose losses it answers for.
        std::vector<BlamedTask> blamed;  ///< What it ran when it was lost.
        /// Vouched for, and it has shown that it can work: if it is lost, the task that it ran
        /// may be the cause. Any other worker may disconnect on purpose.
        [[nodiscard]] bool is_proven() const { return is_believed && has_delivered; }
    };

    /// `seed` decides which results are checked: unknown to the workers.
    Trust(const SchedulerLimits& limits, std::uint64_t seed);

    // ---- Workers ----

    [[nodiscard]] Introduced join(const WorkerJoined& hello);
    void restore(const WorkerRestored& past);
    void forget(WorkerId id) { workers_.erase(id); }
    /// Null if it is not known. The pointer holds until the worker is forgotten.
    [[nodiscard]] const Worker* find(WorkerId id) const { return workers_.find(id); }
    [[nodiscard]] const Worker& at(WorkerId id) const { return workers_.at(id); }
    /// False if it is in quarantine already, or not known.
    bool quarantine(WorkerId id);
    void readmit(WorkerId id);
    /// Whether its word may help to make up a quorum.
    [[nodiscard]] bool counts(WorkerId id) const;
    [[nodiscard]] Word word_of(const Terms& terms, WorkerId id) const;
    /// How this worker's results are looked at: None, Quorum or Adaptive.
    [[nodiscard]] ValidationMode mode_for(const Terms& terms, WorkerId id) const;
    /// Whether its word confirms another worker's result.
    [[nodiscard]] bool is_reliable(const Terms& terms, WorkerId id) const;
    /// Whether it confirms anybody's result, alone or with others.
    [[nodiscard]] bool is_asked_for_checks(const Terms& terms, WorkerId id) const;
    /// Whether it can confirm a result that these have given.
    [[nodiscard]] bool may_check(const Terms& terms, const Voters& voters, WorkerId id) const;

    // ---- Outputs ----

    /// Whether an output of a former round must not be believed as it is.
    [[nodiscard]] bool is_doubtful(const Terms& terms, const Stretch& tasks) const;
    /// Looks at each output of a round that is begun again: what counted goes on to count, unless
    /// it has become doubtful meanwhile. The tasks that the master has to compute once more.
    [[nodiscard]] std::vector<TaskIndex> rejudge(const Terms& terms, RoundTasks& tasks);
    /// A task has got its output: settles it, wants a check or holds it back.
    void judge(const Terms& terms, RoundTasks& tasks, TaskIndex index);
    /// Somebody gave a result for a task that has its output. It is remembered, so that who says
    /// the same as a liar is found with it.
    [[nodiscard]] VoteRuling second_vote(const Terms& terms, RoundTasks& tasks, TaskIndex index,
                                         const Vote& vote) const;
    /// Whose word makes up the quorum of PCs that have given the task's output; nothing if there
    /// are too few.
    [[nodiscard]] std::optional<WorkerId> last_of_quorum(const Terms& terms,
                                                         const RoundTasks& tasks,
                                                         TaskIndex index) const;
    /// One more result of this worker is proven right: the count, unless it has no trust to earn.
    [[nodiscard]] std::optional<std::uint32_t> credit(WorkerId id);
    /// Its results that wait for its trust: with trust, all of them are judged; without, as many
    /// get their checks as it takes to earn it.
    void judge_held_back(const Terms& terms, RoundTasks& tasks, WorkerId author);
    /// Which of this author's unconfirmed results are checked at the end: the fewer, the longer it
    /// has been right, and the more were `drawn_before`.
    [[nodiscard]] std::vector<TaskPlace> draw_closing_checks(WorkerId author,
                                                             std::vector<TaskPlace> unconfirmed,
                                                             std::uint32_t drawn_before);

    // ---- Losses ----

    /// It was lost with a task that it ran.
    void blame(WorkerId id, const BlamedTask& task) { workers_.at(id).blamed.push_back(task); }
    /// An unproven worker's address answers for one more task.
    void count_loss(WorkerId id);
    /// It has delivered: so much of what its address has lost is made up for.
    void answer_for(WorkerId id, std::uint32_t delivered_count);
    /// An output of its was accepted.
    void note_delivery(WorkerId id) { workers_.at(id).has_delivered = true; }
    /// Whether it is unproven, and unproven workers of its address have been lost with many tasks
    /// and have delivered few since.
    [[nodiscard]] bool is_wary_of(WorkerId id) const;
    /// Whether the master may compute a task because unproven workers were lost with it: only a
    /// few at a time, because any of them can bring this about. If so, it is counted.
    [[nodiscard]] bool begin_rescue(JobId job, std::uint64_t visit, TaskIndex index);
    /// False if it was none.
    bool end_rescue(JobId job, std::uint64_t visit, TaskIndex index);
    void forget_job(JobId job);

 private:
    [[nodiscard]] bool holds_as_it_is(const Terms& terms, const Stretch& tasks) const;
    void rejudge(const Terms& terms, RoundTasks& tasks, TaskIndex index);
    [[nodiscard]] bool same_pc(WorkerId a, WorkerId b) const;
    [[nodiscard]] double spot_check_rate(const Worker& worker) const;

    SchedulerLimits limits_;
    Philox random_;
    IdTable<WorkerId, Worker> workers_;
    /// Tasks that unproven workers of an address were lost with, and did not make up for.
    std::map<std::uint64_t, std::uint32_t> losses_by_address_;
    /// What the master computes because unproven workers were lost with it.
    std::set<std::tuple<JobId, std::uint64_t, TaskIndex>> rescues_;
};

}  // namespace netcompute::core
