#include "core/round_tasks.hpp"

#include <netcompute/assert.hpp>

#include <algorithm>
#include <utility>

namespace netcompute::core {

RoundTasks::RoundTasks(std::uint32_t task_count, const std::vector<WorkerId>& homes)
    : tasks_(task_count), hashes_(task_count), pending_count_{task_count} {
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

std::uint32_t RoundTasks::holders(TaskIndex index) const {
    return tasks_.at(index).holders;
}

bool RoundTasks::waits(TaskIndex index) const {
    return !tasks_[index].has_output && tasks_[index].holders == 0;
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

void RoundTasks::hold(TaskIndex index) {
    if (waits(index)) --pending_count_;
    ++task(index).holders;
}

void RoundTasks::release(TaskIndex index) {
    Task& one = task(index);
    NETCOMPUTE_ASSERT(one.holders > 0, "a task is let go of once for each time it was taken");
    --one.holders;
    if (!waits(index)) return;
    ++pending_count_;
    unclaimed_.push_back(index);
}

// ---- Outputs ------------------------------------------------------------------------------------

void RoundTasks::put_output(TaskIndex index, WorkerId worker, const Sha256& sha256) {
    Task& one = task(index);
    NETCOMPUTE_ASSERT(!one.has_output, "a task has one output that counts");
    if (one.holders == 0) --pending_count_;  // A late result of a lease that ran out.
    one.has_output = true;
    one.author = static_cast<std::uint32_t>(worker.value);
    hashes_[index] = sha256;
}

void RoundTasks::drop_output(TaskIndex index) {
    Task& one = task(index);
    NETCOMPUTE_ASSERT(one.has_output, "only an output that is there can be dropped");
    want_no_check(index);  // While its author is known.
    unsettle(index);
    one.has_output = one.confirmed = one.closing = false;
    one.author = one.confirmer = 0;
    if (!one.audited) votes_.erase(index);  // Else the audit will show who was wrong.
    if (!waits(index)) return;
    ++pending_count_;
    unclaimed_.push_back(index);
}

void RoundTasks::settle(TaskIndex index) {
    if (std::exchange(task(index).settled, true)) return;
    ++settled_count_;
}

void RoundTasks::unsettle(TaskIndex index) {
    if (!std::exchange(task(index).settled, false)) return;
    --settled_count_;
}

void RoundTasks::confirm(TaskIndex index, WorkerId confirmer) {
    want_no_check(index);
    task(index).confirmed = true;
    task(index).confirmer = static_cast<std::uint32_t>(confirmer.value);
    settle(index);
}

void RoundTasks::unconfirm(TaskIndex index) {
    task(index).confirmed = false;
    task(index).confirmer = 0;
}

// ---- Checking -----------------------------------------------------------------------------------

void RoundTasks::want_check(TaskIndex index) {
    Task& one = task(index);
    unsettle(index);
    if (std::exchange(one.wants_check, true)) return;
    ++open_checks_[WorkerId{one.author}];
    queue_check(index);
}

void RoundTasks::want_no_check(TaskIndex index) {
    Task& one = task(index);
    unqueue_check(index);
    if (!std::exchange(one.wants_check, false)) return;
    const auto open = open_checks_.find(WorkerId{one.author});
    if (--open->second == 0) open_checks_.erase(open);
}

std::uint32_t RoundTasks::open_checks(WorkerId author) const {
    const auto found = open_checks_.find(author);
    return found == open_checks_.end() ? 0 : found->second;
}

bool RoundTasks::check_waits(TaskIndex index) const {
    const Task& one = task(index);
    return one.wants_check && one.checkers == 0 && !one.audited;
}

Voters RoundTasks::voters(TaskIndex index) const {
    Voters voters{author(index)};
    const auto found = votes_.find(index);
    if (found == votes_.end()) return voters;
    for (const Vote& vote : found->second) voters.push_back(vote.worker);
    return voters;
}

void RoundTasks::queue_check(TaskIndex index) {
    if (check_waits(index) && checks_[voters(index)].insert(index).second) ++waiting_check_count_;
}

/// To be called before anything changes by which it waits, or among which.
void RoundTasks::unqueue_check(TaskIndex index) {
    if (!check_waits(index)) return;
    const auto group = checks_.find(voters(index));
    group->second.erase(index);
    --waiting_check_count_;
    if (group->second.empty()) checks_.erase(group);
}

std::vector<TaskIndex> RoundTasks::waiting_checks(
    const std::function<bool(const Voters&)>& condition) const {
    std::vector<TaskIndex> found;
    for (const auto& [voters, tasks] : checks_) {
        if (condition(voters)) found.insert(found.end(), tasks.begin(), tasks.end());
    }
    std::sort(found.begin(), found.end());
    return found;
}

std::vector<TaskIndex> RoundTasks::take_checks(
    std::uint32_t count_max, const std::function<bool(const Voters&)>& may_check) {
    std::vector<TaskIndex> taken;
    for (auto group = checks_.begin(); group != checks_.end() && taken.size() < count_max;) {
        std::set<TaskIndex>& waiting = group->second;
        if (may_check(group->first)) {
            while (!waiting.empty() && taken.size() < count_max) {
                const TaskIndex index = *waiting.begin();
                waiting.erase(waiting.begin());
                --waiting_check_count_;
                task(index).checkers = 1;
                taken.push_back(index);
            }
        }
        group = waiting.empty() ? checks_.erase(group) : std::next(group);
    }
    std::sort(taken.begin(), taken.end());
    return taken;
}

void RoundTasks::hold_check(TaskIndex index) {
    unqueue_check(index);
    ++task(index).checkers;
}

void RoundTasks::release_check(TaskIndex index) {
    Task& one = task(index);
    NETCOMPUTE_ASSERT(one.checkers > 0, "a check is let go of once for each time it was taken");
    --one.checkers;
    queue_check(index);
}

void RoundTasks::set_audited(TaskIndex index, bool audited) {
    unqueue_check(index);
    task(index).audited = audited;
    queue_check(index);
}

void RoundTasks::add_vote(TaskIndex index, Vote vote) {
    unqueue_check(index);  // It has other voters from now on.
    votes_[index].push_back(vote);
    queue_check(index);
}

std::vector<Vote> RoundTasks::votes(TaskIndex index) const {
    const auto found = votes_.find(index);
    return found == votes_.end() ? std::vector<Vote>{} : found->second;
}

bool RoundTasks::is_disputed(TaskIndex index) const {
    return std::ranges::any_of(votes(index), [&](const Vote& vote) {
        return !has_output(index) || vote.sha256 != sha256(index);
    });
}

void RoundTasks::hold_back(TaskIndex index) {
    held_back_[author(index)].push_back(index);
}

std::vector<TaskIndex> RoundTasks::take_held_back(WorkerId author, std::uint32_t count_max) {
    std::vector<TaskIndex> taken;
    const auto found = held_back_.find(author);
    if (found == held_back_.end()) return taken;
    while (!found->second.empty() && taken.size() < count_max) {
        const TaskIndex index = found->second.front();
        found->second.pop_front();
        const Task& one = task(index);
        const bool still_waits = one.has_output && WorkerId{one.author} == author && !one.settled &&
                                 !one.wants_check && !one.audited;
        if (still_waits) taken.push_back(index);
    }
    if (found->second.empty()) held_back_.erase(found);
    return taken;
}

std::uint32_t RoundTasks::held_back_count(WorkerId author) const {
    const auto found = held_back_.find(author);
    return found == held_back_.end() ? 0 : static_cast<std::uint32_t>(found->second.size());
}

// ---- Failures -----------------------------------------------------------------------------------

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

std::uint32_t RoundTasks::count_stranger_loss(TaskIndex index) {
    return ++stranger_failures_[index].losses;
}

void RoundTasks::forgive_stranger_loss(TaskIndex index) {
    const auto found = stranger_failures_.find(index);
    if (found != stranger_failures_.end() && found->second.losses > 0) --found->second.losses;
}

std::uint32_t RoundTasks::count_stranger_failure(TaskIndex index, WorkerId worker) {
    failed_on_[index] = worker;
    return ++stranger_failures_[index].by_itself;
}

// ---- From round to round ------------------------------------------------------------------------

std::vector<WorkerId> RoundTasks::homes() const {
    std::vector<WorkerId> homes;
    homes.reserve(tasks_.size());
    for (const Task& one : tasks_) homes.push_back(WorkerId{one.author});
    return homes;
}

void RoundTasks::grow(std::uint32_t task_count) {
    NETCOMPUTE_ASSERT(task_count >= tasks_.size(), "a round has the tasks that it had");
    tasks_.resize(task_count);
    hashes_.resize(task_count);
}

void RoundTasks::reopen() {
    unclaimed_.clear();
    claimed_.clear();
    checks_.clear();
    waiting_check_count_ = 0;
    open_checks_.clear();
    held_back_.clear();
    std::erase_if(votes_, [this](const auto& entry) { return !task(entry.first).audited; });
    next_fresh_ = task_count();
    pending_count_ = 0;
    for (TaskIndex index = 0; index < task_count(); ++index) {
        Task& one = task(index);
        one.holders = one.checkers = 0;
        one.wants_check = false;
        if (one.has_output) continue;
        ++pending_count_;
        unclaimed_.push_back(index);
    }
}

}  // namespace netcompute::core
