#include "core/lease_book.hpp"

#include "core/terms.hpp"
#include <netcompute/assert.hpp>

#include <algorithm>
#include <numeric>

namespace netcompute::core {
namespace {

std::size_t place_in(const Lease& lease, TaskIndex index) {
    return static_cast<std::size_t>(
        std::lower_bound(lease.tasks.begin(), lease.tasks.end(), index) - lease.tasks.begin());
}

}  // namespace

std::vector<TaskIndex> Lease::open_tasks() const {
    std::vector<TaskIndex> open;
    open.reserve(open_count);
    for (std::size_t place = 0; place < tasks.size(); ++place) {
        if (!has_outcome[place]) open.push_back(tasks[place]);
    }
    return open;
}

LeaseBook::LeaseBook(const SchedulerLimits& limits)
    : seconds_min_{limits.lease_seconds_min},
      seconds_max_{limits.lease_seconds_max},
      expected_factor_{limits.lease_expected_factor} {}

// ---- Questions ----------------------------------------------------------------------------------

const Lease* LeaseBook::find(LeaseId id) const {
    return leases_.find(id);
}

const std::vector<LeaseId>& LeaseBook::held_by(WorkerId id) const {
    static const std::vector<LeaseId> nothing;
    const std::vector<LeaseId>* const held = held_.find(id);
    return held == nullptr ? nothing : *held;
}

std::uint64_t LeaseBook::open_tasks_of(WorkerId id) const {
    const std::vector<LeaseId>& held = held_by(id);
    return std::accumulate(
        held.begin(), held.end(), std::uint64_t{0},
        [this](std::uint64_t sum, LeaseId lease) { return sum + at(lease).open_count; });
}

const IdSet<LeaseId>& LeaseBook::active_of(JobId id) const {
    static const IdSet<LeaseId> nothing;
    const JobLeases* const leases = jobs_.find(id);
    return leases == nullptr ? nothing : leases->active;
}

LeaseStanding LeaseBook::standing(LeaseId id, WorkerId worker) const {
    const Lease* const lease = find(id);
    if (lease != nullptr && lease->worker != worker) return LeaseStanding::Anothers;
    if (lease != nullptr && lease->active) return LeaseStanding::Active;
    return id.value <= last_id_ ? LeaseStanding::Over : LeaseStanding::Ungranted;
}

ResultsClaim LeaseBook::claim_of(const ResultsReceived& event) const {
    const auto name = [&] { return "lease " + std::to_string(event.lease.value); };
    if (event.lease.value == 0 || event.lease.value > last_id_) {
        return {nullptr, name() + ", which was never granted"};
    }
    const Lease* const lease = find(event.lease);
    if (lease == nullptr) return {};  // Its round is over.
    if (lease->worker != event.worker) return {nullptr, name() + " of another worker"};
    if (lease->job != event.job || lease->round != event.round) {
        return {nullptr, name() + " under another job or round"};
    }
    for (const Outcome& outcome : event.outcomes) {
        if (!std::binary_search(lease->tasks.begin(), lease->tasks.end(), outcome.index)) {
            return {nullptr, task_name(event.job, event.round, outcome.index) +
                                 ", which was never given to it"};
        }
    }
    return {lease, {}};
}

// ---- Leases begin -------------------------------------------------------------------------------

void LeaseBook::note_used(LeaseId last) {
    last_id_ = std::max(last_id_, last.value);
}

const Lease& LeaseBook::grant(Instant now, LeaseTerms terms, double expected_seconds) {
    Lease lease;
    lease.id = LeaseId{++last_id_};
    lease.worker = terms.worker;
    lease.job = terms.job;
    lease.round = terms.round;
    lease.is_check = terms.is_check;
    lease.tasks = std::move(terms.tasks);
    lease.has_outcome.resize(lease.tasks.size());
    lease.open_count = static_cast<std::uint32_t>(lease.tasks.size());
    lease.duration =
        std::clamp(from_seconds(expected_factor_ * expected_seconds), seconds_min_, seconds_max_);
    lease.granted_at = lease.progress_at = now;
    lease.deadline = now + lease.duration;
    return add(std::move(lease));
}

const Lease& LeaseBook::restore(Instant now, LeaseId id, LeaseTerms terms,
                                std::vector<bool> has_outcome) {
    Lease lease;
    lease.id = id;
    lease.worker = terms.worker;
    lease.job = terms.job;
    lease.round = terms.round;
    lease.is_check = terms.is_check;
    lease.claimed = false;
    lease.tasks = std::move(terms.tasks);
    lease.has_outcome = std::move(has_outcome);
    lease.open_count = static_cast<std::uint32_t>(
        std::count(lease.has_outcome.begin(), lease.has_outcome.end(), false));
    lease.duration = seconds_min_;
    lease.granted_at = lease.progress_at = now;
    lease.deadline = now + lease.duration;
    return add(std::move(lease));
}

const Lease& LeaseBook::add(Lease lease) {
    const LeaseId id = lease.id;
    std::vector<LeaseId>& held = held_[lease.worker];
    lease.in_front = held.empty();
    held.push_back(id);
    JobLeases& of_job = jobs_[lease.job];
    of_job.round.push_back(id);
    of_job.active.insert(id);
    deadlines_.set(id, lease.deadline);
    return leases_[id] = std::move(lease);
}

// ---- Leases go on -------------------------------------------------------------------------------

std::vector<LeaseId> LeaseBook::claim(WorkerId worker, const std::vector<LeaseId>& named) {
    std::vector<LeaseId> unnamed;
    for (const LeaseId id : held_by(worker)) {
        if (std::exchange(leases_.at(id).claimed, true)) continue;
        if (std::ranges::find(named, id) == named.end()) unnamed.push_back(id);
    }
    return unnamed;
}

void LeaseBook::renew(Instant now, LeaseId id) {
    Lease& lease = leases_.at(id);
    lease.deadline = now + lease.duration;
    deadlines_.set(id, lease.deadline);
}

bool LeaseBook::take_outcome(LeaseId id, TaskIndex index) {
    Lease& lease = leases_.at(id);
    const std::size_t place = place_in(lease, index);
    if (lease.has_outcome[place]) return false;
    lease.has_outcome[place] = true;
    --lease.open_count;
    return true;
}

// ---- Leases end ---------------------------------------------------------------------------------

std::optional<LeaseId> LeaseBook::next_expired(Instant now) const {
    if (deadlines_.empty() || deadlines_.next() > now) return std::nullopt;
    return deadlines_.first();
}

void LeaseBook::end(Instant now, LeaseId id) {
    Lease& lease = leases_.at(id);
    NETCOMPUTE_ASSERT(lease.active, "a lease ends once");
    lease.active = false;
    deadlines_.erase(id);
    jobs_.at(lease.job).active.erase(id);
    std::vector<LeaseId>& held = held_[lease.worker];
    std::erase(held, id);
    if (held.empty()) return;
    Lease& front = leases_.at(held.front());
    front.progress_at = now;
    front.in_front = true;
}

std::vector<LeaseId> LeaseBook::take_held(WorkerId worker) {
    std::vector<LeaseId>* const held = held_.find(worker);
    return held == nullptr ? std::vector<LeaseId>{} : std::exchange(*held, {});
}

std::vector<LeaseId> LeaseBook::take_round(JobId job) {
    JobLeases* const leases = jobs_.find(job);
    return leases == nullptr ? std::vector<LeaseId>{} : std::exchange(leases->round, {});
}

}  // namespace netcompute::core
