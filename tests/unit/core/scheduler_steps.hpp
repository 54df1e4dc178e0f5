#pragma once

#include "core/scheduler.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace netcompute::core {

using namespace std::chrono_literals;

/// Drives a scheduler step by step and picks out of its effects what a test asks about.
class SchedulerSteps {
 public:
    explicit SchedulerSteps(SchedulerLimits limits = {}) : scheduler{limits} {}

    const Effects& step(Instant now, const Event& event) {
        effects = scheduler.step(now, event);
        for (const Effect& effect : effects) {
            if (const auto* assign = std::get_if<AssignTasks>(&effect)) {
                assigned.push_back(*assign);
            }
        }
        return effects;
    }

    /// The effects of one kind in the last step.
    template <typename T>
    [[nodiscard]] std::vector<T> last() const {
        std::vector<T> found;
        for (const Effect& effect : effects) {
            if (const auto* one = std::get_if<T>(&effect)) found.push_back(*one);
        }
        return found;
    }

    /// The newest lease of a worker; fails the test if it never had one.
    [[nodiscard]] AssignTasks newest_lease(WorkerId worker) const {
        for (auto lease = assigned.rbegin(); lease != assigned.rend(); ++lease) {
            if (lease->worker == worker) return *lease;
        }
        ADD_FAILURE() << "worker " << worker.value << " has no lease";
        return {};
    }

    /// What an honest worker's output hashes to.
    [[nodiscard]] static Sha256 truth_of(TaskIndex index) {
        Sha256 sha256;
        sha256.digest[0] = static_cast<std::uint8_t>(index);
        return sha256;
    }
    /// What a liar gives instead.
    [[nodiscard]] static Sha256 lie_of(TaskIndex index) {
        Sha256 sha256 = truth_of(index);
        sha256.digest[31] = 1;
        return sha256;
    }

    /// Outputs for every task of a lease, from its worker.
    [[nodiscard]] static ResultsReceived outputs_of(const AssignTasks& lease,
                                                    double seconds_each = 1e-3) {
        ResultsReceived results{lease.worker,
                                lease.lease,
                                lease.job,
                                lease.round,
                                seconds_each * static_cast<double>(lease.tasks.size()),
                                {}};
        for (const TaskIndex index : lease.tasks)
            results.outcomes.push_back({index, false, {}, truth_of(index)});
        return results;
    }

    /// One failed outcome for the lease's first task.
    [[nodiscard]] static ResultsReceived failure_of(const AssignTasks& lease, Error error) {
        return {lease.worker, lease.lease, lease.job,
                lease.round,  1e-3,        {{lease.tasks.at(0), true, std::move(error), {}}}};
    }

    Scheduler scheduler;
    Effects effects;                    ///< Of the last step.
    std::vector<AssignTasks> assigned;  ///< Of all steps.
};

inline const Instant start{};
inline const WorkerId first{1};
inline const WorkerId second{2};
inline const JobId job{1};

/// One that is believed joins, with one slot.
inline WorkerJoined believed(WorkerId worker, bool resumed = false) {
    return {worker, 1, resumed, 0, true};
}

/// One that is believed, and has delivered something before.
inline WorkerJoined proven(WorkerId worker, bool resumed = false) {
    return {worker, 1, resumed, 0, true, 0, true};
}

inline RoundStarted round_of(std::uint32_t task_count, RoundIndex round = 0, JobId id = job) {
    return {id, round, task_count, 64, 0, {ValidationMode::None}};
}

}  // namespace netcompute::core
