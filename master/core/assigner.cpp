#include "core/assigner.hpp"

#include <algorithm>
#include <iterator>

namespace netcompute::core {
namespace {

void keep(IdSet<JobId>& jobs, JobId id, bool belongs) {
    if (belongs)
        jobs.insert(id);
    else
        jobs.erase(id);
}

}  // namespace

Assigner::Assigner(const SchedulerLimits& limits)
    : limits_{limits}, with_room_(limits.leases_per_worker_max) {}

// ---- Workers with room --------------------------------------------------------------------------

void Assigner::set_held(WorkerId id, std::optional<std::size_t> held_count, bool is_last) {
    std::optional<std::size_t> place;
    if (held_count && *held_count < with_room_.size()) {
        place = is_last ? with_room_.size() - 1 : *held_count;
    }
    std::size_t* const listed = places_.find(id);
    const auto before = listed == nullptr ? std::nullopt : std::optional{*listed};
    if (before == place) return;
    if (before) with_room_[*before].erase(id);
    if (place) {
        with_room_[*place].insert(id);
        (listed == nullptr ? places_[id] : *listed) = *place;
    } else {
        places_.erase(id);
    }
}

std::optional<std::size_t> Assigner::place_of(WorkerId id) const {
    const std::size_t* const place = places_.find(id);
    return place == nullptr ? std::nullopt : std::optional{*place};
}

std::optional<WorkerId> Assigner::first_at(std::size_t place) const {
    return with_room_[place].first();
}

std::optional<WorkerId> Assigner::next_at(std::size_t place, WorkerId after) const {
    return with_room_[place].next(after);
}

std::vector<WorkerId> Assigner::idle() const {
    std::vector<WorkerId> idle;
    for (const WorkerId id : with_room_.front()) idle.push_back(id);
    return idle;
}

void Assigner::forget_worker(WorkerId id) {
    set_held(id, std::nullopt, false);
    paces_.for_each([id](JobId, Pace& pace) {
        for (auto& [kernel, speeds] : pace.speeds) speeds.erase(id);
    });
}

// ---- Jobs ---------------------------------------------------------------------------------------

void Assigner::set_needs(JobId id, const JobNeeds& needs) {
    keep(with_checks_, id, needs.has_checks);
    keep(at_their_tail_, id, needs.is_at_tail);
    queue_.set_waiting(id, needs.has_pending);
}

void Assigner::forget_job(JobId id) {
    with_checks_.erase(id);
    at_their_tail_.erase(id);
    queue_.remove(id);
    paces_.erase(id);
}

std::optional<JobId> Assigner::first_with_checks() const {
    return with_checks_.first();
}

std::optional<JobId> Assigner::next_with_checks(JobId after) const {
    return with_checks_.next(after);
}

// ---- How much -----------------------------------------------------------------------------------

void Assigner::measure(WorkerId worker, JobId job, std::uint32_t kernel, double seconds_each,
                       std::uint32_t count) {
    Pace& pace = paces_[job];
    auto of_kernel =
        std::ranges::find(pace.speeds, kernel, [](auto& entry) { return entry.first; });
    if (of_kernel == pace.speeds.end()) {
        pace.speeds.emplace_back(kernel, IdTable<WorkerId, double>{});
        of_kernel = std::prev(pace.speeds.end());
    }
    const auto [speed, is_first] = of_kernel->second.try_emplace(worker);
    speed = is_first ? seconds_each : 0.5 * (speed + seconds_each);
    pace.task_seconds.add(seconds_each, count);
}

const double* Assigner::speed_of(WorkerId worker, JobId job, std::uint32_t kernel) const {
    const Pace* const pace = paces_.find(job);
    if (pace == nullptr) return nullptr;
    for (const auto& [number, speeds] : pace->speeds) {
        if (number == kernel) return speeds.find(worker);
    }
    return nullptr;
}

std::uint32_t Assigner::batch_size(const BatchRequest& request) const {
    const std::uint32_t slots = request.slots;
    const double* const speed = speed_of(request.worker, request.job, request.kernel);
    if (speed == nullptr) return slots;  // Measure it first.
    const auto rival_count = static_cast<double>(std::max<std::size_t>(queue_.rival_count(), 1));
    const double seconds = std::max(limits_.batch_seconds / rival_count, limits_.batch_seconds_min);
    const double by_speed = seconds * slots / *speed;
    const std::uint64_t round_count = std::max<std::uint64_t>(2 * request.slots_of_all, 1);
    const std::uint64_t by_share = (request.left + round_count - 1) / round_count * slots;
    const std::uint64_t by_bytes =
        limits_.batch_bytes_max / std::max<std::uint64_t>(request.task_bytes, 1);
    std::uint64_t size = std::min<std::uint64_t>(by_share, limits_.batch_tasks_max);
    if (by_speed < static_cast<double>(size)) size = static_cast<std::uint64_t>(by_speed);
    size = std::max<std::uint64_t>(size, slots);
    return static_cast<std::uint32_t>(std::max<std::uint64_t>(std::min(size, by_bytes), 1));
}

double Assigner::expected_seconds(const BatchRequest& request, std::uint64_t task_count) const {
    const double* const speed = speed_of(request.worker, request.job, request.kernel);
    return speed == nullptr ? 0 : *speed * static_cast<double>(task_count) / request.slots;
}

// ---- What leases cost ---------------------------------------------------------------------------

void Assigner::serve(const LeaseWork& work) {
    queue_.serve(work.job);
    estimate(work);
}

/// What its open tasks should take, by all slots together.
double Assigner::seconds_left(const LeaseWork& work) const {
    if (work.open_count == 0) return 0;
    if (const double* const speed = speed_of(work.worker, work.job, work.kernel)) {
        return *speed * work.open_count;
    }
    const Pace* const pace = paces_.find(work.job);
    const double by_others = pace == nullptr ? 0 : pace->task_seconds.quantile(0.5);
    // As little as a lease is made to hold: who comes meanwhile starts with what this job has been
    // charged.
    return (by_others > 0 ? by_others : limits_.batch_seconds_min) * work.open_count;
}

void Assigner::estimate(const LeaseWork& work) {
    Cost& cost = costs_[work.lease];
    charge(cost, work.job, cost.spent + std::max(seconds_left(work), work.seconds_running));
}

double Assigner::spend(LeaseId id, double slot_seconds) {
    Cost& cost = costs_[id];
    const double known = std::min(slot_seconds, cost.presumed);
    cost.presumed -= known;
    cost.spent += slot_seconds - known;
    return slot_seconds - known;
}

void Assigner::settle(LeaseId lease, JobId job) {
    Cost& cost = costs_[lease];
    charge(cost, job, cost.spent);
}

double Assigner::end(const LeaseWork& work) {
    const double presumed = std::min(work.seconds_running, seconds_left(work));
    const double unknown = spend(work.lease, presumed);
    costs_[work.lease].presumed = presumed;
    settle(work.lease, work.job);
    return unknown;
}

/// Its job has been charged so much for this lease from now on, instead of what it was before.
void Assigner::charge(Cost& cost, JobId job, double slot_seconds) {
    if (slot_seconds == cost.charged) return;
    queue_.charge(job, slot_seconds - cost.charged);
    cost.charged = slot_seconds;
}

// ---- Stragglers ---------------------------------------------------------------------------------

void Assigner::look_again(Instant now) {
    if (straggler_deadline_) look_at(now + limits_.straggler_min);
}

bool Assigner::begin_look(Instant now) {
    if (at_their_tail_.empty()) {
        stop_looking();
        return false;
    }
    // There may be thousands of workers, and each of their messages comes here.
    const bool may_help = late_lease_waits_ && !with_room_.front().empty();
    if (straggler_deadline_ && now < *straggler_deadline_ && !may_help) return false;
    straggler_deadline_ = instant_never;
    late_lease_waits_ = false;
    return true;
}

std::optional<Duration> Assigner::patience(JobId job, bool is_believed) const {
    const Pace* const pace = paces_.find(job);
    const double p95 = pace == nullptr ? 0 : pace->task_seconds.quantile(0.95);
    if (p95 > 0) {
        return std::max(limits_.straggler_min, from_seconds(limits_.straggler_factor * p95));
    }
    // Nothing to compare it with yet; but a stranger may never deliver anything.
    if (is_believed) return std::nullopt;
    return limits_.lease_seconds_min;
}

void Assigner::look_at(Instant due) {
    straggler_deadline_ = std::min(straggler_deadline_.value_or(instant_never), due);
}

}  // namespace netcompute::core
