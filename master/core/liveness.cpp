#include "core/liveness.hpp"

#include <algorithm>

namespace netcompute::core {

Liveness::Liveness(const SchedulerLimits& limits)
    : suspect_after_{limits.suspect_after},
      lost_after_{limits.lost_after},
      lost_kept_{limits.lost_kept} {}

const Liveness::Worker* Liveness::find(WorkerId id) const {
    return workers_.find(id);
}

bool Liveness::is_connected(WorkerId id) const {
    const Worker* const worker = find(id);
    return worker != nullptr && worker->connected;
}

bool Liveness::join(WorkerId id, std::uint32_t slots) {
    const auto [worker, is_new] = workers_.try_emplace(id);
    worker.slots = std::max(slots, 1U);
    worker.connected = true;
    worker.awaited = false;
    worker.paused = false;
    return is_new;
}

void Liveness::restore(Instant now, WorkerId id) {
    Worker& worker = workers_[id];
    restoring_ = true;
    worker.connected = false;
    worker.awaited = true;
    worker.state = WorkerState::Lost;
    worker.last_seen = now;
    deadlines_.set(id, now + lost_after_);
}

void Liveness::await(Instant now, WorkerId id) {
    workers_.at(id).awaited = true;
    deadlines_.set(id, now + lost_after_);
}

void Liveness::report(WorkerId id, std::uint32_t slots, bool paused) {
    Worker& worker = workers_.at(id);
    worker.slots = std::max(slots, 1U);
    worker.paused = paused;
}

void Liveness::drain(WorkerId id, bool drained) {
    workers_.at(id).drained = drained;
}

StateChanges Liveness::heard_from(Instant now, WorkerId id, bool holds_leases) {
    Worker& worker = workers_.at(id);
    StateChanges changes;
    worker.last_seen = now;
    deadlines_.set(id, now + suspect_after_);
    if (worker.state == WorkerState::Suspect || worker.state == WorkerState::Lost) {
        set_state(worker, WorkerState::Idle, changes);
    }
    refresh(worker, holds_leases, changes);
    return changes;
}

StateChanges Liveness::refresh(WorkerId id, bool holds_leases) {
    StateChanges changes;
    refresh(workers_.at(id), holds_leases, changes);
    return changes;
}

StateChanges Liveness::lose(Instant now, WorkerId id) {
    Worker& worker = workers_.at(id);
    StateChanges changes;
    worker.connected = false;
    set_state(worker, WorkerState::Lost, changes);
    deadlines_.set(id, now + lost_kept_);
    return changes;
}

std::optional<Overdue> Liveness::next_overdue(Instant now,
                                              const std::function<bool(WorkerId)>& is_remembered) {
    while (!deadlines_.empty() && deadlines_.next() <= now) {
        const WorkerId id = deadlines_.first();
        Worker& worker = workers_.at(id);
        const Duration silence = now - worker.last_seen;
        if (std::exchange(worker.awaited, false)) {
            deadlines_.set(id, now + lost_kept_);
            return Overdue{id, Overdue::What::StaysAway, silence};
        }
        if (!worker.connected && (restoring_ || is_remembered(id))) {
            deadlines_.set(id, now + lost_kept_);
            continue;
        }
        if (!worker.connected) {
            deadlines_.erase(id);
            workers_.erase(id);
            return Overdue{id, Overdue::What::Forgotten, silence};
        }
        StateChanges changes;  // `what` says it.
        if (silence >= lost_after_) {
            changes = lose(now, id);
            return Overdue{id, Overdue::What::Lost, silence};
        }
        set_state(worker, WorkerState::Suspect, changes);
        deadlines_.set(id, worker.last_seen + lost_after_);
        return Overdue{id, Overdue::What::Suspect, silence};
    }
    return std::nullopt;
}

void Liveness::set_state(Worker& worker, WorkerState state, StateChanges& changes) {
    if (worker.state == state) return;
    worker.state = state;
    changes.push_back(state);
    count_in(worker);
}

void Liveness::refresh(Worker& worker, bool holds_leases, StateChanges& changes) {
    if (worker.state == WorkerState::Suspect || worker.state == WorkerState::Lost) return;
    if (worker.paused || worker.drained)
        set_state(worker, WorkerState::Draining, changes);
    else
        set_state(worker, holds_leases ? WorkerState::Busy : WorkerState::Idle, changes);
    count_in(worker);
}

/// Keeps the sums in step with a worker that has changed.
void Liveness::count_in(Worker& worker) {
    const std::uint32_t slots = worker.is_available() ? worker.slots : 0;
    if (worker.available_slots == slots) return;
    available_count_ += (slots > 0 ? 1U : 0U) - (worker.available_slots > 0 ? 1U : 0U);
    available_slots_ += std::uint64_t{slots} - worker.available_slots;
    worker.available_slots = slots;
}

}  // namespace netcompute::core
