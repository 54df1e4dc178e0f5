#pragma once

#include "core/scheduler.hpp"
#include "engine/commit_pipeline.hpp"
#include "engine/engine_host.hpp"
#include "engine/inbox.hpp"
#include "engine/job_run.hpp"
#include "engine/rate_meter.hpp"
#include "engine/steady_time.hpp"
#include "engine/worker_gateway.hpp"
#include "jobs/job_request.hpp"
#include "store/blob_store.hpp"
#include "store/job_store.hpp"

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace netcompute::engine {

struct EngineOptions {
    core::SchedulerLimits limits;
    std::uint64_t seed = 0;  ///< Decides which results are checked: nobody else may know it.
    GatewayOptions gateway;
    store::BlobStore* blobs = nullptr;  ///< Must be set; outlives the engine.
    /// What job types read tables with; outlives the engine. nullptr where none reads one.
    data::DatasetCatalog* datasets = nullptr;
    std::filesystem::path root;  ///< The folder that holds Data/.
    std::size_t live_jobs_max = 1000;
    std::uint64_t round_tasks_max = tasks_per_round_max;
    std::uint64_t live_tasks_max = 20'000'000;     ///< In the rounds in progress of all live jobs,
    std::uint64_t small_round_tasks_max = 10'000;  ///< but for rounds of so few.
    /// Rounds of more tasks, or more bytes in their outputs, are folded on the pool.
    std::uint32_t quick_fold_tasks_max = 16'384;
    /// More bytes that come at once from a worker are hashed there too.
    std::uint64_t quick_bytes_max = 64 << 10;
    /// After a restart, how many outputs are taken up between two looks at the inbox.
    std::size_t load_outputs_max = 2048;
    /// How many masters in a row may die in the same heavy step of a job before it is paused; 0:
    /// any.
    std::uint32_t trial_deaths_max = 2;
    /// Likewise, die before they are ready, before all jobs are.
    std::uint32_t unready_starts_max = 3;
    std::function<const JobType*(std::string_view)> find_job_type = engine::find_job_type;
    /// For audits. Without a memo, so that an audit does not depend on cached values.
    programs::ComputeOptions compute = {};
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
    bool is_native = false;    ///< By the port it came to, not by what it says.
    bool is_believed = false;  ///< Set up by an authorized person.
    std::string owner;         ///< Who its key belongs to.
    LeaseId first_lease;       ///< That it was ever given, as far as is known.
    LeaseId last_lease;        ///< As above; LeaseId{}: none.
    std::string version;
    std::string address;
    std::string session;
    double cpu = -1;
    std::uint64_t memory_bytes = 0;
    std::string current;
    std::uint64_t tasks_done = 0;
    std::uint32_t validated = 0;  ///< Results in a row that others confirmed.
    std::string quarantined;      ///< Why it is; empty if it is not.
    bool drained = false;         ///< By somebody here.
    RateMeter rate;
    Instant joined;
};

/// Joins clock, scheduler, store, transports and job types, on its host's thread. What arrives is
/// kept in an inbox; one turn takes it all, or as much as a few milliseconds allow, steps the
/// scheduler at one instant, hands what was decided to the store, and what it sends hangs on that:
/// messages to workers on the commit, what somebody relies on also on the disk. So whatever a
/// worker or a user was told is in the store, and a master that is killed between any two
/// instructions goes on from there.
class Engine final : public WorkerEvents {
 public:
    /// `host` and `jobs` outlive it.
    Engine(EngineHost& host, EngineOptions options, store::JobStore& jobs);
    ~Engine() override;

    /// Goes on with what a former master left in the store. Workers are let in when all its jobs
    /// are ready. Call once, before anything else.
    void resume();

    /// For jobs that are submitted, and rounds that begin, from now on.
    void set_limits(std::size_t live_jobs_max, std::uint64_t round_tasks_max,
                    std::uint64_t live_tasks_max) {
        options_.live_jobs_max = live_jobs_max;
        options_.round_tasks_max = round_tasks_max;
        options_.live_tasks_max = live_tasks_max;
    }

    /// The interface that transports call.
    [[nodiscard]] WorkerGateway& gateway() { return gateway_; }

    // Calls of users. They take effect at once; when_written() tells when that is durable.

    /// Errors: InvalidArgument, NotFound or PermissionDenied for bad parameters; LimitExceeded;
    /// Unavailable if the store cannot be written. A job of which that turns out before it is
    /// promised ends as if cancelled.
    /// With an idempotency_key that was given before: that job, and nothing is submitted; Conflict
    /// where that is another one.
    [[nodiscard]] Result<JobId> submit(JobRequest request);
    /// Errors of these: NotFound if there is no such job, Conflict if it is over;
    /// Unavailable if the store cannot be written, so that nothing can be promised.
    [[nodiscard]] Result<void> cancel(JobId id);
    [[nodiscard]] Result<void> pause(JobId id, bool paused);
    [[nodiscard]] Result<void> prioritize(JobId id, std::int32_t priority);
    /// Errors of these: NotFound if there is no such worker; Conflict if one that is to be
    /// readmitted is not in quarantine; Unavailable as above.
    [[nodiscard]] Result<void> drain(WorkerId id, bool drained);
    [[nodiscard]] Result<void> readmit(WorkerId id);
    /// Calls back once, on this thread, when all that was asked for so far survives a power cut.
    /// Errors: Unavailable if it cannot be written down now; but for a submission it stands all the
    /// same, and is written later.
    void when_written(std::function<void(Result<void>)> callback);
    /// Calls back once, on this thread, when the job is over and that survives a power cut; at once
    /// if so.
    void when_over(JobId id, std::function<void(const store::JobRecord&)> callback);
    /// Says goodbye to every worker.
    void stop(const std::string& reason);

    [[nodiscard]] Instant now() const { return host_.now(); }
    [[nodiscard]] const core::Scheduler& scheduler() const { return scheduler_; }
    [[nodiscard]] const store::JobStore& jobs() const { return jobs_; }
    [[nodiscard]] const store::BlobStore& blobs() const { return *options_.blobs; }
    /// nullptr where no job reads tables.
    [[nodiscard]] const data::DatasetCatalog* datasets() const { return options_.datasets; }
    /// What may be told of a job that is not live: until its end is on the disk, that it is not.
    [[nodiscard]] std::optional<store::JobRecord> record(JobId id) const;
    /// Jobs that have ended, as they were before, while their ends are being written down.
    [[nodiscard]] const std::map<JobId, store::JobRecord>& ending_jobs() const { return ending_; }
    [[nodiscard]] const JobRun* live_job(JobId id) const;
    /// Since it was submitted; never negative.
    [[nodiscard]] double seconds_since_submission(const JobRun& job) const;
    [[nodiscard]] std::map<JobId, JobRun>& live_jobs() { return live_; }
    [[nodiscard]] std::map<WorkerId, WorkerInfo>& workers() { return workers_; }
    [[nodiscard]] std::uint64_t tasks_done() const { return tasks_done_; }
    /// Events that wait for a turn.
    [[nodiscard]] std::size_t inbox_size() const { return inbox_.size(); }
    /// Why the store cannot be written; empty if it can.
    [[nodiscard]] const std::string& store_trouble() const { return pipeline_.trouble(); }
    /// In the rounds in progress of all live jobs, but for small ones.
    [[nodiscard]] std::uint64_t live_tasks() const;
    [[nodiscard]] double tasks_per_second() { return rate_.per_second(now()); }

    // WorkerEvents.
    void on_joined(const JoinedWorker& worker) override;
    void on_heartbeat(WorkerId worker, const protocol::Heartbeat& heartbeat) override;
    [[nodiscard]] Result<bool> admit_results(WorkerId worker, LeaseId lease,
                                             std::uint64_t outcome_count) override;
    void on_results(WorkerId worker, const protocol::Results& results,
                    std::shared_ptr<const Bytes> payload) override;
    void on_left(WorkerId worker) override;
    void on_disconnected(WorkerId worker, const std::string& reason) override;
    void on_expelled(WorkerId worker, const std::string& reason) override;

 private:
    // engine.cpp: turns.
    void enqueue(InboxItem item);
    void enqueue(core::Event event) { enqueue(InboxItem{std::move(event), {}, nullptr}); }
    InboxItem& enqueue(WorkerId worker, InboxItem item);
    InboxItem& enqueue(WorkerId worker, core::Event event) {
        return enqueue(worker, InboxItem{std::move(event), {}, nullptr});
    }
    void be_due();
    void turn();
    void take(Instant instant, InboxItem item);
    void count_extra_results(const core::Event& event, const core::Effects& effects);
    void note_time(bool upkeep);
    void put(store::Record record) { turn_.records.push_back(std::move(record)); }
    void send(std::function<void()> work) { turn_.sends.push_back(std::move(work)); }
    void promise(std::function<void()> work) { turn_.promises.push_back(std::move(work)); }
    void hand_in();
    void arm_timer();
    void wake();

    // engine_jobs.cpp.
    [[nodiscard]] Result<std::optional<JobId>> find_repeated(const JobRequest& request);
    void prepare(JobId id, const JobType& type, nlohmann::json params);
    void begin(JobId id, Result<PreparedJob> prepared);
    void begin_fresh(JobRun& job);
    [[nodiscard]] std::uint64_t counted_tasks(std::uint64_t round_tasks) const;
    [[nodiscard]] Result<void> check_live_tasks(std::uint64_t more) const;
    [[nodiscard]] Result<std::uint64_t> known_tasks(const JobType& type,
                                                    const nlohmann::json& params,
                                                    const JobContext& context) const;
    void end_job(JobId id, store::JobState state, nlohmann::json result,
                 std::optional<Error> error);
    [[nodiscard]] Result<void> check_files_are_free(JobId job, const FileNames& files,
                                                    const std::set<JobId>& passed_over) const;
    void put_written_files();
    void end_late_jobs();
    void put_record(const store::JobRecord& record);
    [[nodiscard]] Error over_or_unknown(JobId id) const;
    [[nodiscard]] Result<void> check_store() const;

    // engine_links.cpp: jobs that come after others, and jobs that jobs submit.
    [[nodiscard]] std::optional<store::JobRecord> end_of(JobId id) const;
    [[nodiscard]] Result<std::set<JobId>> jobs_before(const JobRequest& request,
                                                      const JobType& type) const;
    [[nodiscard]] Result<std::shared_ptr<const jobs::JobInputs>> inputs_from_jobs(
        const JobType& type, const nlohmann::json& params,
        const std::vector<store::JobFile>& known_inputs) const;
    [[nodiscard]] JobContext context_of(const JobRun& job);
    void link(const JobRun& job);
    void begin_after(JobId id);
    void settle_ends();
    void settle(const store::JobRecord& over);
    void begin_parent(JobRun& job);
    void ask_next_jobs(JobRun& job);
    void take_next_jobs(JobId id, Result<jobs::JobsOrResult> next);
    void submit_children(JobRun& job);
    [[nodiscard]] Result<bool> submit_child(JobRun& job);
    void child_is_over(JobRun& parent, const store::JobRecord& child);
    void submit_waiting_children();

    // engine_rounds.cpp: from round to round, and to the result.
    [[nodiscard]] bool make_room(JobRun& job);
    void announce_round(JobRun& job, bool fresh, std::vector<core::PastLease> leases = {});
    void go_back(JobId id, RoundIndex round);
    void fold(JobRun& job);
    void folded(JobId id, Result<NextRound> next);
    void finish(JobRun& job);
    void finished(JobId id, Result<nlohmann::json> result);
    void leave_receipt(JobId id, const nlohmann::json& result);
    [[nodiscard]] bool went_back(JobRun& job);

    // engine_resume.cpp: after a restart.
    /// What the store has of a job's rounds is on its way to the job.
    struct Load {
        RoundIndex round = 0;     ///< Which is being read,
        std::uint64_t place = 0;  ///< and from where on.
        bool after_restart = false;
        std::vector<core::PastLease> leases;
        std::deque<store::RoundEntry> entries = {};  ///< Read, and not taken yet.
        bool all_read = false;                       ///< Of this round.
        LeaseId next_lease = {};
    };
    void resume_worker(const store::WorkerRecord& record, LeaseId last_lease);
    void recall_files(JobRun& job);
    void resume_next();
    void resume_job(JobId id);
    [[nodiscard]] Result<void> take_up(JobRun& job);
    void load_outputs(JobRun& job, Load load);
    void load_more(JobId id);
    [[nodiscard]] Result<bool> load_piece(JobRun& job, Load& load);
    [[nodiscard]] Result<void> read_entries(JobId id, Load& load) const;
    [[nodiscard]] Result<std::size_t> read_leases(const JobRun& job, Load& load) const;
    [[nodiscard]] store::RoundEntry next_entry(Load& load) const;
    std::size_t take_entry(JobRun& job, const Load& load, const store::RoundEntry& entry,
                           core::JobRestored& restored);
    void loaded(JobId id);
    void job_is_ready();

    // engine_trials.cpp: what a master may die of.
    void put_trial(store::JobTrial trial);
    void begin_step(JobId id, store::HeavyStep step);
    void step_is_over(JobId id);
    void fetch_blobs(JobRun& job, std::function<void(JobRun&)> go_on);
    void run_heavy(JobId id, store::HeavyStep step, EngineHost::SlowWork work);
    void dangerous_task_is_over(JobId id);
    void judge_former_masters();
    void hold(JobRun& job, const std::string& why);
    void release(JobRun& job);
    void end_in_order();

    // engine_workers.cpp.
    [[nodiscard]] std::string worker_name(WorkerId id) const;
    [[nodiscard]] std::string address_of(WorkerId id) const;
    [[nodiscard]] std::uint64_t pc_of(const std::string& address, WorkerId worker);
    void hash_on_pool(WorkerId id, InboxItem item);
    void note_failures(const core::ResultsReceived& event);
    void note_disconnection(WorkerId id, const std::string& reason);
    void forget_lost_workers();
    void keep_key(store::WorkerRecord worker);
    [[nodiscard]] std::string name_for(const JoinedWorker& joined) const;
    [[nodiscard]] bool is_drained(const std::string& owner) const;
    [[nodiscard]] store::WorkerRecord record_of(const WorkerInfo& worker) const;
    void put_worker(WorkerId id) { changed_workers_.insert(id); }

    // engine_effects.cpp: one overload an effect.
    void carry_out(const InboxItem& item, core::AssignTasks& effect);
    void carry_out(const InboxItem& item, core::RevokeLease& effect);
    void carry_out(const InboxItem& item, core::RecordOutputs& effect);
    void carry_out(const InboxItem& item, core::ConfirmOutputs& effect);
    void carry_out(const InboxItem& item, core::AuditTask& effect);
    void carry_out(const InboxItem& item, core::RecordAudit& effect);
    void carry_out(const InboxItem& item, core::QuarantineWorker& effect);
    void carry_out(const InboxItem& item, core::ContestJob& effect);
    void carry_out(const InboxItem& item, core::PublishTrust& effect);
    void carry_out(const InboxItem& item, core::VisitRound& effect);
    void carry_out(const InboxItem& item, core::ForgetRounds& effect);
    void carry_out(const InboxItem& item, core::CompleteRound& effect);
    void carry_out(const InboxItem& item, core::FinishJob& effect);
    void carry_out(const InboxItem& item, core::FailJob& effect);
    void carry_out(const InboxItem& item, core::CloseSession& effect);
    void carry_out(const InboxItem& item, core::PublishWorker& effect);

    EngineHost& host_;
    EngineOptions options_;
    store::JobStore& jobs_;
    core::Scheduler scheduler_;
    WorkerGateway gateway_;
    SteadyTime steady_time_;
    std::optional<Instant> time_noted_;  ///< When the clocks were written down last.
    CommitPipeline pipeline_;
    Instant timer_at_ = instant_never;

    Inbox inbox_;
    /// In the inbox, one of a worker at most.
    std::map<WorkerId, core::HeartbeatReceived*> waiting_heartbeats_;
    bool turn_is_due_ = false;
    bool upkeep_is_due_ = false;           ///< At the end of the next turn.
    TurnRecords turn_;                     ///< Of the turn in progress, or the next one.
    std::set<WorkerId> changed_workers_;   ///< To be put among its records.
    std::map<JobId, RoundIndex> go_back_;  ///< Once they are committed: the store is read again.

    data::WrittenFiles written_files_;  ///< Also used by the pool.
    std::map<JobId, JobRun> live_;
    std::map<JobId, store::JobRecord> ending_;
    std::map<JobId, store::JobRecord> ends_;       ///< Of those: how they ended.
    std::deque<store::JobRecord> unsettled_ends_;  ///< Of which other jobs have not heard.
    std::map<JobId, std::set<JobId>> followers_;   ///< Live jobs that come after it.
    std::map<JobId, std::set<JobId>> children_;    ///< Live jobs that it has submitted.
    /// Of live parents, what a former master's children gave, by their places.
    std::map<JobId, std::map<std::uint32_t, std::string>> former_results_;
    std::set<JobId> resuming_;      ///< Of a former master, and not ready yet.
    std::deque<JobId> to_resume_;   ///< Of those: one after the other, so that it is known of which
    std::optional<JobId> resumes_;  ///< a master died.
    std::map<JobId, Load> loads_;
    std::map<JobId, store::JobTrial> trials_;
    bool starts_unready_ = false;  ///< So it is written down.
    bool beginning_is_written_ = false;
    bool is_erasing_ = false;  ///< What jobs that are over have left in the store.
    std::map<JobId, std::vector<std::function<void(const store::JobRecord&)>>> watchers_;
    std::map<WorkerId, WorkerInfo> workers_;
    std::map<WorkerId, store::WorkerRecord> away_;  ///< Whose keys are kept for them.
    std::map<std::string, std::uint64_t> pcs_;      ///< Numbers for addresses.
    std::uint64_t last_job_ = 0;
    std::uint64_t tasks_done_ = 0;
    RateMeter rate_;
};

}  // namespace netcompute::engine
