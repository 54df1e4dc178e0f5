#pragma once

#include <netcompute/ids.hpp>

#include <cstdint>

/// What the assigner is told of jobs, workers and leases.
namespace netcompute::core {

/// What a job has for workers.
struct JobNeeds {
    bool has_pending = false;  ///< Tasks may be given out, and some wait.
    bool has_checks = false;   ///< The same for checks.
    bool is_at_tail = false;   ///< Nothing is pending, and leases are active.
};

/// A batch of a job's tasks for a worker.
struct BatchRequest {
    WorkerId worker;
    std::uint32_t slots = 1;  ///< The worker's.
    JobId job;
    std::uint32_t kernel = 0;
    std::uint64_t task_bytes = 0;    ///< What one task adds to a lease's frame, about.
    std::uint32_t left = 0;          ///< Tasks of the job that wait.
    std::uint64_t slots_of_all = 0;  ///< Of all workers that take tasks.
};

/// What a lease has its worker do.
struct LeaseWork {
    LeaseId lease;
    WorkerId worker;
    JobId job;
    std::uint32_t kernel = 0;
    std::uint32_t open_count = 0;  ///< Tasks without an outcome.
    /// For how long it has been at work on those that it does now, all slots together.
    double seconds_running = 0;
};

}  // namespace netcompute::core
