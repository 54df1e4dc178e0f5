#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/ids.hpp>
#include <netcompute/protocol/messages.hpp>
#include <netcompute/worker/outcome_chunk.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace netcompute::worker {

struct RunnerStatus {
    std::uint32_t slots = 0;
    std::uint32_t busy_slots = 0;  ///< Computing at this moment.
    std::size_t unfinished = 0;    ///< Tasks without an outcome, running ones included.
    std::vector<LeaseId> leases;   ///< Those with unfinished tasks, in order of arrival.
    std::string current;           ///< For people: "kernel job/round/task"; empty when idle.
    double busy_seconds = 0;       ///< Compute time since the start, over all slots.
    std::uint64_t computed = 0;    ///< Tasks since the start, discarded ones included.
};

/// Takes leases and returns outcomes: the agent's interface to an executor.
class TaskRunner {
 public:
    virtual ~TaskRunner() = default;

    /// Queues the lease's tasks. The lease's spans point into `payload`, which comes along.
    virtual void submit(protocol::Lease lease, Bytes payload) = 0;
    /// Drops the lease: tasks not yet started, and the outcomes of those that are running.
    virtual void revoke(LeaseId lease) = 0;
    /// Drops every task that has not started.
    virtual void drop_unstarted() = 0;
    /// What has been computed since the last call.
    [[nodiscard]] virtual std::vector<OutcomeChunk> take_outcomes() = 0;
    [[nodiscard]] virtual RunnerStatus status() const = 0;
};

}  // namespace netcompute::worker
