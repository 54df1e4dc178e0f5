#pragma once

#include "dice.hpp"
#include "engine/engine.hpp"
#include "event_queue.hpp"
#include "job_catalog.hpp"
#include "ledger.hpp"
#include "mortality.hpp"
#include "sabotage.hpp"
#include "simulated_store.hpp"
#include "trace.hpp"
#include "virtual_host.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace netcompute::sim {

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
        std::function<bool(std::size_t worker)> is_honest;  ///< By its number in the world.
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
    [[nodiscard]] bool may_send();

    /// `accepted` hears the job's id before any of its tasks is given out, and another one if the
    /// master died before it had written the job down.
    void submit(const JobTemplate& what, std::int32_t priority,
                std::function<void(JobId)> accepted);
    void cancel(JobId id);
    /// The master's clock jumps by this much; backwards if it is negative.
    void jump(Duration by);
    /// Its thread does nothing until then.
    void stall_until(Instant when);

    void receive(const net::SessionPtr& from, std::string header, Bytes payload);
    void closed(const net::SessionPtr& session);

    /// Looks at what only shows when a run is over.
    void check_end() const;

    /// Jobs that somebody wants and that are not over.
    [[nodiscard]] std::size_t open_job_count() const {
        return open_jobs_.size() + unanswered_.size();
    }
    [[nodiscard]] std::uint64_t succeeded_count() const { return succeeded_count_; }
    [[nodiscard]] std::uint64_t failed_count() const { return failed_count_; }
    [[nodiscard]] std::uint64_t step_count() const { return step_count_; }
    [[nodiscard]] std::size_t inbox_max() const { return inbox_max_; }

 private:
    struct Life;

    /// A job as its submitter sees it.
    struct OpenJob {
        const JobTemplate* what = nullptr;
        std::int32_t priority = 0;
        std::function<void(JobId)> accepted;
        bool written = false;  ///< The master can be held to it.
        bool cancelled = false;
        bool given_up = false;  ///< By the scheduler.
    };

    [[nodiscard]] engine::EngineOptions engine_options();
    void kill(bool power_cut);
    void bury();
    void take_up_jobs();
    void ask(std::uint64_t submission);
    void answer(std::uint64_t submission);
    void has_committed(std::span<const store::Record> records);
    void watch(JobId id);
    void job_over(const store::JobRecord& record);
    [[nodiscard]] core::Effects step(core::Scheduler& scheduler, Instant now,
                                     const core::Event& event);
    [[nodiscard]] bool is_honest(WorkerId worker);
    void check_recorded_once(const core::Event& event, const core::Effects& effects);
    void trace(std::string_view what, std::initializer_list<Trace::Number> numbers = {});

    Surroundings around_;
    Sabotage sabotage_;
    Saboteur saboteur_;
    Dice dice_;
    core::SchedulerLimits limits_;
    SimulatedStore store_;
    std::uint64_t last_session_ = 0;
    std::uint64_t life_number_ = 0;
    std::unique_ptr<Life> life_;  ///< Null between death and the next start.

    std::map<JobId, OpenJob> open_jobs_;
    std::map<std::uint64_t, OpenJob> unanswered_;  ///< Submissions that have no id yet.
    std::uint64_t last_submission_ = 0;
    std::map<JobId, store::JobRecord> told_;       ///< Jobs that are said to be over.
    std::map<JobId, std::vector<bool>> recorded_;  ///< Tasks of the round whose output counts.
    std::uint64_t succeeded_count_ = 0;
    std::uint64_t failed_count_ = 0;
    std::uint64_t step_count_ = 0;
    std::size_t inbox_max_ = 0;
};

}  // namespace netcompute::sim
