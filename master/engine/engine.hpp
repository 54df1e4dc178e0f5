#pragma once

#include "core/scheduler.hpp"
#include "engine/engine_host.hpp"
#include "engine/job_request.hpp"
#include "engine/job_run.hpp"
#include "engine/rate_meter.hpp"
#include "engine/worker_gateway.hpp"
#include "store/blob_store.hpp"
#include "store/job_store.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::engine {

struct EngineOptions {
    core::SchedulerLimits limits;
    GatewayOptions gateway;
    JobContext context;
    std::size_t live_jobs_max = 1000;
    std::function<const JobType*(std::string_view)> find_job_type = engine::find_job_type;
    /// Steps the scheduler in the engine's place, so that a test sees each event and its effects
    /// and may change them. Empty: the engine does it.
    std::function<core::Effects(core::Scheduler&, Instant, const core::Event&)> step_scheduler;
};

/// What the engine knows of a worker besides the scheduler.
struct WorkerInfo {
    WorkerId id;
    std::string key;  ///< The id that people and the API see.
    std::string name;
    protocol::WorkerKind kind = protocol::WorkerKind::Native;
    std::string version;
    std::string address;
    double cpu = -1;
    std::uint64_t memory_bytes = 0;
    std::string current;
    std::uint64_t tasks_done = 0;
    RateMeter rate;
    Instant joined;
};

/// Joins clock, scheduler, store, transports and job types, on its host's thread. What arrives is
/// kept in an inbox; one turn takes it all, steps the scheduler at one instant, commits what was
/// decided, and only then sends.
class Engine final : public WorkerEvents {
 public:
    /// `host` and `jobs` outlive it.
    Engine(EngineHost& host, EngineOptions options, store::JobStore& jobs);
    ~Engine() override;

    /// Where transports deliver.
    [[nodiscard]] WorkerGateway& gateway() { return gateway_; }

    /// Errors: InvalidArgument, NotFound or PermissionDenied for bad parameters; LimitExceeded.
    [[nodiscard]] Result<JobId> submit(JobRequest request);
    /// Errors: NotFound if there is no such job, InvalidArgument if it is over.
    [[nodiscard]] Result<void> cancel(JobId id);
    /// Calls back once, on this thread, when the job is over; at once if it is.
    void when_over(JobId id, std::function<void(const store::JobRecord&)> callback);
    /// Says goodbye to every worker.
    void stop(const std::string& reason);

    [[nodiscard]] Instant now() const { return host_.now(); }
    [[nodiscard]] const core::Scheduler& scheduler() const { return scheduler_; }
    [[nodiscard]] const store::JobStore& jobs() const { return jobs_; }
    [[nodiscard]] const store::BlobStore& blobs() const { return *options_.context.blobs; }
    [[nodiscard]] const JobRun* live_job(JobId id) const;
    [[nodiscard]] std::map<JobId, JobRun>& live_jobs() { return live_; }
    [[nodiscard]] std::map<WorkerId, WorkerInfo>& workers() { return workers_; }
    [[nodiscard]] std::uint64_t tasks_done() const { return tasks_done_; }
    /// Outputs that came second and differed from the one that counts.
    [[nodiscard]] std::uint64_t contradiction_count() const { return contradiction_count_; }
    /// Events that wait for a turn.
    [[nodiscard]] std::size_t inbox_size() const { return inbox_.size(); }
    [[nodiscard]] double tasks_per_second() { return rate_.per_second(now()); }

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
    /// An event and, for results, where its outcomes' bytes lie.
    struct InboxItem {
        core::Event event;
        std::vector<ByteSpan> output_bytes;
        std::shared_ptr<const Bytes> owner;
    };
    using Outbox = std::vector<std::function<void()>>;

    void enqueue(InboxItem item);
    void turn();
    void arm_timer();
    void wake();
    void forget_lost_workers();
    void prepare(JobId id, const JobType& type, nlohmann::json params, JobContext context);
    void begin(JobId id, Result<PreparedJob> prepared);
    void start_round(JobRun& job);
    void finish(JobRun& job);
    void finished(JobId id, Result<nlohmann::json> result);
    void end_job(JobId id, store::JobState state, nlohmann::json result,
                 std::optional<Error> error);
    void put_record(const store::JobRecord& record);
    [[nodiscard]] std::string worker_name(WorkerId id) const;
    void note_disconnection(WorkerId id, const std::string& reason);

    // One overload an effect.
    void carry_out(const InboxItem& item, core::AssignTasks& effect);
    void carry_out(const InboxItem& item, core::RevokeLease& effect);
    void carry_out(const InboxItem& item, core::RecordOutputs& effect);
    void carry_out(const InboxItem& item, core::CompareOutput& effect);
    void carry_out(const InboxItem& item, core::CompleteRound& effect);
    void carry_out(const InboxItem& item, core::FailJob& effect);
    void carry_out(const InboxItem& item, core::CloseSession& effect);
    void carry_out(const InboxItem& item, core::PublishWorker& effect);

    EngineHost& host_;
    EngineOptions options_;
    store::JobStore& jobs_;
    core::Scheduler scheduler_;
    WorkerGateway gateway_;
    Instant timer_at_ = instant_never;

    std::deque<InboxItem> inbox_;
    bool turn_is_due_ = false;
    bool upkeep_is_due_ = false;          ///< At the end of the next turn.
    std::vector<store::Record> records_;  ///< Of the turn in progress.
    Outbox outbox_;                       ///< Of the turn in progress.

    std::map<JobId, JobRun> live_;
    std::map<JobId, std::vector<std::function<void(const store::JobRecord&)>>> watchers_;
    std::map<WorkerId, WorkerInfo> workers_;
    std::uint64_t last_job_ = 0;
    std::uint64_t tasks_done_ = 0;
    std::uint64_t contradiction_count_ = 0;
    RateMeter rate_;
};

}  // namespace netcompute::engine
