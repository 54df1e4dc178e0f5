#include "core/trust.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace netcompute::core {

Trust::Trust(const SchedulerLimits& limits, std::uint64_t seed) : limits_{limits}, random_{seed} {}

// ---- Workers ------------------------------------------------------------------------------------

Introduced Trust::join(const WorkerJoined& hello) {
    const auto [worker, is_new] = workers_.try_emplace(hello.worker);
    worker.pc = hello.pc;
    const bool was_believed = std::exchange(worker.is_believed, hello.is_believed);
    worker.address = hello.address;
    worker.has_delivered |= hello.has_delivered;
    std::vector<BlamedTask> blamed = std::exchange(worker.blamed, {});
    const bool is_now_believed = worker.is_believed && !was_believed && !is_new;
    if (hello.resumed) return {is_now_believed, std::move(blamed)};
    worker.validated = 0;  // Anybody can give the id; the former session only itself.
    return {is_now_believed, {}};
}

void Trust::restore(const WorkerRestored& past) {
    Worker& worker = workers_[past.worker];
    worker.pc = past.pc;
    worker.is_believed = past.is_believed;
    worker.validated = past.validated;
    worker.quarantined = past.quarantined;
}

bool Trust::quarantine(WorkerId id) {
    Worker* const worker = workers_.find(id);
    if (worker == nullptr || worker->quarantined) return false;
    worker->quarantined = true;
    worker->validated = 0;
    return true;
}

void Trust::readmit(WorkerId id) {
    Worker& worker = workers_.at(id);
    worker.quarantined = false;
    worker.validated = 0;
}

Word Trust::word_of(const Terms& terms, WorkerId id) const {
    const Worker* const worker = find(id);
    const bool is_lie = worker != nullptr && worker->quarantined;
    return {worker != nullptr && !is_lie, is_lie, mode_for(terms, id)};
}

bool Trust::counts(WorkerId id) const {
    const Worker* const worker = find(id);
    return worker != nullptr && !worker->quarantined;
}

ValidationMode Trust::mode_for(const Terms& terms, WorkerId id) const {
    if (terms.validation.mode != ValidationMode::Default) return terms.validation.mode;
    const Worker* const worker = find(id);
    const bool is_believed = worker != nullptr && worker->is_believed;
    return is_believed ? ValidationMode::None : ValidationMode::Adaptive;
}

bool Trust::is_reliable(const Terms& terms, WorkerId id) const {
    const Worker* const worker = find(id);
    if (worker == nullptr || worker->quarantined) return false;
    return mode_for(terms, id) == ValidationMode::None ||
           worker->validated >= limits_.trusted_after;
}

bool Trust::is_asked_for_checks(const Terms& terms, WorkerId id) const {
    return terms.validation.mode == ValidationMode::Quorum || is_reliable(terms, id);
}

bool Trust::may_check(const Terms& terms, const Voters& voters, WorkerId id) const {
    if (terms.validation.mode != ValidationMode::Quorum) return !same_pc(id, voters.front());
    return std::ranges::none_of(voters, [&](WorkerId voter) {
        return (voter == voters.front() || counts(voter)) && same_pc(voter, id);
    });
}

bool Trust::same_pc(WorkerId a, WorkerId b) const {
    if (a == b) return true;
    const Worker* const first = find(a);
    const Worker* const second = find(b);
    return first != nullptr && second != nullptr && first->pc != 0 && first->pc == second->pc;
}

/// The share of a trusted worker's results that is checked.
double Trust::spot_check_rate(const Worker& worker) const {
    return std::max(limits_.spot_check_rate_min,
                    limits_.spot_check_rate_max * limits_.trusted_after / worker.validated);
}

// ---- Outputs ------------------------------------------------------------------------------------

bool Trust::is_doubtful(const Terms& terms, const Stretch& tasks) const {
    return core::is_doubtful(terms, tasks, word_of(terms, tasks.author));
}

std::vector<TaskIndex> Trust::rejudge(const Terms& terms, RoundTasks& tasks) {
    std::vector<TaskIndex> disputed;
    tasks.reopen();
    for (TaskIndex index = 0; index < tasks.task_count();) {
        const Stretch alike = tasks.stretch(index);
        if (holds_as_it_is(terms, alike)) {
            index = alike.end;
            continue;
        }
        const bool is_disputed = tasks.audited(index) && tasks.is_disputed(index);
        if (!is_disputed) tasks.set_audited(index, false);
        if (tasks.has_output(index)) rejudge(terms, tasks, index);
        if (is_disputed) {  // It is audited as before.
            tasks.unsettle(index);
            disputed.push_back(index);
        }
        ++index;
    }
    return disputed;
}

/// Whether rejudging such tasks would change nothing: a round may have millions.
bool Trust::holds_as_it_is(const Terms& terms, const Stretch& tasks) const {
    if (tasks.audited) return false;
    if (!tasks.has_output) return true;
    if (!tasks.settled || tasks.confirmed) return tasks.settled;
    return !tasks.closing && !is_doubtful(terms, tasks);
}

void Trust::rejudge(const Terms& terms, RoundTasks& tasks, TaskIndex index) {
    if (tasks.confirmed(index)) return tasks.settle(index);
    if (!counts(tasks.author(index))) {
        tasks.drop_output(index);
    } else if (tasks.closing(index)) {
        tasks.want_check(index);
    } else if (!tasks.settled(index) || is_doubtful(terms, tasks.stretch(index))) {
        tasks.unsettle(index);
        judge(terms, tasks, index);
    }
}

