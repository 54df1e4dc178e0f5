#include "executor_state.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <utility>

namespace netcompute::worker {
namespace {

using namespace std::chrono_literals;

/// How long finished outcomes wait to be posted together with others.
constexpr auto post_after = 1ms;
/// Target duration of a claim: long enough that locking is cheap, short enough for a fair split.
constexpr double claim_seconds = 200e-6;
constexpr std::size_t claim_tasks_max = 256;
/// A chunk is closed beyond this; one outcome may be larger by itself.
constexpr std::size_t chunk_bytes_max = std::size_t{1} << 20;

void add_outcome(std::vector<OutcomeChunk>& chunks, const protocol::Lease& lease, TaskIndex index,
                 Result<Bytes> output) {
    const std::size_t size = output ? output->size() : output.error().message.size();
    if (chunks.empty() ||
        (!chunks.back().empty() && chunks.back().wire_bytes() + size > chunk_bytes_max)) {
        chunks.emplace_back(lease.lease, lease.job, lease.round);
    }
    if (output) {
        chunks.back().add_output(index, std::move(*output));
    } else {
        chunks.back().add_error(index, output.error());
    }
}

}  // namespace

void Executor::State::compute(Slot& slot) {
    if (options_.nice != 0) {
        // On Linux this is the calling thread's own priority. Lowering it cannot fail.
        std::ignore = setpriority(PRIO_PROCESS, 0, options_.nice);
    }
    RunScratch scratch;
    Batch batch;
    Lock lock{mutex_};
    for (;;) {
        const bool ending = stopping_ || slot.retired;
        if (ending || !claim_next(slot)) {
            if (batch.run != nullptr) {
                const bool was_empty = post(batch);
                lock.unlock();
                if (was_empty) options_.on_outcomes();
                batch = {};  // Without the lock: this may free the run.
                lock.lock();
                continue;
            }
            if (ending) break;
            work_.wait(lock);
            continue;
        }
        RunPointer done_with;
        bool was_empty = false;
        const Claim claim = slot.claim;
        const bool is_other_run = batch.run != claim.run;
        if (is_other_run || Clock::now() >= batch.post_at) {
            was_empty = post(batch);
            done_with = std::exchange(batch.run, claim.run);
            batch.post_at = Clock::now() + post_after;
        }
        std::vector<BlobRequest> requests;
        admit(requests);  // What was claimed makes room for fetching further ahead.
        lock.unlock();
        if (was_empty) options_.on_outcomes();
        ask_for(requests);
        done_with.reset();
        const Progress progress = run_claim(claim, batch, scratch);
        lock.lock();
        end_claim(slot, progress);
    }
    slot.ended = true;
}

bool Executor::State::claim_next(Slot& slot) {
    if (runnable_.empty()) return false;
    const RunPointer run = runnable_.begin()->second;
    TaskRange& next = run->ready.front();
    const std::size_t available = next.end - next.begin;
    std::size_t count = 1;
    if (run->seconds_per_task > 0) {
        const double wanted = claim_seconds / run->seconds_per_task;
        count =
            static_cast<std::size_t>(std::clamp(wanted, 1.0, static_cast<double>(claim_tasks_max)));
        count = std::min(count, std::max(available / slots_.size(), std::size_t{1}));
    }
    slot.claim = {run, {next.begin, next.begin + count}};
    next.begin += count;
    if (next.begin == next.end) run->ready.pop_front();
    update_runnable(run);
    if (run->has_task_blobs()) {
        for (std::size_t place = slot.claim.range.begin; place < slot.claim.range.end; ++place) {
            if (run->task_blobs[place].blobs.empty()) continue;
            release_window(*run, 1, run->own_blob_bytes(place));
        }
    }
    return true;
}

Executor::State::Progress Executor::State::run_claim(const Claim& claim, Batch& batch,
                                                     RunScratch& scratch) {
    LeasedRun& run = *claim.run;
    Progress progress{claim.range, 0, 0};
    const auto started_at = Clock::now();
    auto now = started_at;
    while (progress.rest.begin < progress.rest.end) {
        if (run.dropped || (progress.finished != 0 && now >= batch.post_at)) break;
        const std::size_t place = progress.rest.begin++;
        add_outcome(batch.chunks, run.lease, run.lease.tasks[place].index,
                    run_task(run, place, scratch, memo_));
        if (run.has_task_blobs()) run.task_blobs[place].blobs.clear();
        ++progress.finished;
        now = Clock::now();
    }
    progress.seconds = std::chrono::duration<double>(now - started_at).count();
    if (!batch.chunks.empty()) batch.chunks.back().add_busy_seconds(progress.seconds);
    return progress;
}

void Executor::State::end_claim(Slot& slot, const Progress& progress) {
    LeasedRun& run = *slot.claim.run;
    busy_seconds_ += progress.seconds;
    computed_ += progress.finished;
    if (progress.finished != 0) {
        const double latest = progress.seconds / static_cast<double>(progress.finished);
        run.seconds_per_task =
            run.seconds_per_task == 0 ? latest : (run.seconds_per_task + latest) / 2;
    }
    const RunPointer pointer = std::exchange(slot.claim.run, nullptr);
    if (run.dropped || progress.rest.begin == progress.rest.end) return;
    for (std::size_t place = progress.rest.begin; place < progress.rest.end; ++place) {
        if (!run.has_task_blobs() || run.task_blobs[place].blobs.empty()) continue;
        hold_window(run, place);
    }
    run.ready.push_front(progress.rest);
    update_runnable(pointer);
    work_.notify_all();
}

bool Executor::State::post(Batch& batch) {
    if (batch.run == nullptr || batch.chunks.empty()) return false;
    std::vector<OutcomeChunk> chunks = std::exchange(batch.chunks, {});
    if (batch.run->revoked) return false;
    const bool was_empty = outbox_.empty();
    for (auto& chunk : chunks) {
        batch.run->unfinished -= chunk.size();
        outbox_.push_back(std::move(chunk));
    }
    if (batch.run->unfinished == 0) runs_.erase(batch.run->sequence);
    return was_empty;
}

void Executor::State::start_slot() {
    slots_.push_back(std::make_unique<Slot>());
    Slot& slot = *slots_.back();
    slot.thread = std::thread{[this, &slot] { compute(slot); }};
}

void Executor::State::set_slots(std::uint32_t slots) {
    const std::size_t wanted = std::max(slots, 1U);
    std::vector<std::unique_ptr<Slot>> ended;
    {
        const Lock lock{mutex_};
        while (slots_.size() > wanted) {
            slots_.back()->retired = true;
            retired_slots_.push_back(std::move(slots_.back()));
            slots_.pop_back();
        }
        const auto first_ended = std::partition(retired_slots_.begin(), retired_slots_.end(),
                                                [](const auto& slot) { return !slot->ended; });
        ended.assign(std::make_move_iterator(first_ended),
                     std::make_move_iterator(retired_slots_.end()));
        retired_slots_.erase(first_ended, retired_slots_.end());
        while (slots_.size() < wanted && !retired_slots_.empty()) {
            retired_slots_.back()->retired = false;
            slots_.push_back(std::move(retired_slots_.back()));
            retired_slots_.pop_back();
        }
        while (slots_.size() < wanted) start_slot();
    }
    work_.notify_all();
    for (const auto& slot : ended) slot->thread.join();
}

void Executor::State::stop() {
    {
        const Lock lock{mutex_};
        stopping_ = true;
        for (const auto& [sequence, run] : runs_) run->dropped = true;
    }
    work_.notify_all();
    for (const auto& slot : slots_) slot->thread.join();
    for (const auto& slot : retired_slots_) slot->thread.join();
}

}  // namespace netcompute::worker
