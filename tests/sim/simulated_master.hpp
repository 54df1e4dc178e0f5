#pragma once

#include "accepted_work.hpp"
#include "dice.hpp"
#include "engine/engine.hpp"
#include "event_queue.hpp"
#include "job_catalog.hpp"
#include "ledger.hpp"
#include "mortality.hpp"
#include "sabotage.hpp"
#include "simulated_store.hpp"
#include "simulated_worker.hpp"
#include "trace.hpp"
#include "virtual_host.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace netcompute::sim {

/// A job as a user submits it.
struct Submission {
    const JobTemplate* what = nullptr;
    std::int32_t priority = 0;
    std::string validation;
    double deadline_seconds = 0;  ///< 0: none.
    std::function<void(JobId)> accepted;
};

/// What a run took.
struct Effort {
    std::uint64_t outputs = 0;  ///< Of workers, that were recorded.
    std::uint64_t checks = 0;   ///< Tasks given out to confirm an output.
    std::uint64_t audits = 0;   ///< Tasks that the master computed itself.
};

/// A master: the real engine, gateway, scheduler and job runs, in virtual time and without sockets,
/// and an eye on each step of its scheduler. It can be killed at any point and started again on the
/// store that it leaves. Also those who submit jobs: they try again until they are answered.
class SimulatedMaster {
 public:
    struct Surroundings {
        EventQueue& queue;
        Trace& trace;
        JobCatalog& catalog;
        std::function<void(std::string)> report;  ///< A broken promise.
        /// All of its connections end; after a power cut, nobody hears of it.
        std::function<void(bool power_cut)> on_death;
        std::function<const WorkerTraits&(std::size_t worker)> traits;  ///< By its number.
    };

    SimulatedMaster(std::uint64_t seed, core::SchedulerLimits limits, Sabotage sabotage,
                    Surroundings surroundings);
    ~SimulatedMaster();
    SimulatedMaster(const SimulatedMaster&) = delete;
    SimulatedMaster& operator=(const SimulatedMaster&) = delete;

    /// Unless it runs.
    void start();
    /// Kills it when it next comes to such a point, or, if it does not, a second from now. As kill
    /// -9 does; `power_cut` as a power cut does.
    void kill_at(DeathPoint point, std::uint32_t sends_left, bool power_cut);
    [[nodiscard]] bool runs() const { return life_ != nullptr; }
    /// Whether a message that it sends now is sent.
    [[nodiscard]] bool may_send(const protocol::WireMessage& message);
    /// Nothing can be written down until then.
    void fill_disk_until(Instant when);

    /// `accepted` hears the job's id before any of its tasks is given out, and another one if the
    /// master died before it had written the job down.
    void submit(Submission submission);
    // What users ask for; nothing if the master is down.
    void cancel(JobId id);
    void pause(JobId id, bool paused);
    void prioritize(JobId id, std::int32_t priority);
    void drain(std::size_t worker, bool drained);
    /// Takes all pauses and drains back.
    void let_everything_go_on();
    /// The master's clock jumps by this much; backwards if it is negative.
    void jump(Duration by);
    /// The PC's clock is set, forward or back, whether the master runs or not.
    void set_time_of_day(Duration by);
    /// Until then, each flush takes up to a few seconds, and so does a commit now and then.
    void slow_disk_until(Instant when);
    /// Its thread does nothing until then.
    void stall_until(Instant when);

    void receive(const net::SessionPtr& from, std::string header, Bytes payload);
    void closed(const net::SessionPtr& session);