void Trust::judge(const Terms& terms, RoundTasks& tasks, TaskIndex index) {
    if (tasks.audited(index)) return;  // The master's word is on its way.
    const WorkerId author = tasks.author(index);
    const ValidationMode mode = mode_for(terms, author);
    if (mode == ValidationMode::None) return tasks.settle(index);
    const Worker& worker = workers_.at(author);
    const bool is_trusted = worker.validated >= limits_.trusted_after;
    const bool is_on_probation =
        tasks.open_checks(author) + worker.validated < limits_.trusted_after;
    if (mode == ValidationMode::Quorum || terms.contested || (!is_trusted && is_on_probation) ||
        (is_trusted && random_.next_unit() < spot_check_rate(worker))) {
        tasks.want_check(index);
    } else if (is_trusted) {
        tasks.settle(index);
    } else {
        tasks.hold_back(index);
    }
}

VoteRuling Trust::second_vote(const Terms& terms, RoundTasks& tasks, TaskIndex index,
                              const Vote& vote) const {
    tasks.add_vote(index, vote);
    if (vote.sha256 != tasks.sha256(index)) return {true, std::nullopt};
    if (tasks.confirmed(index) || same_pc(vote.worker, tasks.author(index))) return {};
    if (terms.validation.mode == ValidationMode::Quorum) {
        return {false, last_of_quorum(terms, tasks, index)};
    }
    if (!is_reliable(terms, vote.worker)) return {};
    return {false, vote.worker};
}

std::optional<WorkerId> Trust::last_of_quorum(const Terms& terms, const RoundTasks& tasks,
                                              TaskIndex index) const {
    std::vector<WorkerId> agreeing{tasks.author(index)};  // One of each PC.
    for (const Vote& vote : tasks.votes(index)) {
        if (vote.sha256 != tasks.sha256(index) || !counts(vote.worker)) continue;
        const bool is_new = std::ranges::none_of(
            agreeing, [&](WorkerId other) { return same_pc(other, vote.worker); });
        if (is_new) agreeing.push_back(vote.worker);
    }
    if (agreeing.size() < terms.validation.quorum) return std::nullopt;
    return agreeing.back();
}

std::optional<std::uint32_t> Trust::credit(WorkerId id) {
    Worker* const worker = workers_.find(id);
    if (worker == nullptr || worker->quarantined) return std::nullopt;
    return ++worker->validated;
}

void Trust::judge_held_back(const Terms& terms, RoundTasks& tasks, WorkerId author) {
    const Worker& worker = workers_.at(author);
    const std::uint32_t earned = worker.validated + tasks.open_checks(author);
    const std::uint32_t missing =
        earned < limits_.trusted_after ? limits_.trusted_after - earned : 0;
    const bool is_free = worker.validated >= limits_.trusted_after ||
                         mode_for(terms, author) == ValidationMode::None;
    const std::uint32_t count = is_free ? tasks.task_count() : missing;
    for (const TaskIndex index : tasks.take_held_back(author, count)) judge(terms, tasks, index);
}

std::vector<TaskPlace> Trust::draw_closing_checks(WorkerId author,
                                                  std::vector<TaskPlace> unconfirmed,
                                                  std::uint32_t drawn_before) {
    const double twice_trusted = 2.0 * limits_.trusted_after;
    const double share = std::min(1.0, twice_trusted / std::max(1U, workers_.at(author).validated));
    const auto wanted = static_cast<std::uint32_t>(std::ceil(limits_.closing_checks * share));
    const std::size_t count =
        std::min<std::size_t>(unconfirmed.size(), wanted - std::min(drawn_before, wanted));
    for (std::size_t drawn = 0; drawn < count; ++drawn) {
        std::swap(unconfirmed[drawn],
                  unconfirmed[drawn + random_.next_below(unconfirmed.size() - drawn)]);
    }
    unconfirmed.resize(count);
    return unconfirmed;
}

// ---- Losses -------------------------------------------------------------------------------------

void Trust::count_loss(WorkerId id) {
    constexpr std::size_t addresses_max = 4096;  // Whose losses are remembered.
    if (losses_by_address_.size() > addresses_max) losses_by_address_.clear();
    ++losses_by_address_[workers_.at(id).address];
}

void Trust::answer_for(WorkerId id, std::uint32_t delivered_count) {
    const auto losses = losses_by_address_.find(workers_.at(id).address);
    if (losses == losses_by_address_.end()) return;
    if (losses->second <= delivered_count)
        losses_by_address_.erase(losses);
    else
        losses->second -= delivered_count;
}

bool Trust::is_wary_of(WorkerId id) const {
    const Worker& worker = workers_.at(id);
    if (worker.is_proven()) return false;
    const auto losses = losses_by_address_.find(worker.address);
    return losses != losses_by_address_.end() && losses->second >= limits_.losses_per_address_max;
}

bool Trust::begin_rescue(JobId job, std::uint64_t visit, TaskIndex index) {
    if (rescues_.size() >= limits_.rescues_max) return false;
    rescues_.insert({job, visit, index});
    return true;
}

bool Trust::end_rescue(JobId job, std::uint64_t visit, TaskIndex index) {
    return rescues_.erase({job, visit, index}) > 0;
}

void Trust::forget_job(JobId job) {
    std::erase_if(rescues_, [job](const auto& entry) { return std::get<JobId>(entry) == job; });
}

}  // namespace netcompute::core
