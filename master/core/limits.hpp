#pragma once

#include <netcompute/instant.hpp>

#include <cstdint>

namespace netcompute::core {

/// The scheduler's numbers, as ARCHITECTURE.md, "Numbers", lists them.
struct SchedulerLimits {
    Duration lease_seconds_min = std::chrono::seconds{10};
    double lease_expected_factor = 4;  ///< A lease lasts this many times its expected duration.
    /// But no longer: heartbeats renew it, and one whose frame was lost must not hold its tasks.
    Duration lease_seconds_max = std::chrono::seconds{60};
    Duration suspect_after = std::chrono::seconds{6};  ///< Of silence: no new leases.
    Duration lost_after = std::chrono::seconds{10};    ///< Of silence: its tasks go elsewhere.
    Duration lost_kept = std::chrono::minutes{10};     ///< How long a lost worker is remembered.
    double batch_seconds = 1.0;  ///< Work in one lease, at the worker's measured speed.
    /// What jobs of one priority share of that: so long a lease may still be, however many there
    /// are.
    double batch_seconds_min = 0.1;
    std::uint32_t batch_tasks_max = 8192;
    std::uint64_t batch_bytes_max = std::uint64_t{1} << 20;
    std::uint32_t leases_per_worker_max = 2;  ///< The one it works on, and one ahead.
    /// Leases that a heartbeat names, and that are over, of which it is told; the next one will do
    /// for others. A worker has few such, but can name thousands.
    std::uint32_t disowned_per_heartbeat_max = 256;
    std::uint32_t infrastructure_failures_max = 5;  ///< Of one task, before its job fails.
    std::uint32_t own_failures_max = 2;             ///< Of one task, before its job fails.
    std::uint32_t stranger_losses_max = 5;          ///< Of one task, before the master does it.
    /// Tasks that unproven workers of one address were lost with: from here on each of them there
    /// gets one task at a time, after everybody else, until they have delivered as many.
    std::uint32_t losses_per_address_max = 5;
    /// Running tasks that the loss of an unproven worker may count against: its slots are its
    /// claim.
    std::uint32_t blamed_per_stranger_max = 16;
    /// Tasks that the master computes at a time because unproven workers were lost with them.
    std::uint32_t rescues_max = 2;
    std::uint32_t trusted_after = 10;   ///< Confirmed results in a row.
    double spot_check_rate_max = 0.3;   ///< Of a worker's results that has just become trusted.
    double spot_check_rate_min = 0.05;  ///< In the long run.
    /// Of a worker's unconfirmed results, at a job's end; fewer the longer it was right.
    std::uint32_t closing_checks = 30;
    /// Former rounds of a job that can be begun again one by one. Twice as many are kept; then the
    /// first half of them gets its closing checks and is forgotten.
    std::uint32_t rounds_kept = 16;
    std::uint32_t forgotten_tasks_max = 16'384;  ///< Of a round: those of more tasks are kept.
    double straggler_factor = 2;  ///< Times the 95th percentile, before a task gets a second copy.
    Duration straggler_min = std::chrono::milliseconds{250};
};

}  // namespace netcompute::core
