#include "core/round_tasks.hpp"

#include <netcompute/assert.hpp>

#include <algorithm>

namespace netcompute::core {

RoundTasks::RoundTasks(std::uint32_t task_count, const std::vector<WorkerId>& homes)
    : tasks_(task_count), pending_count_{task_count} {
    if (homes.size() != task_count) return;
    next_fresh_ = task_count;
    for (TaskIndex index = 0; index < task_count; ++index) {
        if (homes[index] == WorkerId{})
            unclaimed_.push_back(index);
        else
            claimed_[homes[index]].push_back(index);
    }
}

std::uint32_t RoundTasks::task_count() const {
    return static_cast<std::uint32_t>(tasks_.size());
}

bool RoundTasks::succeeded(TaskIndex index) const {
    return tasks_.at(index).succeeded;
}

std::uint32_t RoundTasks::holders(TaskIndex index) const {
    return tasks_.at(index).holders;
}

bool RoundTasks::waits(TaskIndex index) const {
    return !tasks_[index].succeeded && tasks_[index].holders == 0;
}

bool RoundTasks::failed_on(TaskIndex index, WorkerId worker) const {
    const auto found = failed_on_.find(index);
    return found != failed_on_.end() && found->second == worker;
}

std::vector<TaskIndex> RoundTasks::take(WorkerId worker, std::uint32_t count_max,
                                        bool avoid_failed) {
    std::vector<TaskIndex> taken;
    const auto hold = [&](TaskIndex index) {
        tasks_[index].holders = 1;
        --pending_count_;
        taken.push_back(index);
    };
    // Stale entries (done since, by a late result) are dropped on the way; refused ones stay.
    const auto take_from = [&](std::deque<TaskIndex>& queue, bool from_back) {
        std::vector<TaskIndex> refused;
        while (taken.size() < count_max && !queue.empty()) {
            const TaskIndex index = from_back ? queue.back() : queue.front();
            from_back ? queue.pop_back() : queue.pop_front();
            if (!waits(index)) continue;
            if (avoid_failed && failed_on(index, worker))
                refused.push_back(index);
            else
                hold(index);
        }
        for (const TaskIndex index : refused) queue.push_back(index);
    };
    if (const auto own = claimed_.find(worker); own != claimed_.end())
        take_from(own->second, false);
    take_from(unclaimed_, false);
    while (taken.size() < count_max && next_fresh_ < tasks_.size()) {
        const TaskIndex index = next_fresh_++;
        if (waits(index)) hold(index);
    }
    while (taken.size() < count_max && !claimed_.empty()) {
        const auto longest = std::max_element(
            claimed_.begin(), claimed_.end(),
            [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
        const std::size_t before = taken.size();
        take_from(longest->second, true);
        if (longest->second.empty())
            claimed_.erase(longest);
        else if (taken.size() == before)
            break;  // Only tasks that failed on this worker are left.
    }
    std::sort(taken.begin(), taken.end());
    return taken;
}

void RoundTasks::add_holder(TaskIndex index) {
    ++tasks_.at(index).holders;
}

void RoundTasks::give_back(TaskIndex index) {
    Task& task = tasks_.at(index);
    NETCOMPUTE_ASSERT(task.holders > 0, "a task is given back once for each time it was taken");
    --task.holders;
    if (!waits(index)) return;
    ++pending_count_;
    unclaimed_.push_back(index);
}

bool RoundTasks::succeed(TaskIndex index, WorkerId worker) {
    Task& task = tasks_.at(index);
    if (task.succeeded) return false;
    if (task.holders == 0) --pending_count_;  // A late result of a lease that ran out.
    task.succeeded = true;
    task.home = static_cast<std::uint32_t>(worker.value);
    ++succeeded_count_;
    return true;
}

std::uint32_t RoundTasks::count_infrastructure_failure(TaskIndex index) {
    return ++tasks_.at(index).infrastructure_failures;
}

void RoundTasks::forgive_infrastructure_failure(TaskIndex index) {
    Task& task = tasks_.at(index);
    if (task.infrastructure_failures > 0) --task.infrastructure_failures;
}

std::uint32_t RoundTasks::count_own_failure(TaskIndex index, WorkerId worker) {
    failed_on_[index] = worker;
    return ++tasks_.at(index).own_failures;
}

std::vector<WorkerId> RoundTasks::homes() const {
    std::vector<WorkerId> homes;
    homes.reserve(tasks_.size());
    for (const Task& task : tasks_) homes.push_back(WorkerId{task.home});
    return homes;
}

}  // namespace netcompute::core
