#pragma once

#include "core/scheduler.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace netcompute::sim {

/// An account of tasks, outputs, leases and workers of its own, kept from events and effects alone,
/// against which each step of the scheduler is checked. It knows what may happen, not what to do.
class Ledger {
 public:
    struct Surroundings {
        std::function<void(std::string)> report;  ///< Told of each broken promise.
        std::function<bool(WorkerId)> is_honest;  ///< It keeps to the protocol, and does not lie.
        std::function<bool(WorkerId)> is_liar;
    };

    Ledger(core::SchedulerLimits limits, Surroundings surroundings);

    /// `now` as the scheduler was given it.
    void check_step(Instant now, const core::Event& event, const core::Effects& effects,
                    const core::Scheduler& scheduler);

 private:
    /// What somebody says that a task's output is.
    struct Word {
        WorkerId worker;
        std::uint64_t pc = 0;
        Sha256 sha256;
    };
    struct Output {
        bool there = false;
        WorkerId author;  ///< WorkerId{}: the master.
        Sha256 sha256;
        bool confirmed = false;
        WorkerId confirmer;       ///< Whose word did; WorkerId{}: the master's.
        std::vector<Word> votes;  ///< Of this visit, after the first one.
    };
    struct Task {
        Output output;
        std::uint32_t holders = 0;
        std::uint32_t checkers = 0;
        std::uint32_t losses_max = 0;    ///< Ways in which a proven worker may be lost with it.
        std::uint32_t own_failures = 0;  ///< As believed workers say.
        std::uint32_t stranger_failures = 0;  ///< Either, of strangers, and losses of newcomers.
        std::optional<WorkerId> failed_on;
        std::optional<std::uint64_t> audit;  ///< The visit in which the master computes it.
    };
    using Tasks = std::vector<Task>;
    struct Lease {
        WorkerId worker;
        JobId job;
        RoundIndex round = 0;
        std::vector<TaskIndex> tasks;
        std::vector<bool> has_outcome;
        std::uint32_t open_count = 0;
        bool is_check = false;
        std::vector<WorkerId> authors;  ///< Of what it checks, when it was granted.
        bool claimed = true;  ///< False: of a former master, and not named by its worker yet.
        bool active = true;
        Instant renewed;
        Duration duration{};
        bool blamed_proven = false;     ///< What its worker was when it was lost with it,
        std::vector<TaskIndex> blamed;  ///< and the tasks of which that may tell.
    };
    struct Job {
        RoundIndex round = 0;
        std::int32_t priority = 0;
        core::Validation validation;
        bool paused = false;
        bool contested = false;
        bool in_round = false;
        std::optional<RoundIndex> visiting;   ///< Asked for, and not begun yet.
        Tasks tasks;                          ///< Of the round.
        std::map<RoundIndex, Tasks> history;  ///< Forgotten rounds included.
        RoundIndex first_kept = 0;            ///< Those before it are forgotten.
        std::uint32_t active_lease_count = 0;
    };
    struct Worker {
        bool connected = false;
        bool is_believed = false;
        bool has_delivered = false;  ///< An output of its was recorded.
        bool drained = false;
        bool quarantined = false;
        bool was_trusted = false;  ///< At any time.
        std::uint32_t validated = 0;
        std::uint64_t pc = 0;
        core::WorkerState state = core::WorkerState::Idle;
        std::uint32_t lease_count = 0;
        Instant last_heard;
        std::optional<Instant> awaited_until;  ///< A former master knew it.
        std::vector<LeaseId> lost_leases;      ///< Which ended with its last connection.
    };
    /// What this step's event entitles the scheduler to, and obliges it to.
    struct Step {
        const core::Event* event = nullptr;
        const core::ResultsReceived* counted = nullptr;  ///< Where the results are valid.
        const core::TaskAudited* audit = nullptr;        ///< Where somebody waits for it.
        std::vector<Word> audited_words;                 ///< What was said of that task.
        std::vector<std::uint32_t> to_record;
        std::set<TaskIndex> to_audit;  ///< Two have said different things.
        std::set<TaskIndex> failed_checks;
        std::vector<LeaseId> to_disown;  ///< Leases that a heartbeat named and that are over.
        std::set<JobId> to_contest;      ///< A liar was found who had results in them.
        std::optional<JobId> to_end;     ///< Its program has finished, or cannot go on.
    };

