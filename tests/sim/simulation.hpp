#pragma once

#include "fault_plan.hpp"
#include "faulty_network.hpp"
#include "job_catalog.hpp"
#include "simulated_master.hpp"
#include "simulated_worker.hpp"
#include "trace.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::sim {

/// Instead of the world of chance: a quiet one with one job, in which the master is killed so often
/// while the job runs.
struct Ordeal {
    std::string_view job;
    double seconds_per_task = 1;
    std::uint32_t deaths = 0;
};

/// Instead of it: many jobs of one priority, all of them submitted at once and each with more to do
/// than its share, among workers that nothing happens to; and a small one after half of the time.
struct Crowd {
    std::uint32_t jobs = 10;
    Duration time = std::chrono::seconds{60};
};

struct SimulationOptions {
    std::uint64_t seed = 1;
    bool print = false;  ///< The trace, to standard output.
    Sabotage sabotage = Sabotage::None;
    Worlds worlds = {};
    std::optional<Ordeal> ordeal = {};
    std::optional<Crowd> crowd = {};
};

/// How a run went.
struct RunReport {
    std::uint64_t seed = 0;
    std::vector<std::string> broken;  ///< Promises, the first few; empty if all is well.
    std::uint64_t trace_hash = 0;
    std::uint64_t steps = 0;
    std::uint64_t jobs_succeeded = 0;
    std::uint64_t jobs_failed = 0;  ///< With good reason.
    std::size_t liars = 0;
    std::size_t liars_that_lied = 0;
    std::size_t liars_named = 0;
    Effort effort;
    std::uint64_t deaths = 0;               ///< Of the master.
    std::uint64_t in_flight_at_deaths = 0;  ///< Tasks.
    std::uint64_t tasks_computed = 0;       ///< By all workers.
    double virtual_seconds = 0;
    Trace::Counts happened;           ///< How often what did.
    std::size_t inbox_max = 0;        ///< The master's.
    std::size_t leases_held_max = 0;  ///< By one worker, those that are over included.
};

/// One world: a master, some workers, a network between them, jobs, and faults until the plan's
/// end. All of it comes from the seed.
class Simulation {
 public:
    Simulation(SimulationOptions options, JobCatalog& catalog);

    /// Until every job is over, or is stuck.
    [[nodiscard]] RunReport run();

 private:
    void add_workers();
    void add_strangers();
    void haunt(std::size_t number);
    [[nodiscard]] WorkerTraits draw_traits(std::size_t number);
    void add_worker(std::size_t number, WorkerTraits traits, Duration delay);
    void add_jobs();
    void begin_ordeal(const Ordeal& ordeal);
    void suffer(std::uint32_t deaths_left);
    [[nodiscard]] std::size_t draw_worker_count();
    void submit(Submission submission, double seconds_per_task);
    [[nodiscard]] std::string draw_validation();
    [[nodiscard]] std::size_t honest_pc_count() const;
    void trouble();
    void trouble(SimulatedWorker& worker, std::size_t number);
    void trouble_master();
    void follow_a_whim();
    void kill_master();
    void start_master();
    void calm();
    void check_end();

    // simulation_crowd.cpp.
    void begin_crowd(const Crowd& crowd);
    void judge_crowd();
    void judge_small_job();

    void report(std::string what);

    SimulationOptions options_;
    JobCatalog& catalog_;
    Dice dice_;
    Dice later_dice_;
    Dice stranger_dice_;
    std::size_t ordinary_count_ = 0;  ///< Workers that are no strangers; they come first.
    EventQueue queue_;
    Trace trace_;
    FaultPlan faults_;
    std::unique_ptr<FaultyNetwork> network_;
    std::unique_ptr<SimulatedMaster> master_;
    std::vector<std::unique_ptr<SimulatedWorker>> workers_;
    std::map<JobId, double> task_seconds_;
    std::map<JobId, double> spent_;  ///< By the workers' slots, in seconds.
    double longest_task_seconds_ = 0;
    bool crowd_is_judged_ = false;
    std::vector<JobId> accepted_;
    std::size_t jobs_to_submit_ = 0;
    Duration work_max_{};  ///< How long the jobs may take once all is calm.
    std::vector<std::string> broken_;
};

}  // namespace netcompute::sim
