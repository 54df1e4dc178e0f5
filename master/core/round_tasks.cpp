#include "core/round_tasks.hpp"

#include <netcompute/assert.hpp>

#include <algorithm>
#include <utility>

namespace netcompute::core {

RoundTasks::RoundTasks(std::uint32_t task_count, const std::vector<WorkerId>& homes)
    : tasks_{task_count}, pending_count_{task_count} {
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
    return tasks_.size();
}

Stretch RoundTasks::stretch(TaskIndex first) const {
    const Task& one = task(first);
    return {tasks_.end_of_equals(first),
            one.has_output,
            one.settled,
            one.confirmed,
            one.audited,
            one.closing,
            WorkerId{one.author},
            WorkerId{one.confirmer}};
}

std::uint32_t RoundTasks::holders(TaskIndex index) const {
    return task(index).holders;
}

bool RoundTasks::waits(TaskIndex index) const {
    return !task(index).has_output && task(index).holders == 0;
}

bool RoundTasks::failed_on(TaskIndex index, WorkerId worker) const {
    const auto found = failed_on_.find(index);
    return found != failed_on_.end() && found->second == worker;
}

std::vector<TaskIndex> RoundTasks::take(WorkerId worker, std::uint32_t count_max,
                                        bool avoid_failed) {
    std::vector<TaskIndex> taken;
    const auto is_refused = [&](TaskIndex index) {
        return avoid_failed && failed_on(index, worker);
    };
    // Stale entries (done since, by a late result) are dropped on the way; refused ones stay.
    const auto take_from = [&](std::deque<TaskIndex>& queue, bool from_back) {
        std::vector<TaskIndex> refused;
        while (taken.size() < count_max && !queue.empty()) {
            const TaskIndex index = from_back ? queue.back() : queue.front();
            from_back ? queue.pop_back() : queue.pop_front();
            if (!waits(index)) continue;
            if (is_refused(index)) {
                refused.push_back(index);
                continue;
            }
            hold(index);
            taken.push_back(index);
        }
        for (const TaskIndex index : refused) queue.push_back(index);
    };
    if (const auto own = claimed_.find(worker); own != claimed_.end())
        take_from(own->second, false);
    if (fresh_first_) take_fresh(taken, count_max, is_refused);
    take_from(unclaimed_, false);
    if (!fresh_first_) take_fresh(taken, count_max, [](TaskIndex) { return false; });
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

/// Those that nobody was given since the round began, in order; refused ones wait in a queue.
void RoundTasks::take_fresh(std::vector<TaskIndex>& taken, std::uint32_t count_max,
                            const std::function<bool(TaskIndex)>& is_refused) {
    while (taken.size() < count_max && next_fresh_ < task_count()) {
        const TaskIndex index = next_fresh_;
        const Task& one = task(index);
        if (one.had_output || !waits(index)) {
            next_fresh_ = tasks_.end_of_equals(index);
            continue;
        }
        ++next_fresh_;
        if (is_refused(index)) {
            unclaimed_.push_back(index);
        } else {
            hold(index);
            taken.push_back(index);
        }
    }
}

void RoundTasks::add_holder(TaskIndex index) {
    tasks_.change(index, [](Task& one) { ++one.holders; });
}

void RoundTasks::hold(TaskIndex index) {
    if (waits(index)) --pending_count_;
    add_holder(index);
}

void RoundTasks::release(TaskIndex index) {
    NETCOMPUTE_ASSERT(task(index).holders > 0,
                      "a task is let go of once for each time it was taken");
    tasks_.change(index, [](Task& one) { --one.holders; });
    if (!waits(index)) return;
    ++pending_count_;
    unclaimed_.push_back(index);
}

// ---- Outputs ------------------------------------------------------------------------------------

void RoundTasks::put_output(TaskIndex index, WorkerId worker, const Sha256& sha256) {
    NETCOMPUTE_ASSERT(!has_output(index), "a task has one output that counts");
    if (waits(index)) --pending_count_;  // A late result of a lease that ran out.
    tasks_.set_sha256(index, sha256);
    tasks_.change(index, [&](Task& one) {
        one.has_output = one.had_output = true;
        one.author = static_cast<std::uint32_t>(worker.value);
    });
}

void RoundTasks::drop_output(TaskIndex index) {
    NETCOMPUTE_ASSERT(has_output(index), "only an output that is there can be dropped");
    want_no_check(index);  // While its author is known.
    tasks_.change(index, [](Task& one) {
        one.settled = one.has_output = one.confirmed = one.closing = false;
        one.author = one.confirmer = 0;
    });
    if (!audited(index)) votes_.erase(index);  // Else the audit will show who was wrong.
    if (!waits(index)) return;
    ++pending_count_;
    unclaimed_.push_back(index);
}

void RoundTasks::settle(TaskIndex index) {
    if (!settled(index)) tasks_.change(index, [](Task& one) { one.settled = true; });
}

void RoundTasks::unsettle(TaskIndex index) {
    if (settled(index)) tasks_.change(index, [](Task& one) { one.settled = false; });
}

void RoundTasks::confirm(TaskIndex index, WorkerId confirmer) {
    want_no_check(index);
    tasks_.change(index, [&](Task& one) {
        one.confirmed = one.settled = true;
        one.confirmer = static_cast<std::uint32_t>(confirmer.value);
    });
}

void RoundTasks::unconfirm(TaskIndex index) {
    tasks_.change(index, [](Task& one) {
        one.confirmed = false;
        one.confirmer = 0;
    });
}

// ---- Checking -----------------------------------------------------------------------------------

void RoundTasks::want_check(TaskIndex index) {
    const bool wanted_one = wants_check(index);
    tasks_.change(index, [](Task& one) {
        one.settled = false;
        one.wants_check = true;
    });
    if (wanted_one) return;
    ++open_checks_[author(index)];
    queue_check(index);
}

void RoundTasks::want_no_check(TaskIndex index) {
    unqueue_check(index);
    if (!wants_check(index)) return;
    tasks_.change(index, [](Task& one) { one.wants_check = false; });
    const auto open = open_checks_.find(author(index));
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
                tasks_.change(index, [](Task& one) { one.checkers = 1; });
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
    tasks_.change(index, [](Task& one) { ++one.checkers; });
}

void RoundTasks::release_check(TaskIndex index) {
    NETCOMPUTE_ASSERT(task(index).checkers > 0,
                      "a check is let go of once for each time it was taken");
    tasks_.change(index, [](Task& one) { --one.checkers; });
    queue_check(index);
}

void RoundTasks::set_audited(TaskIndex index, bool audited) {
    if (task(index).audited == audited) return;
    unqueue_check(index);
    tasks_.change(index, [&](Task& one) { one.audited = audited; });
    queue_check(index);
}

void RoundTasks::set_closing(TaskIndex index) {
    if (!closing(index)) tasks_.change(index, [](Task& one) { one.closing = true; });
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
    return tasks_.change(index, [](Task& one) { return ++one.infrastructure_failures; });
}

void RoundTasks::forgive_infrastructure_failure(TaskIndex index) {
    if (task(index).infrastructure_failures == 0) return;
    tasks_.change(index, [](Task& one) { --one.infrastructure_failures; });
}

std::uint32_t RoundTasks::count_own_failure(TaskIndex index, WorkerId worker) {
    failed_on_[index] = worker;
    return tasks_.change(index, [](Task& one) { return ++one.own_failures; });
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
    homes.reserve(task_count());
    for (TaskIndex index = 0; index < task_count(); ++index) homes.push_back(author(index));
    return homes;
}

void RoundTasks::grow(std::uint32_t task_count) {
    tasks_.grow(task_count);
}

void RoundTasks::reopen() {
    unclaimed_.clear();
    claimed_.clear();
    checks_.clear();
    waiting_check_count_ = 0;
    open_checks_.clear();
    held_back_.clear();
    std::erase_if(votes_, [this](const auto& entry) { return !task(entry.first).audited; });
    next_fresh_ = 0;
    fresh_first_ = true;
    pending_count_ = task_count() - tasks_.output_count();
    // Nothing is held or wants a check in the others.
    for (TaskIndex index = tasks_.next_busy(0); index < task_count();
         index = tasks_.next_busy(index + 1)) {
        const Task& one = task(index);
        const bool is_dropped = one.had_output && !one.has_output;
        if (one.holders == 0 && one.checkers == 0 && !one.wants_check && !is_dropped) continue;
        tasks_.change(index, [](Task& busy) {
            busy.holders = busy.checkers = 0;
            busy.wants_check = false;
            busy.had_output = busy.has_output;
        });
    }
}

}  // namespace netcompute::core