    // ledger_events.cpp: what happened.
    void on(const core::WorkerJoined& event);
    void on(const core::WorkerRestored& event);
    void on(const core::WorkerDisconnected& event);
    void on(const core::WorkerLeft& event);
    void on(const core::HeartbeatReceived& event);
    void on(const core::WorkerDrained& event);
    void on(const core::WorkerReadmitted& event);
    void on(const core::JobRestored& event);
    void on(const core::RoundStarted& event);
    void on(const core::ProgramFinished& event);
    void on(const core::RoundRejected& event);
    void on(const core::TaskAudited& event);
    void on(const core::JobPaused& event);
    void on(const core::JobPrioritized& event);
    void on(const core::StoreStalled& event);
    void on(const core::LeaseIdsUsed& event);
    void on(const core::RestorationEnded& event);
    void on(const core::JobEnded& event);
    void on(const core::ResultsReceived& event);
    void on(const core::ClockTicked& event);
    static void recall_forgotten(const core::JobRestored& event, Job& job);
    void begin_again(const core::RoundStarted& event, Job& job);
    void take_outcome(const core::ResultsReceived& event, std::uint32_t position,
                      const Lease& lease, Job& job);
    void end_late_restored_leases();

    // ledger_effects.cpp: what the scheduler decided about tasks, leases and workers.
    void check(const core::AssignTasks& effect);
    void check(const core::RevokeLease& effect);
    void check(const core::RecordOutputs& effect);
    void check(const core::CompleteRound& effect);
    void check(const core::FailJob& effect);
    void check(const core::CloseSession& effect);
    void check(const core::PublishWorker& effect);
    void check_grant(const std::string& name, const core::AssignTasks& effect, Job& job);
    void check_check(const std::string& name, const core::AssignTasks& effect, Job& job);
    void check_turn_of(JobId id, const Job& job);

    // ledger_validation.cpp: what it decided about whose outputs count.
    void check(const core::ConfirmOutputs& effect);
    void check(const core::AuditTask& effect);
    void check(const core::RecordAudit& effect);
    void check(const core::QuarantineWorker& effect);
    void check(const core::ContestJob& effect);
    void check(const core::PublishTrust& effect);
    void check(const core::VisitRound& effect);
    void check(const core::ForgetRounds& effect);
    void check(const core::FinishJob& effect);
    void drop_unconfirmed(WorkerId liar);
    void doubt_confirmed_by(WorkerId liar);
    void expect_contested(WorkerId liar);
    [[nodiscard]] core::ValidationMode mode_for(const Job& job, WorkerId worker) const;
    [[nodiscard]] bool may_confirm(const Job& job, const Output& output, WorkerId worker) const;
    [[nodiscard]] bool is_confirmed_by(const Job& job, const Output& output,
                                       WorkerId confirmer) const;
    [[nodiscard]] bool may_count(const Job& job, const Task& task) const;
    [[nodiscard]] bool must_count(const Job& job, const Task& task) const;
    [[nodiscard]] bool is_doubtful(const Job& job, const Output& output) const;
    [[nodiscard]] std::optional<RoundIndex> first_doubtful_round(const Job& job) const;
    [[nodiscard]] std::uint64_t pc_of(WorkerId worker) const;
    [[nodiscard]] static std::uint32_t& losses_of(Task& task, bool is_proven);
    [[nodiscard]] bool is_proven(WorkerId worker) const;

    // ledger.cpp: after the step, and bookkeeping.
    void check_obligations();
    void check_jobs(const core::Scheduler& scheduler);
    void check_workers(const core::Scheduler& scheduler);
    void check_leases(const core::Scheduler& scheduler);
    void check_no_idleness();
    void archive(Job& job);
    void lose(WorkerId id, Worker& worker, bool blame);
    void take_back_blame(const Worker& worker);
    void hold(Lease& lease, Job& job);
    void end(Lease& lease);
    void give_back(Lease& lease, bool blame);
    void forget_leases(JobId id);
    void leave_job(JobId id);
    [[nodiscard]] static bool waits(const Task& task);
    [[nodiscard]] static bool is_of(const core::ResultsReceived& event, const Lease& lease);
    [[nodiscard]] bool may_be_served(const Job& job) const;
    [[nodiscard]] bool takes_tasks(const Worker& worker) const;
    [[nodiscard]] std::uint32_t available_count() const;
    void broken(const std::string& what) { around_.report(what); }

    core::SchedulerLimits limits_;
    Surroundings around_;
    std::map<WorkerId, Worker> workers_;
    std::map<JobId, Job> jobs_;
    std::map<LeaseId, Lease> leases_;
    LeaseId last_lease_;
    bool stalled_ = false;
    Instant now_;
    Step step_;
};

}  // namespace netcompute::sim
