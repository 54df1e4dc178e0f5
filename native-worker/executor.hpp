#pragma once

#include "blob_cache.hpp"
#include "shared_memo.hpp"
#include <netcompute/kernels/kernel.hpp>
#include <netcompute/worker/task_runner.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

namespace netcompute::worker {

struct ExecutorOptions {
    std::uint32_t slots = 1;  ///< Compute threads.
    std::function<const kernels::Kernel*(std::string_view name, std::uint32_t version)> find_kernel;
    /// Called, from any thread, when take_outcomes() has something after it had nothing.
    std::function<void()> on_outcomes;
    BlobFetcher* blobs = nullptr;  ///< Outlives the executor; null where every input is inline.
    std::size_t cache_bytes_max = std::size_t{1} << 30;
    std::size_t memo_bytes_max = memo_bytes_here();  ///< For the memos of kernels.
    int nice = 10;  ///< Of the compute threads, so that the PC stays responsive. 0: unchanged.
};

/// Runs the kernels of leased tasks on threads of its own, in order of arrival, fetching the blobs
/// of coming tasks ahead. Knows no sockets; every call returns at once and may come from any
/// thread.
///
/// A compute thread posts outcomes after about a millisecond of work, or at once when there is
/// nothing more to do, so small tasks are cheap and a lone one is quick.
class Executor final : public TaskRunner {
 public:
    /// Throws std::system_error if no thread can be started.
    explicit Executor(ExecutorOptions options);
    /// Waits for the tasks that are running.
    ~Executor() override;
    Executor(const Executor&) = delete;
    Executor& operator=(const Executor&) = delete;

    void submit(protocol::Lease lease, Bytes payload) override;
    void revoke(LeaseId lease) override;
    void drop_unstarted() override;
    [[nodiscard]] std::vector<OutcomeChunk> take_outcomes() override;
    [[nodiscard]] RunnerStatus status() const override;

    /// At least 1. A surplus slot ends after the task that it is running.
    void set_slots(std::uint32_t slots);

 private:
    class State;
    std::shared_ptr<State> state_;  ///< Shared with blob requests in flight.
};

}  // namespace netcompute::worker
