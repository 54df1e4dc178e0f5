#include <netcompute/worker/dispatcher.hpp>

#include <algorithm>
#include <limits>
#include <utility>

namespace netcompute::worker {
namespace {

constexpr std::size_t chunk_bytes_max = std::size_t{2} << 20;
constexpr std::size_t affinity_places_max = 64;

std::string text_of(const CurrentWork& work) {
    constexpr std::size_t kernel_bytes_max = 60;
    return work.kernel.substr(0, kernel_bytes_max) + " " + std::to_string(work.job.value) + "/" +
           std::to_string(work.round) + "/" + std::to_string(work.task);
}

}  // namespace

void Dispatcher::submit(protocol::Lease lease, Bytes payload) {
    auto work = std::make_shared<LeaseWork>(std::move(lease), std::move(payload));
    want_blobs(*work);
    leases_.push_back(std::move(work));
}

void Dispatcher::revoke(LeaseId lease) {
    // A lease that is complete may still have results to send.
    std::erase_if(results_, [&](const OutcomeChunk& chunk) { return chunk.lease() == lease; });
    const WorkPointer work = find(lease);
    if (work == nullptr) return;
    work->revoked = true;
    work->drop_pending();
    end(*work);
}

void Dispatcher::drop_unstarted() {
    const auto leases = leases_;
    for (const WorkPointer& work : leases) {
        work->unfinished -= work->pending_count();
        work->drop_pending();
        if (work->unfinished == 0) end(*work);
    }
}

std::vector<OutcomeChunk> Dispatcher::take_outcomes() {
    return std::exchange(results_, {});
}

RunnerStatus Dispatcher::status() const {
    RunnerStatus status;
    status.slots = static_cast<std::uint32_t>(slots_.size());
    for (const auto& [id, slot] : slots_) {
        if (!slot.queue.empty()) ++status.busy_slots;
    }
    for (const WorkPointer& work : leases_) {
        status.leases.push_back(work->lease().lease);
        status.unfinished += work->unfinished;
    }
    if (const auto work = current()) status.current = text_of(*work);
    status.busy_seconds = busy_seconds_;
    status.computed = computed_;
    return status;
}

void Dispatcher::slot_ready(SlotId slot) {
    Slot fresh;
    fresh.blobs = HeldBlobs{slot_cache_bytes_};
    slots_.insert_or_assign(slot, std::move(fresh));
}

void Dispatcher::retire(SlotId slot, bool retiring) {
    const auto found = slots_.find(slot);
    if (found != slots_.end()) found->second.retiring = retiring;
}

void Dispatcher::slot_gone(SlotId slot, bool crashed) {
    const auto gone = slots_.extract(slot);
    if (gone.empty()) return;
    const auto& queue = gone.mapped().queue;
    for (auto started = queue.rbegin(); started != queue.rend(); ++started) {
        LeaseWork& work = *started->work;
        if (work.revoked) continue;
        const bool is_suspected = crashed && &*started == &queue.front();
        if (is_suspected) ++work.crashes;
        if (is_suspected && started->range.size() == 1 && work.crashes >= crashes_max) {
            report_crash(*started);
        } else {
            work.hand_back(started->range);
        }
    }
}

void Dispatcher::received(SlotId id, ChunkOutcomes outcomes) {
    const auto found = slots_.find(id);
    if (found == slots_.end()) return;
    Slot& slot = found->second;
    slot.memory_bytes = outcomes.memory_bytes;
    if (slot.queue.empty() || slot.queue.front().id != outcomes.chunk) return;
    StartedChunk& started = slot.queue.front();
    const WorkPointer work = started.work;
    const protocol::Lease& lease = work->lease();
    OutcomeChunk chunk{lease.lease, lease.job, lease.round};
    const bool is_right = chunk.add_encoded(outcomes.bytes, outcomes.count).has_value();
    NETCOMPUTE_ASSERT(is_right && outcomes.count <= started.range.size(),
                      "a slot says what it computed as the wire does");
    started.range.begin += outcomes.count;
    busy_seconds_ += outcomes.busy_seconds;
    computed_ += outcomes.count;
    if (!work->revoked && outcomes.count != 0) {
        pace_of(lease).measured(outcomes.count, outcomes.busy_seconds);
        chunk.add_busy_seconds(outcomes.busy_seconds);
        collect(*work, std::move(chunk));
    }
    if (outcomes.more) return;
    const PlaceRange rest = started.range;
    slot.queue.pop_front();
    if (!work->revoked) work->hand_back(rest);
}

SlotOrders Dispatcher::dispatch(Instant now) {
    for (const std::size_t depth : {std::size_t{0}, std::size_t{1}}) {
        for (auto& [id, slot] : slots_) {
            if (slot.retiring || slot.queue.size() != depth) continue;
            auto started = next_chunk(slot, depth);
            if (!started) continue;
            slot.queue.push_back(std::move(*started));
            orders_.runs.push_back({id, message_for(slot, slot.queue.back())});
        }
    }
    for (auto& [id, slot] : slots_) {
        if (slot.queue.empty()) continue;
        StartedChunk& running = slot.queue.front();
        if (running.work->revoked && running.stop_at == instant_never) {
            running.stop_at = now + revoke_grace;
        }
    }
    return std::exchange(orders_, {});
}

std::vector<SlotId> Dispatcher::overdue(Instant now) const {
    std::vector<SlotId> overdue;
    for (const auto& [id, slot] : slots_) {
        if (!slot.queue.empty() && slot.queue.front().stop_at <= now) overdue.push_back(id);
    }
    return overdue;
}

Instant Dispatcher::next_deadline() const {
    Instant deadline = instant_never;
    for (const auto& [id, slot] : slots_) {
        if (!slot.queue.empty()) deadline = std::min(deadline, slot.queue.front().stop_at);
    }
    return deadline;
}

std::vector<SlotId> Dispatcher::idle_retired() const {
    std::vector<SlotId> idle;
    for (const auto& [id, slot] : slots_) {
        if (slot.retiring && slot.queue.empty()) idle.push_back(id);
    }
    return idle;
}

std::optional<CurrentWork> Dispatcher::current() const {
    for (const auto& [id, slot] : slots_) {
        if (slot.queue.empty()) continue;
        const StartedChunk& running = slot.queue.front();
        if (running.work->revoked || running.range.size() == 0) continue;
        const protocol::Lease& lease = running.work->lease();
        return CurrentWork{lease.kernel, lease.job, lease.round,
                           lease.tasks[running.range.begin].index};
    }
    return std::nullopt;
}

std::uint64_t Dispatcher::memory_bytes() const {
    std::uint64_t sum = 0;
    for (const auto& [id, slot] : slots_) sum += slot.memory_bytes;
    return sum;
}

Dispatcher::WorkPointer Dispatcher::find(LeaseId lease) const {
    for (const WorkPointer& work : leases_) {
        if (work->lease().lease == lease) return work;
    }
    return nullptr;
}

Pace& Dispatcher::pace_of(const protocol::Lease& lease) {
    return paces_[lease.kernel + "/" + std::to_string(lease.kernel_version)];
}

std::optional<Dispatcher::StartedChunk> Dispatcher::next_chunk(const Slot& slot,
                                                               std::size_t depth) {
    for (const WorkPointer& work : leases_) {
        const std::size_t pending = work->pending_count();
        if (pending == 0) continue;
        const Pace& pace = pace_of(work->lease());
        if (depth > 0 && !pace.is_short()) return std::nullopt;
        const std::size_t share = (pending + slots_.size() - 1) / slots_.size();
        const std::size_t count = work->crashes > 0 ? 1 : std::min(pace.chunk_tasks(), share);
        const PlaceRange range = work->start(place_for(slot, *work), count, chunk_bytes_max);
        return StartedChunk{++last_chunk_, work, range};
    }
    return std::nullopt;
}

/// The task to start with: one whose blobs the slot holds, else one that no other slot holds.
std::size_t Dispatcher::place_for(const Slot& slot, const LeaseWork& work) const {
    const std::size_t first = work.pending_places(1).front();
    if (work.task_blobs(first).empty()) return first;
    const auto places = work.pending_places(affinity_places_max);
    for (const std::size_t place : places) {
        if (slot.blobs.has_all(work.task_blobs(place))) return place;
    }
    for (const std::size_t place : places) {
        const auto blobs = work.task_blobs(place);
        const bool is_claimed = std::any_of(slots_.begin(), slots_.end(), [&](const auto& other) {
            return other.second.blobs.has_all(blobs);
        });
        if (!is_claimed) return place;
    }
    return first;
}

Chunk Dispatcher::message_for(Slot& slot, const StartedChunk& started) {
    const LeaseWork& work = *started.work;
    const protocol::Lease& lease = work.lease();
    for (std::size_t place = started.range.begin; place < started.range.end; ++place) {
        for (const auto& blob : work.task_blobs(place)) slot.blobs.put(blob);
    }
    Chunk chunk{started.id, lease.lease, started.range.size(), work.task_bytes(started.range), {}};
    if (slot.contexts.insert(lease.lease).second) {
        for (const auto& blob : work.shared_blobs()) slot.blobs.put(blob);
        chunk.context = Chunk::Context{lease.kernel, lease.kernel_version,
                                       lease.shared_inputs.size(), work.shared_bytes()};
    }
    return chunk;
}

/// Blobs that the lease's tasks need and no slot holds, each once.
void Dispatcher::want_blobs(const LeaseWork& work) {
    std::set<Sha256> seen;
    const auto want = [&](const std::vector<protocol::BlobInput>& blobs) {
        for (const auto& blob : blobs) {
            if (!seen.insert(blob.sha256).second) continue;
            const bool is_held = std::any_of(slots_.begin(), slots_.end(), [&](const auto& slot) {
                return slot.second.blobs.has(blob.sha256);
            });
            if (!is_held) orders_.prefetch.push_back(blob);
        }
    };
    want(work.shared_blobs());
    for (std::size_t place = 0; place < work.lease().tasks.size(); ++place) {
        want(work.task_blobs(place));
    }
}

void Dispatcher::collect(LeaseWork& work, OutcomeChunk outcomes) {
    work.unfinished -= outcomes.size();
    results_.push_back(std::move(outcomes));
    if (work.unfinished == 0) end(work);
}

void Dispatcher::report_crash(const StartedChunk& started) {
    const WorkPointer work = started.work;
    const protocol::Lease& lease = work->lease();
    const TaskIndex index = lease.tasks[started.range.begin].index;
    OutcomeChunk chunk{lease.lease, lease.job, lease.round};
    chunk.add_error(index, {ErrorCode::Internal, lease.kernel + ": task " + std::to_string(index) +
                                                     " stopped its thread " +
                                                     std::to_string(crashes_max) + " times"});
    collect(*work, std::move(chunk));
}

void Dispatcher::end(const LeaseWork& work) {
    const LeaseId lease = work.lease().lease;
    for (auto& [id, slot] : slots_) {
        if (slot.contexts.erase(lease) != 0) orders_.forgets.push_back({id, lease});
    }
    std::erase_if(leases_, [&](const WorkPointer& one) { return one.get() == &work; });
}

}  // namespace netcompute::worker
