#pragma once

#include "core/scheduler.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace netcompute::sim {

/// An account of tasks, leases and workers of its own, kept from events and effects alone, against
/// which each step of the scheduler is checked. It knows what may happen, not what to do.
class Ledger {
 public:
    /// Told of each broken promise.
    using Report = std::function<void(std::string)>;

    Ledger(core::SchedulerLimits limits, Report report, std::function<bool(WorkerId)> is_honest);

    /// `now` as the scheduler was given it.
    void check_step(Instant now, const core::Event& event, const core::Effects& effects,
                    const core::Scheduler& scheduler);

 private:
    struct Task {
        bool succeeded = false;
        std::uint32_t holders = 0;
        std::uint32_t losses_max = 0;  ///< Ways in which a worker may have been lost with it.
        std::uint32_t own_failures = 0;
        std::optional<WorkerId> failed_on;
    };
    struct Lease {
        WorkerId worker;
        JobId job;
        RoundIndex round = 0;
        std::vector<TaskIndex> tasks;
        std::vector<bool> has_outcome;
        std::uint32_t open_count = 0;
        bool active = true;
        Instant renewed;
        Duration duration{};
        std::vector<TaskIndex> blamed;  ///< For the loss that ended it.
    };
    struct Job {
        RoundIndex round = 0;
        std::int32_t priority = 0;
        std::vector<Task> tasks;
        std::uint32_t pending_count = 0;
        std::uint32_t succeeded_count = 0;
        std::uint32_t active_lease_count = 0;
        bool complete = false;
    };
    struct Worker {
        bool connected = false;
        core::WorkerState state = core::WorkerState::Idle;
        std::uint32_t lease_count = 0;
        Instant last_heard;
        std::vector<LeaseId> lost_leases;  ///< Which ended with its last connection.
    };
    /// What this step's event entitles the scheduler to.
    struct Step {
        const core::Event* event = nullptr;
        const core::ResultsReceived* counted = nullptr;  ///< Where the results are valid.
        std::vector<std::uint32_t> to_record;
        std::vector<std::uint32_t> to_compare;
        std::vector<LeaseId> to_disown;  ///< Leases that a heartbeat named and that are over.
    };

    void on(const core::WorkerJoined& event);
    void on(const core::WorkerDisconnected& event);
    void on(const core::WorkerLeft& event);
    void on(const core::HeartbeatReceived& event);
    void on(const core::RoundStarted& event);
    void on(const core::JobEnded& event);
    void on(const core::ResultsReceived& event);
    void on(const core::ClockTicked& event);

    void check(const core::AssignTasks& effect);
    void check(const core::RevokeLease& effect);
    void check(const core::RecordOutputs& effect);
    void check(const core::CompareOutput& effect);
    void check(const core::CompleteRound& effect);
    void check(const core::FailJob& effect);
    void check(const core::CloseSession& effect);
    void check(const core::PublishWorker& effect);

    void check_turn_of(JobId id, const Job& job);
    void check_agreement(const core::Scheduler& scheduler);
    void check_no_idleness();
    void lose(WorkerId id, Worker& worker, bool blame);
    void take_back_blame(const Worker& worker);
    void end(LeaseId id, Lease& lease);
    void give_back(Lease& lease, bool blame);
    void forget_leases(JobId id);
    [[nodiscard]] static bool is_of(const core::ResultsReceived& event, const Lease& lease);
    [[nodiscard]] bool takes_tasks(const Worker& worker) const;
    [[nodiscard]] std::uint32_t available_count() const;
    void broken(const std::string& what) { report_(what); }

    core::SchedulerLimits limits_;
    Report report_;
    std::function<bool(WorkerId)> is_honest_;
    std::map<WorkerId, Worker> workers_;
    std::map<JobId, Job> jobs_;
    std::map<LeaseId, Lease> leases_;
    LeaseId last_lease_;
    Instant now_;
    Step step_;
};

}  // namespace netcompute::sim
