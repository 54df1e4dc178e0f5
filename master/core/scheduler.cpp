#include "core/scheduler.hpp"

#include <netcompute/assert.hpp>

#include <algorithm>

namespace netcompute::core {

std::string_view revoke_reason_name(RevokeReason reason) {
    switch (reason) {
        case RevokeReason::Expired:
            return "expired";
        case RevokeReason::DoneElsewhere:
            return "done_elsewhere";
        case RevokeReason::JobEnded:
            return "job_ended";
    }
    return "expired";
}

std::string_view worker_state_name(WorkerState state) {
    switch (state) {
        case WorkerState::Idle:
            return "Idle";
        case WorkerState::Busy:
            return "Busy";
        case WorkerState::Draining:
            return "Draining";
        case WorkerState::Suspect:
            return "Suspect";
        case WorkerState::Lost:
            return "Lost";
    }
    return "Lost";
}

Scheduler::Scheduler(SchedulerLimits limits, std::uint64_t seed)
    : limits_{limits},
      liveness_{limits},
      trust_{limits, seed},
      leases_{limits},
      assigner_{limits} {}

Effects Scheduler::step(Instant now, const Event& event) {
    now_ = std::max(now, now_);  // A clock that jumps back must not undo a deadline.
    std::visit(
        [this](const auto& fact) {
            note_change(fact);
            on(fact);
        },
        event);
    complete_rounds();
    // Time passes with every event, so a busy engine needs no ticks to notice a silent worker.
    check_silence();
    expire_leases();
    list_changed_jobs();
    assign();
    return effects_.take();
}

Instant Scheduler::next_deadline() const {
    const Instant next = assigner_.straggler_deadline().value_or(instant_never);
    return std::min({next, leases_.next_deadline(), liveness_.next_deadline()});
}

std::optional<WorkerView> Scheduler::worker(WorkerId id) const {
    const Liveness::Worker* const session = liveness_.find(id);
    if (session == nullptr) return std::nullopt;
    const Trust::Worker& believed = trust_.at(id);
    return WorkerView{session->state,
                      session->slots,
                      static_cast<std::uint32_t>(leases_.held_by(id).size()),
                      session->last_seen,
                      believed.validated,
                      believed.quarantined};
}

std::optional<LeaseView> Scheduler::lease(LeaseId id) const {
    const Lease* const lease = leases_.find(id);
    if (lease == nullptr) return std::nullopt;
    return LeaseView{lease->worker, lease->job, lease->round, lease->tasks.size()};
}

std::optional<RoundView> Scheduler::round(JobId id) const {
    const Job* const found = rounds_.find(id);
    if (found == nullptr) return std::nullopt;
    const Job& job = *found;
    RoundView view{job.round,
                   job.tasks.task_count(),
                   job.tasks.settled_count(),
                   job.tasks.pending_count(),
                   job.paused,
                   job.in_round && job.terms.validation.mode == ValidationMode::Quorum &&
                       job.tasks.pending_count() == 0 && leases_.active_of(id).empty() &&
                       job.tasks.checks_wait(),
                   job.slot_seconds};
    return view;
}

std::map<RoundIndex, RoundTasks> Scheduler::rounds(JobId id) const {
    return rounds_.all_of(id);
}

void Scheduler::on(const ClockTicked&) {}

void Scheduler::on(const StoreStalled& event) {
    stalled_ = event.stalled;
}

void Scheduler::on(const RestorationEnded&) {
    liveness_.end_restoration();
}

void Scheduler::on(const LeaseIdsUsed& event) {
    leases_.note_used(event.last);
}

}  // namespace netcompute::core
