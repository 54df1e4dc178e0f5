#pragma once

#include "dice.hpp"
#include "engine/job_run.hpp"
#include "engine/worker_gateway.hpp"
#include "event_queue.hpp"
#include "job_catalog.hpp"
#include "ledger.hpp"
#include "trace.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace netcompute::sim {

/// Ways to break the master on purpose: they show that the checkers see it.
enum class Sabotage {
    None,
    RecordSecondResults,  ///< Of a task that has its output.
    FreezeTime,           ///< And hide disconnections: no lease ever runs out.
    RenewEverything,      ///< Heartbeats renew leases that they do not name.
    GiveTooMuch,          ///< One lease too many for each worker.
    DamageOutput,         ///< One bit of it.
    ForgetCompletion,     ///< Of rounds.
    PreferNewestJob,
    HideResumptions,  ///< Who comes back counts as one that had crashed.
};

/// Does with the scheduler's effects what the engine does, in virtual time and without sockets:
/// the real gateway, scheduler, job runs and codec.
class SimulatedMaster final : public engine::WorkerEvents {
 public:
    struct Surroundings {
        EventQueue& queue;
        Trace& trace;
        JobCatalog& catalog;
        std::function<void(std::string)> report;  ///< A broken promise.
    };

    SimulatedMaster(std::uint64_t seed, core::SchedulerLimits limits, Sabotage sabotage,
                    Surroundings surroundings);

    JobId submit(const JobTemplate& what, std::int32_t priority);
    void cancel(JobId id);
    /// The master's clock jumps by this much; backwards if it is negative.
    void jump(Duration by);
    /// Its thread does nothing until then.
    void stall_until(Instant when);

    void receive(const net::SessionPtr& from, std::string header, Bytes payload);
    void closed(const net::SessionPtr& session);

    [[nodiscard]] std::size_t live_job_count() const { return live_.size(); }
    [[nodiscard]] std::uint64_t succeeded_count() const { return succeeded_count_; }
    [[nodiscard]] std::uint64_t failed_count() const { return failed_count_; }
    [[nodiscard]] std::uint64_t step_count() const { return step_count_; }
    [[nodiscard]] std::size_t inbox_max() const { return inbox_max_; }

    // WorkerEvents.
    void on_joined(WorkerId worker, const std::string& key, const protocol::Hello& hello,
                   const std::string& address) override;
    void on_heartbeat(WorkerId worker, const protocol::Heartbeat& heartbeat) override;
    void on_results(WorkerId worker, const protocol::Results& results,
                    std::shared_ptr<const Bytes> payload) override;
    void on_left(WorkerId worker) override;
    void on_disconnected(WorkerId worker, const std::string& reason) override;
    void on_expelled(WorkerId worker, const std::string& reason) override;

 private:
    struct InboxItem {
        core::Event event;
        std::vector<ByteSpan> output_bytes;
        std::shared_ptr<const Bytes> owner;
    };
    struct LiveJob {
        const JobTemplate* what = nullptr;
        engine::JobRun run;
        const programs::Program* program = nullptr;
        std::vector<bool> recorded;  ///< Tasks of the round whose output counts.
    };

    [[nodiscard]] Instant now() const { return around_.queue.now() + clock_offset_; }
    void enqueue(InboxItem item);
    void schedule_turn();
    void turn();
    void step(const InboxItem& item, Instant instant);
    void forget_ended_leases(const core::Event& event);
    void arm_timer();
    void timer_fired();
    void start_round(LiveJob& job);
    void finish(JobId id);
    void end_job(JobId id, std::string_view how);
    void trace(std::string_view what, std::initializer_list<Trace::Number> numbers = {});
    void trace_event(const core::Event& event);

    void carry_out(const InboxItem& item, const core::AssignTasks& effect);
    void carry_out(const InboxItem& item, const core::RevokeLease& effect);
    void carry_out(const InboxItem& item, const core::RecordOutputs& effect);
    void carry_out(const InboxItem& item, const core::CompareOutput& effect);
    void carry_out(const InboxItem& item, const core::CompleteRound& effect);
    void carry_out(const InboxItem& item, const core::FailJob& effect);
    void carry_out(const InboxItem& item, const core::CloseSession& effect);
    void carry_out(const InboxItem& item, const core::PublishWorker& effect);
    void record(const InboxItem& item, LiveJob& job, std::uint32_t position);

    Surroundings around_;
    Sabotage sabotage_;
    Dice dice_;
    core::Scheduler scheduler_;
    Ledger ledger_;
    engine::WorkerGateway gateway_;
    Duration clock_offset_{};
    Instant stalled_until_{};

    std::deque<InboxItem> inbox_;
    bool turn_is_due_ = false;
    std::vector<std::function<void()>> outbox_;
    Instant timer_at_ = instant_never;  ///< In virtual time: the earliest timer that is set.

    std::map<JobId, LiveJob> live_;
    std::map<WorkerId, std::vector<LeaseId>> leases_given_;  ///< For sabotage only.
    std::set<WorkerId> known_workers_;
    std::uint64_t last_job_ = 0;
    std::uint64_t succeeded_count_ = 0;
    std::uint64_t failed_count_ = 0;
    std::uint64_t step_count_ = 0;
    std::size_t inbox_max_ = 0;
};

}  // namespace netcompute::sim
