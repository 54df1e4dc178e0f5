#pragma once

#include "dice.hpp"
#include "event_queue.hpp"
#include "fault_plan.hpp"
#include "job_catalog.hpp"
#include <netcompute/worker/outcome_chunk.hpp>

#include <functional>
#include <string_view>

namespace netcompute::sim {

/// How fast and how honest a worker computes.
struct RunnerTraits {
    double slowness = 1;        ///< Times a job's task_seconds.
    bool lacks_memory = false;  ///< Some of its tasks fail by themselves.
    bool lies_about_time = false;
    double lies = 0;  ///< Of its tasks: something else than the output is given for it.
};

/// What a worker's tasks give: the output of the real kernel, or what the faults of its world and
/// its own make of it.
class SimulatedTasks {
 public:
    struct Surroundings {
        EventQueue& queue;
        JobCatalog& catalog;
        const FaultPlan& faults;
        Dice& dice;
        std::function<double(JobId)> task_seconds;
        std::function<void(std::string_view kind)> on_lie;
        bool mixes_up_memo = false;  ///< Sabotage::MixUpMemo.
    };

    SimulatedTasks(RunnerTraits traits, Surroundings surroundings);

    /// What one task takes on the average.
    [[nodiscard]] double mean_seconds(JobId job) const {
        return around_.task_seconds(job) * traits_.slowness;
    }
    /// What one task takes that has this mean.
    [[nodiscard]] double draw_seconds(double mean) { return mean * (0.5 + around_.dice.unit()); }
    /// What is said of the time that tasks took.
    [[nodiscard]] double told_seconds(double seconds);
    void compute(const protocol::Lease& lease, std::size_t place, worker::OutcomeChunk& chunk);

 private:
    [[nodiscard]] bool faults_are_on() const { return around_.queue.now() < around_.faults.end; }

    [[nodiscard]] Result<Bytes> run(const protocol::Lease& lease, const protocol::LeasedTask& task);

    RunnerTraits traits_;
    Surroundings around_;
    /// So small that values come and go: the large tables' are never kept.
    kernels::MemoStore memo_{2500};
};

}  // namespace netcompute::sim