    /// Jobs that somebody wants and that are not over.
    [[nodiscard]] std::size_t open_job_count() const {
        return open_jobs_.size() + unanswered_.size();
    }
    /// What was told of a job's end; null before that.
    [[nodiscard]] const store::JobRecord* told(JobId id) const {
        const auto found = told_.find(id);
        return found == told_.end() ? nullptr : &found->second;
    }
    /// The job that a user submitted for this one to be there: itself, or its parent.
    [[nodiscard]] JobId submitted_as(JobId id) const {
        const auto found = parents_.find(id);
        return found == parents_.end() ? id : found->second;
    }
    [[nodiscard]] std::uint64_t succeeded_count() const { return succeeded_count_; }
    [[nodiscard]] std::uint64_t failed_count() const { return failed_count_; }
    [[nodiscard]] std::uint64_t step_count() const { return step_count_; }
    [[nodiscard]] std::size_t inbox_max() const { return inbox_max_; }
    /// Workers of the world, by their numbers, that were put in quarantine.
    [[nodiscard]] const std::set<std::size_t>& named_liars() const { return named_; }
    [[nodiscard]] const Effort& effort() const { return effort_; }
    [[nodiscard]] std::uint64_t death_count() const { return death_count_; }
    /// Tasks that were given out and had no output when it died, all deaths together.
    [[nodiscard]] std::uint64_t in_flight_at_deaths() const { return in_flight_at_deaths_; }

 private:
    struct Life;

    /// A job as its submitter sees it.
    struct OpenJob {
        Submission submission;
        Instant submitted;
        bool written = false;  ///< The master can be held to it.
        bool cancelled = false;
        bool given_up = false;  ///< By the scheduler.
        Duration time_lost{};   ///< That of the master when it was submitted.
    };

    [[nodiscard]] engine::EngineOptions engine_options();
    void kill(bool power_cut);
    void reckon_downtime();
    void check_blobs(const protocol::WireMessage& message);
    void bury();
    void take_up_jobs();
    void ask(std::uint64_t submission);
    void answer(engine::Engine& engine, std::uint64_t submission);
    void has_committed(std::span<const store::Record> records);
    void check_families(std::span<const store::Record> records);
    void forget_unwritten_quarantines();
    void watch(JobId id);
    void job_over(const store::JobRecord& record);
    [[nodiscard]] core::Effects step(core::Scheduler& scheduler, Instant now,
                                     const core::Event& event);
    [[nodiscard]] bool is_honest(WorkerId worker);
    [[nodiscard]] bool is_liar(WorkerId worker);
    [[nodiscard]] std::optional<std::size_t> number_of(WorkerId worker);
    void check_drains(const core::Event& event);
    void note(const core::Event& event, const core::Effects& effects);
    void enter(std::function<void(engine::Engine&)> ask);
    void trace(std::string_view what, std::initializer_list<Trace::Number> numbers = {});

    Surroundings around_;
    Sabotage sabotage_;
    Saboteur saboteur_;
    std::uint64_t seed_;
    Dice dice_;
    core::SchedulerLimits limits_;
    SimulatedStore store_;
    AcceptedWork accepted_;
    Instant disk_full_until_{};
    Instant disk_slow_until_{};
    Dice disk_dice_;
    Duration time_of_day_offset_{};
    /// By how much the master's clocks have made it believe that more time went by than did.
    Duration time_lost_{};
    std::map<std::int64_t, Instant> times_noted_;  ///< When readings of the clocks were taken.
    LeaseId last_sent_lease_;                      ///< In this life or a former one.
    LeaseId last_lease_of_former_lives_;
    std::uint64_t last_session_ = 0;
    std::uint64_t life_number_ = 0;
    std::unique_ptr<Life> life_;  ///< Null between death and the next start.

    std::map<JobId, OpenJob> open_jobs_;
    std::map<std::uint64_t, Submission> unanswered_;  ///< Submissions that have no id yet.
    std::uint64_t last_submission_ = 0;
    std::map<JobId, store::JobRecord> told_;  ///< Jobs that are said to be over.
    std::map<JobId, JobId> parents_;          ///< Of the jobs that jobs have submitted.
    /// Workers that were found to lie, and in how many commits that is written down for certain.
    std::map<WorkerId, std::uint32_t> proven_;
    std::set<WorkerId> quarantined_;  ///< It is.
    std::set<std::size_t> named_;
    std::set<std::size_t> ever_drained_;  ///< By their numbers.
    Effort effort_;
    std::uint64_t death_count_ = 0;
    std::uint64_t in_flight_at_deaths_ = 0;
    std::uint64_t succeeded_count_ = 0;
    std::uint64_t failed_count_ = 0;
    std::uint64_t step_count_ = 0;
    std::size_t inbox_max_ = 0;
};

}  // namespace netcompute::sim
