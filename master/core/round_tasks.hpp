#pragma once

#include <netcompute/ids.hpp>

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

namespace netcompute::core {

/// The tasks of one round: which wait, which are out, which have succeeded, and who should rather
/// do which because it did that task in the round before and holds its blobs.
class RoundTasks {
 public:
    /// `homes[i]` is the worker that did task i before, or WorkerId{} for none; may be empty.
    explicit RoundTasks(std::uint32_t task_count, const std::vector<WorkerId>& homes = {});

    [[nodiscard]] std::uint32_t task_count() const;
    [[nodiscard]] std::uint32_t pending_count() const { return pending_count_; }
    [[nodiscard]] std::uint32_t succeeded_count() const { return succeeded_count_; }
    [[nodiscard]] bool complete() const { return succeeded_count_ == task_count(); }
    [[nodiscard]] bool succeeded(TaskIndex index) const;
    /// How many leases hold this task now.
    [[nodiscard]] std::uint32_t holders(TaskIndex index) const;

    /// Takes up to `count_max` pending tasks for this worker, its own first, then those nobody
    /// claims, then others' from the back. `avoid_failed` leaves out tasks that failed on it.
    [[nodiscard]] std::vector<TaskIndex> take(WorkerId worker, std::uint32_t count_max,
                                              bool avoid_failed);
    /// One more lease holds this task: a straggler's second copy.
    void add_holder(TaskIndex index);
    /// A lease that held the task is over without its output. Pending again if it was the last.
    void give_back(TaskIndex index);
    /// The output of this task is in; false if it was in before.
    [[nodiscard]] bool succeed(TaskIndex index, WorkerId worker);

    /// Counts one more loss of a worker that was running this task, and returns the count.
    std::uint32_t count_infrastructure_failure(TaskIndex index);
    /// Takes one of those back.
    void forgive_infrastructure_failure(TaskIndex index);
    /// Counts one more failure of the task by itself, on this worker, and returns the count.
    std::uint32_t count_own_failure(TaskIndex index, WorkerId worker);

    /// Whether the task's last failure by itself was on this worker.
    [[nodiscard]] bool failed_on(TaskIndex index, WorkerId worker) const;

    /// Who gave each task's output; WorkerId{} where none is in.
    [[nodiscard]] std::vector<WorkerId> homes() const;

 private:
    struct Task {
        bool succeeded = false;
        std::uint8_t holders = 0;
        std::uint8_t infrastructure_failures = 0;
        std::uint8_t own_failures = 0;
        std::uint32_t home = 0;  ///< Low half of the worker's id: ids are counters.
    };
    [[nodiscard]] bool waits(TaskIndex index) const;

    std::vector<Task> tasks_;
    std::uint32_t pending_count_ = 0;
    std::uint32_t succeeded_count_ = 0;
    TaskIndex next_fresh_ = 0;         ///< Tasks from here on were never in a queue.
    std::deque<TaskIndex> unclaimed_;  ///< Given back, or without a home. May hold done tasks.
    std::map<WorkerId, std::deque<TaskIndex>> claimed_;  ///< By home. May hold done tasks.
    std::map<TaskIndex, WorkerId> failed_on_;            ///< The last worker it failed on.
};

}  // namespace netcompute::core
