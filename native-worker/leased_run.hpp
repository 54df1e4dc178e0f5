#pragma once

#include "blob_cache.hpp"
#include "shared_memo.hpp"
#include <netcompute/kernels/kernel.hpp>
#include <netcompute/protocol/messages.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace netcompute::worker {

/// Tasks [begin, end) of a lease, by their place in it.
struct TaskRange {
    std::size_t begin = 0;
    std::size_t end = 0;
};

/// The inputs of one list (a lease's shared ones, or one task's own) that are blobs.
struct BlobInputs {
    std::vector<SharedBlob> blobs;  ///< In order of the blob inputs; null until fetched.
    std::size_t missing = 0;
    std::optional<Error> error;  ///< Why a blob could not be fetched.
};

/// A lease on its way through the executor. The executor's lock guards what changes, but for
/// `dropped` and `revoked`, and for a task that a compute thread has claimed.
struct LeasedRun {
    LeasedRun(protocol::Lease wire_lease, Bytes wire_payload);

    std::uint64_t sequence = 0;  ///< In order of arrival.
    protocol::Lease lease;
    Bytes payload;                       ///< What the tasks' spans point into.
    std::vector<std::uint64_t> aligned;  ///< What the shared inputs' spans point into.
    const kernels::Kernel* kernel = nullptr;
    std::atomic<bool> dropped = false;  ///< Start no more of its tasks.
    std::atomic<bool> revoked = false;  ///< Dropped, and its outcomes are discarded too.

    BlobInputs shared_blobs;
    std::vector<BlobInputs> task_blobs;  ///< By place; empty if no task has a blob of its own.
    std::deque<TaskRange> ready;         ///< What to start next is at the front.
    std::size_t admitted = 0;            ///< Tasks before this place are ready or fetch blobs.
    std::size_t prefetched = 0;  ///< Tasks with blobs of their own, admitted and not started.
    std::uint64_t prefetched_bytes = 0;  ///< What those blobs take.
    std::size_t unfinished;              ///< Tasks whose outcome has not been posted.
    double seconds_per_task = 0;         ///< A running average; 0 while none has finished.

    [[nodiscard]] bool has_task_blobs() const { return !task_blobs.empty(); }
    [[nodiscard]] bool is_runnable() const { return shared_blobs.missing == 0 && !ready.empty(); }
    void make_ready(std::size_t place);
    /// The size of the blobs that one task alone needs.
    [[nodiscard]] std::uint64_t own_blob_bytes(std::size_t place) const;
};

/// Buffers that a compute thread reuses from task to task, to avoid allocations.
struct RunScratch {
    std::vector<ByteSpan> inputs;
    std::vector<std::uint64_t> aligned;  ///< Copies of inputs whose addresses are not aligned.
};

/// Runs one task whose blobs are fetched (or failed). Errors: the kernel's; NotFound for an
/// unknown kernel; OutOfMemory, after which nothing is remembered any more; LimitExceeded for an
/// output that no frame can carry.
[[nodiscard]] Result<Bytes> run_task(const LeasedRun& run, std::size_t place, RunScratch& scratch,
                                     SharedMemo& memo);

}  // namespace netcompute::worker
