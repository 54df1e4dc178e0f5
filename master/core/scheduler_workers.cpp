#include "core/scheduler.hpp"

#include <algorithm>

namespace netcompute::core {

void Scheduler::on(const WorkerJoined& event) {
    const bool is_new = liveness_.join(event.worker, event.slots);
    const Introduced introduced = trust_.join(event);
    take_back_blame(introduced.forgiven);
    // Those of a former master: this process knows nothing of them.
    if (!event.resumed) abandon_leases(event.worker);
    if (introduced.is_now_believed) judge_held_back(event.worker);
    if (is_new) {
        effects_.add(PublishWorker{event.worker, liveness_.at(event.worker).state});
    }
    heard_from(event.worker);
}

void Scheduler::on(const WorkerRestored& event) {
    trust_.restore(event);
    liveness_.restore(now_, event.worker);
}

void Scheduler::on(const WorkerDrained& event) {
    if (liveness_.find(event.worker) == nullptr) return;
    liveness_.drain(event.worker, event.drained);
    refresh_state(event.worker);
}

void Scheduler::on(const WorkerReadmitted& event) {
    if (liveness_.find(event.worker) == nullptr) return;
    trust_.readmit(event.worker);
    count_in(event.worker);
}

void Scheduler::on(const WorkerDisconnected& event) {
    if (liveness_.is_connected(event.worker)) lose_worker(event.worker, true);
}

void Scheduler::on(const WorkerLeft& event) {
    if (liveness_.is_connected(event.worker)) lose_worker(event.worker, false);
}

void Scheduler::on(const HeartbeatReceived& event) {
    if (!liveness_.is_connected(event.worker)) return;
    liveness_.report(event.worker, event.slots, event.paused);
    heard_from(event.worker);
    for (const LeaseId id : leases_.claim(event.worker, event.leases)) {
        abandon_lease(leases_.at(id), false);
    }
    std::uint32_t disowned_count = 0;
    for (const LeaseId id : event.leases) {
        const LeaseStanding standing = leases_.standing(id, event.worker);
        if (standing == LeaseStanding::Active) {
            leases_.renew(now_, id);
            assigner_.estimate(work_of(leases_.at(id)));  // It may run for longer than was thought.
        } else if (standing == LeaseStanding::Over && !stalled_ &&
                   disowned_count++ < limits_.disowned_per_heartbeat_max) {
            // It slept, or was away, while its lease ran out: it is told, and does no harm. What
            // is told while the store stalls waits in a queue; the next heartbeat will do.
            effects_.add(RevokeLease{id, event.worker, RevokeReason::Expired});
        }
    }
}

void Scheduler::heard_from(WorkerId id) {
    publish(id, liveness_.heard_from(now_, id, !leases_.held_by(id).empty()));
    count_in(id);
}

void Scheduler::refresh_state(WorkerId id) {
    publish(id, liveness_.refresh(id, !leases_.held_by(id).empty()));
    count_in(id);
}

void Scheduler::publish(WorkerId id, const StateChanges& changes) {
    for (const WorkerState state : changes) effects_.add(PublishWorker{id, state});
}

void Scheduler::lose_worker(WorkerId id, bool blame_running_tasks) {
    publish(id, liveness_.lose(now_, id));
    count_in(id);
    lose_leases(id, blame_running_tasks);
}

void Scheduler::lose_leases(WorkerId id, bool blame_running_tasks) {
    bool is_front = true;  // Only what it was running can have brought it down.
    for (const LeaseId each : leases_.take_held(id)) {
        const Lease* const lease = leases_.find(each);
        // An earlier lease's blame may have failed the job, and with it this lease.
        if (lease == nullptr || !lease->active) continue;
        abandon_lease(*lease, blame_running_tasks && is_front);
        is_front = false;
    }
}

/// Nobody is to blame.
void Scheduler::abandon_leases(WorkerId id) {
    for (const LeaseId each : std::vector{leases_.held_by(id)}) {
        const Lease* const lease = leases_.find(each);
        if (lease != nullptr && lease->active) abandon_lease(*lease, false);
    }
}

/// A worker that comes back as it was has not crashed: a flaky link must not fail a job.
void Scheduler::take_back_blame(const std::vector<BlamedTask>& blamed) {
    for (const BlamedTask& task : blamed) {
        if (Job* const job = rounds_.find(task.job)) job->forgive(task);
    }
}

void Scheduler::check_silence() {
    const auto remembered = [this](WorkerId id) { return rounds_.remember(id); };
    while (const auto overdue = liveness_.next_overdue(now_, remembered)) {
        const WorkerId id = overdue->worker;
        switch (overdue->what) {
            case Overdue::What::Suspect:
                publish(id, {WorkerState::Suspect});
                count_in(id);
                break;
            case Overdue::What::Lost: {
                publish(id, {WorkerState::Lost});
                count_in(id);
                lose_leases(id, true);
                const auto silent =
                    std::chrono::duration_cast<std::chrono::seconds>(overdue->silence);
                effects_.add(CloseSession{
                    id,
                    {ErrorCode::Unavailable,
                     "nothing was heard of it for " + std::to_string(silent.count()) + " s"}});
                break;
            }
            case Overdue::What::StaysAway:
                abandon_leases(id);
                break;
            case Overdue::What::Forgotten:
                trust_.forget(id);
                leases_.forget_worker(id);
                assigner_.forget_worker(id);
                break;
        }
    }
}

}  // namespace netcompute::core
