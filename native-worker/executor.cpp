#include "executor.hpp"

#include "executor_state.hpp"
#include <netcompute/assert.hpp>

#include <algorithm>
#include <utility>

namespace netcompute::worker {

Executor::State::State(ExecutorOptions options)
    : options_{std::move(options)},
      memo_{options_.memo_bytes_max},
      cache_{options_.cache_bytes_max} {
    NETCOMPUTE_ASSERT(options_.find_kernel, "an executor needs to know where kernels are");
    NETCOMPUTE_ASSERT(options_.on_outcomes, "an executor needs someone to tell of outcomes");
}

void Executor::State::submit(protocol::Lease lease, Bytes payload) {
    auto run = std::make_shared<LeasedRun>(std::move(lease), std::move(payload));
    run->kernel = options_.find_kernel(run->lease.kernel, run->lease.kernel_version);
    std::vector<BlobRequest> requests;
    {
        const Lock lock{mutex_};
        run->sequence = next_sequence_++;
        runs_.emplace(run->sequence, run);
        want(run, std::nullopt, requests);
        if (run->has_task_blobs()) {
            waiting_.emplace(run->sequence, run);
            admit(requests);
        } else {
            run->ready.push_back({0, run->lease.tasks.size()});
            update_runnable(run);
        }
    }
    if (run->lease.tasks.size() == 1) {
        work_.notify_one();
    } else {
        work_.notify_all();
    }
    ask_for(requests);
}

void Executor::State::revoke(LeaseId lease) {
    std::vector<RunPointer> revoked;  // Outlives the lock: freeing a large run takes time.
    std::vector<BlobRequest> requests;
    {
        const Lock lock{mutex_};
        for (const auto& [sequence, run] : runs_) {
            if (run->lease.lease == lease) revoked.push_back(run);
        }
        for (const auto& run : revoked) {
            run->revoked = true;
            forget(run);
        }
        std::erase_if(outbox_, [&](const OutcomeChunk& chunk) { return chunk.lease() == lease; });
        admit(requests);
    }
    work_.notify_all();
    ask_for(requests);
}

void Executor::State::drop_unstarted() {
    std::map<std::uint64_t, RunPointer> dropped;
    const Lock lock{mutex_};
    dropped = runs_;
    for (const auto& [sequence, run] : dropped) forget(run);
}

std::vector<OutcomeChunk> Executor::State::take_outcomes() {
    const Lock lock{mutex_};
    return std::exchange(outbox_, {});
}

RunnerStatus Executor::State::status() const {
    const Lock lock{mutex_};
    RunnerStatus status;
    status.slots = static_cast<std::uint32_t>(slots_.size());
    status.busy_seconds = busy_seconds_;
    status.computed = computed_;
    for (const auto& slot : slots_) {
        if (slot->claim.run == nullptr) continue;
        ++status.busy_slots;
        if (!status.current.empty()) continue;
        const auto& lease = slot->claim.run->lease;
        status.current = lease.kernel + " " + std::to_string(lease.job.value) + "/" +
                         std::to_string(lease.round) + "/" +
                         std::to_string(lease.tasks[slot->claim.range.begin].index);
    }
    for (const auto& slot : retired_slots_) {
        if (slot->claim.run != nullptr) ++status.busy_slots;
    }
    for (const auto& [sequence, run] : runs_) {
        status.leases.push_back(run->lease.lease);
        status.unfinished += run->unfinished;
    }
    return status;
}

void Executor::State::update_runnable(const RunPointer& run) {
    if (run->is_runnable()) {
        runnable_.emplace(run->sequence, run);
    } else {
        runnable_.erase(run->sequence);
    }
}

void Executor::State::forget(const RunPointer& run) {
    run->dropped = true;
    run->ready.clear();
    release_window(*run, run->prefetched, run->prefetched_bytes);
    runs_.erase(run->sequence);
    runnable_.erase(run->sequence);
    waiting_.erase(run->sequence);
}

Executor::Executor(ExecutorOptions options) {
    const std::uint32_t slots = options.slots;
    state_ = std::make_shared<State>(std::move(options));
    state_->set_slots(slots);
}

Executor::~Executor() {
    state_->stop();
}

void Executor::submit(protocol::Lease lease, Bytes payload) {
    state_->submit(std::move(lease), std::move(payload));
}

void Executor::revoke(LeaseId lease) {
    state_->revoke(lease);
}

void Executor::drop_unstarted() {
    state_->drop_unstarted();
}

std::vector<OutcomeChunk> Executor::take_outcomes() {
    return state_->take_outcomes();
}

RunnerStatus Executor::status() const {
    return state_->status();
}

void Executor::set_slots(std::uint32_t slots) {
    state_->set_slots(slots);
}

}  // namespace netcompute::worker
