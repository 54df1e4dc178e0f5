#pragma once

#include "dice.hpp"
#include "engine/engine.hpp"
#include "event_queue.hpp"
#include "job_catalog.hpp"
#include "ledger.hpp"
#include "sabotage.hpp"
#include "store/job_store.hpp"
#include "trace.hpp"
#include "virtual_host.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace netcompute::sim {

/// A master: the real engine, gateway, scheduler, job runs and store, in virtual time and without
/// sockets; and an eye on each step of its scheduler.
class SimulatedMaster {
 public:
    struct Surroundings {
        EventQueue& queue;
        Trace& trace;
        JobCatalog& catalog;
        std::function<void(std::string)> report;  ///< A broken promise.
    };

    SimulatedMaster(std::uint64_t seed, core::SchedulerLimits limits, Sabotage sabotage,
                    Surroundings surroundings);

    /// `accepted` hears the job's id before any of its tasks is given out.
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

    /// Jobs that were submitted and are not over.
    [[nodiscard]] std::size_t open_job_count() const { return open_jobs_.size(); }
    [[nodiscard]] std::uint64_t succeeded_count() const { return succeeded_count_; }
    [[nodiscard]] std::uint64_t failed_count() const { return failed_count_; }
    [[nodiscard]] std::uint64_t step_count() const { return step_count_; }
    [[nodiscard]] std::size_t inbox_max() const { return inbox_max_; }

 private:
    /// A job as its submitter sees it.
    struct OpenJob {
        const JobTemplate* what = nullptr;
        bool cancelled = false;
        bool given_up = false;  ///< By the scheduler.
    };

    [[nodiscard]] engine::EngineOptions engine_options();
    [[nodiscard]] core::Effects step(core::Scheduler& scheduler, Instant now,
                                     const core::Event& event);
    void check_recorded_once(const core::Event& event, const core::Effects& effects);
    void job_over(const store::JobRecord& record);
    void trace(std::string_view what, std::initializer_list<Trace::Number> numbers = {});

    Surroundings around_;
    Saboteur saboteur_;
    Dice dice_;
    core::SchedulerLimits limits_;
    Ledger ledger_;
    store::MemoryJobStore store_;
    VirtualHost host_;
    std::uint64_t last_session_ = 0;
    engine::Engine engine_;

    std::map<JobId, OpenJob> open_jobs_;
    std::map<JobId, std::vector<bool>> recorded_;  ///< Tasks of the round whose output counts.
    std::uint64_t succeeded_count_ = 0;
    std::uint64_t failed_count_ = 0;
    std::uint64_t step_count_ = 0;
    std::size_t inbox_max_ = 0;
};

}  // namespace netcompute::sim
