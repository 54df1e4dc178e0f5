#include "executor_state.hpp"

#include <utility>

namespace netcompute::worker {
namespace {

/// How far ahead of computing blobs are fetched: so many tasks, or so many bytes of blobs once
/// there is a task for every slot.
constexpr std::size_t prefetch_tasks_max = 64;
constexpr std::uint64_t prefetch_bytes_max = std::uint64_t{256} << 20;

}  // namespace

bool Executor::State::window_is_full() const {
    const std::size_t slots = slots_.size();
    return prefetched_ >= prefetch_tasks_max + 2 * slots ||
           (prefetched_ >= slots && prefetched_bytes_ >= prefetch_bytes_max);
}

void Executor::State::hold_window(LeasedRun& run, std::size_t place) {
    const std::uint64_t bytes = run.own_blob_bytes(place);
    ++run.prefetched;
    run.prefetched_bytes += bytes;
    ++prefetched_;
    prefetched_bytes_ += bytes;
}

void Executor::State::release_window(LeasedRun& run, std::size_t tasks, std::uint64_t bytes) {
    run.prefetched -= tasks;
    run.prefetched_bytes -= bytes;
    prefetched_ -= tasks;
    prefetched_bytes_ -= bytes;
}

void Executor::State::admit(std::vector<BlobRequest>& requests) {
    while (!waiting_.empty() && !window_is_full()) {
        const RunPointer run = waiting_.begin()->second;
        const std::size_t place = run->admitted++;
        if (run->admitted == run->lease.tasks.size()) waiting_.erase(run->sequence);
        if (!run->task_blobs[place].blobs.empty()) hold_window(*run, place);
        want(run, place, requests);
        if (run->task_blobs[place].missing != 0) continue;
        run->make_ready(place);
        update_runnable(run);
    }
}

void Executor::State::want(const RunPointer& run, std::optional<std::size_t> place,
                           std::vector<BlobRequest>& requests) {
    const auto& inputs = place ? run->lease.tasks[*place].inputs : run->lease.shared_inputs;
    BlobInputs& list = place ? run->task_blobs[*place] : run->shared_blobs;
    std::size_t blob_place = 0;
    for (const auto& input : inputs) {
        const auto* blob = std::get_if<protocol::BlobInput>(&input);
        if (blob == nullptr) continue;
        if (auto cached = cache_.find(blob->sha256)) {
            list.blobs[blob_place] = std::move(cached);
            --list.missing;
        } else {
            auto [waiters, is_first] = waiters_.try_emplace(blob->sha256);
            waiters->second.push_back({run, place, blob_place});
            if (is_first) requests.push_back({blob->sha256, blob->size});
        }
        ++blob_place;
    }
}

void Executor::State::ask_for(const std::vector<BlobRequest>& requests) {
    for (const BlobRequest& request : requests) {
        if (options_.blobs == nullptr) {
            blob_came(request.sha256,
                      unexpected(ErrorCode::Unavailable,
                                 "blob " + to_hex(request.sha256) +
                                     ": this worker was given nowhere to fetch blobs from"));
            continue;
        }
        options_.blobs->fetch(request.sha256, request.size,
                              [weak = weak_from_this(), name = request.sha256](auto bytes) {
                                  if (const auto self = weak.lock()) {
                                      self->blob_came(name, std::move(bytes));
                                  }
                              });
    }
}

void Executor::State::blob_came(const Sha256& sha256, Result<Bytes> bytes) {
    std::vector<BlobRequest> requests;
    std::vector<Waiter> waiters;  // Outlives the lock: its runs may be freed here.
    const Result<SharedBlob> blob =
        bytes ? Result<SharedBlob>{std::make_shared<const Bytes>(std::move(*bytes))}
              : unexpected(bytes.error());
    {
        const Lock lock{mutex_};
        if (stopping_) return;
        if (blob) cache_.insert(sha256, *blob);
        if (auto found = waiters_.extract(sha256)) waiters = std::move(found.mapped());
        for (const Waiter& waiter : waiters) supply(waiter, blob);
        admit(requests);
    }
    work_.notify_all();
    ask_for(requests);
}

void Executor::State::supply(const Waiter& waiter, const Result<SharedBlob>& blob) {
    LeasedRun& run = *waiter.run;
    if (run.dropped) return;
    BlobInputs& list = waiter.place ? run.task_blobs[*waiter.place] : run.shared_blobs;
    if (blob) {
        list.blobs[waiter.blob_place] = *blob;
    } else {
        list.error = blob.error();
    }
    if (--list.missing != 0) return;
    if (waiter.place) run.make_ready(*waiter.place);
    update_runnable(waiter.run);
}

}  // namespace netcompute::worker
