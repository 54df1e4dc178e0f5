#pragma once

#include "executor.hpp"
#include "leased_run.hpp"

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

namespace netcompute::worker {

using RunPointer = std::shared_ptr<LeasedRun>;

/// Everything behind an Executor. One lock guards it; kernels run, blobs are asked for and
/// listeners are called outside of it.
class Executor::State : public std::enable_shared_from_this<Executor::State> {
 public:
    explicit State(ExecutorOptions options);

    void submit(protocol::Lease lease, Bytes payload);
    void revoke(LeaseId lease);
    void drop_unstarted();
    std::vector<OutcomeChunk> take_outcomes();
    RunnerStatus status() const;
    void set_slots(std::uint32_t slots);
    void stop();

 private:
    using Clock = std::chrono::steady_clock;
    using Lock = std::unique_lock<std::mutex>;

    /// Tasks that a compute thread has taken for itself.
    struct Claim {
        RunPointer run;
        TaskRange range;
    };
    /// Outcomes of one run that a compute thread has not posted yet.
    struct Batch {
        RunPointer run;
        std::vector<OutcomeChunk> chunks;  ///< Each fits into a frame.
        Clock::time_point post_at;
    };
    /// Progress of a claim.
    struct Progress {
        TaskRange rest;  ///< Not started.
        std::size_t finished = 0;
        double seconds = 0;
    };
    struct Slot {
        std::thread thread;
        bool retired = false;  ///< The thread ends when its claim is done.
        bool ended = false;
        Claim claim;  ///< No run while idle.
    };
    /// Who waits for a blob: the shared inputs of a run, or one of its tasks.
    struct Waiter {
        RunPointer run;
        std::optional<std::size_t> place;  ///< Nothing: the shared inputs.
        std::size_t blob_place = 0;
    };
    struct BlobRequest {
        Sha256 sha256;
        std::uint64_t size = 0;
    };

    // Threads (executor_threads.cpp). All but compute() and run_claim() expect the
    // lock to be held.
    void compute(Slot& slot);
    bool claim_next(Slot& slot);
    Progress run_claim(const Claim& claim, Batch& batch, RunScratch& scratch);
    void end_claim(Slot& slot, const Progress& progress);
    bool post(Batch& batch);
    void start_slot();

    // Blobs (executor_blobs.cpp). All but ask_for() and blob_came() expect the lock
    // to be held.
    void admit(std::vector<BlobRequest>& requests);
    bool window_is_full() const;
    void want(const RunPointer& run, std::optional<std::size_t> place,
              std::vector<BlobRequest>& requests);
    void supply(const Waiter& waiter, const Result<SharedBlob>& blob);
    void ask_for(const std::vector<BlobRequest>& requests);
    void blob_came(const Sha256& sha256, Result<Bytes> bytes);

    void update_runnable(const RunPointer& run);
    void forget(const RunPointer& run);
    void hold_window(LeasedRun& run, std::size_t place);
    void release_window(LeasedRun& run, std::size_t tasks, std::uint64_t bytes);

    const ExecutorOptions options_;
    SharedMemo memo_;  ///< With a lock of its own.
    mutable std::mutex mutex_;
    std::condition_variable work_;
    bool stopping_ = false;
    std::vector<std::unique_ptr<Slot>> slots_;
    std::vector<std::unique_ptr<Slot>> retired_slots_;

    std::uint64_t next_sequence_ = 1;
    std::map<std::uint64_t, RunPointer> runs_;      ///< All with unfinished tasks.
    std::map<std::uint64_t, RunPointer> runnable_;  ///< Those with a task that can start.
    std::map<std::uint64_t, RunPointer> waiting_;   ///< Those with tasks not admitted yet.
    std::size_t prefetched_ = 0;          ///< Tasks with blobs of their own, admitted, not started.
    std::uint64_t prefetched_bytes_ = 0;  ///< Their blobs.

    BlobCache cache_;
    std::unordered_map<Sha256, std::vector<Waiter>, Sha256Hash> waiters_;

    std::vector<OutcomeChunk> outbox_;
    double busy_seconds_ = 0;
    std::uint64_t computed_ = 0;
};

}  // namespace netcompute::worker
