#include "simulated_process.hpp"
#include <netcompute/protocol/frame.hpp>
#include <netcompute/protocol/payload.hpp>

#include <algorithm>
#include <utility>

namespace netcompute::sim {
namespace {

using namespace std::chrono_literals;

constexpr double chunk_seconds_max = 0.1;  ///< As web/worker/chunk_runner.js has it.

}  // namespace

SimulatedWorker::TabProcess::TabProcess(SimulatedWorker& owner)
    : Process{owner},
      settings_{key(), secret(), key(), "", owner.slots_},
      size_{owner.slots_},
      tab_{now(),
           settings_,
           {.host = *this,
            .random = [&owner] { return owner.dice_.unit(); },
            .cores = owner.slots_,
            .slot_cache_bytes = std::uint64_t{64} << 20}} {}

void SimulatedWorker::TabProcess::start(Instant now) {
    tab_.start(now);
    adjust_threads();
}

/// The page is closed.
void SimulatedWorker::TabProcess::leave(Instant now) {
    tab_.hand_back(now);
    has_left_ = true;
}

bool SimulatedWorker::TabProcess::has_ended() const {
    const auto& ending = tab_.agent().ending();
    return has_left_ || (ending && !ending->code.empty());
}

void SimulatedWorker::TabProcess::set_slots(Instant now, std::uint32_t slots) {
    settings_.slots = slots;
    tab_.change_settings(now, settings_);
}

void SimulatedWorker::TabProcess::receive(Instant now, const std::string& header, Bytes payload) {
    const auto read = protocol::decode_header(header);
    if (read && read->at("type") == "lease") {
        jobs_[LeaseId{read->at("lease").get<std::uint64_t>()}] =
            JobId{read->at("job").get<std::uint64_t>()};
    }
    tab_.message_received(now, header, std::move(payload));
}

void SimulatedWorker::TabProcess::open_socket() {
    wire_.connect();
    const Instant later = now() + owner_.dice_.between(50us, 2ms);
    owner_.enter_at(later, [this, connection = wire_.connection()] {
        if (wire_.connection() == connection && connection->alive) tab_.socket_opened(now());
    });
}

void SimulatedWorker::TabProcess::close_socket(const std::string&) {
    if (wire_.connection() != nullptr) wire_.close(owner_.dice_.chance(0.2));
}

/// Threads come and go by messages: not within the call that asks for it.
void SimulatedWorker::TabProcess::resize(std::uint32_t slots) {
    size_ = slots;
    owner_.enter_at(now(), [this] { adjust_threads(); });
}

void SimulatedWorker::TabProcess::adjust_threads() {
    std::uint32_t count = 0;
    std::vector<worker::SlotId> changed;
    for (auto& [slot, thread] : threads_) {
        const bool retiring = ++count > size_;
        if (std::exchange(thread.retiring, retiring) != retiring) changed.push_back(slot);
    }
    for (const worker::SlotId slot : changed) {
        const bool retiring = threads_.at(slot).retiring;
        if (retiring && !threads_.at(slot).ready) {
            threads_.erase(slot);
        } else {
            tab_.retire(now(), slot, retiring);
        }
    }
    while (threads_.size() < size_) spawn();
}

void SimulatedWorker::TabProcess::spawn() {
    const worker::SlotId slot = ++last_slot_;
    threads_[slot];
    owner_.enter_at(now() + owner_.dice_.between(1ms, 100ms), [this, slot] {
        const auto found = threads_.find(slot);
        if (found == threads_.end()) return;
        found->second.ready = true;
        tab_.slot_ready(now(), slot, "sim");
    });
}

void SimulatedWorker::TabProcess::replace(worker::SlotId slot) {
    owner_.trace("thread replaced", {{"slot", slot}});
    threads_.erase(slot);
    resize(size_);
}

void SimulatedWorker::TabProcess::forget(worker::SlotId slot, LeaseId lease) {
    const auto found = threads_.find(slot);
    if (found != threads_.end()) found->second.contexts.erase(lease);
}

void SimulatedWorker::TabProcess::run(worker::SlotId slot, worker::Chunk chunk) {
    Thread& thread = threads_.at(slot);
    // Messages are done in order: what is forgotten later is still there for this chunk.
    if (chunk.context) {
        thread.contexts[chunk.lease] = *chunk.context;
    } else {
        chunk.context = thread.contexts.at(chunk.lease);
    }
    thread.queue.push_back(std::move(chunk));
    compute_next(slot);
}

void SimulatedWorker::TabProcess::compute_next(worker::SlotId slot) {
    const auto found = threads_.find(slot);
    if (found == threads_.end() || found->second.computes || found->second.queue.empty()) return;
    found->second.computes = true;
    const worker::Chunk& chunk = found->second.queue.front();
    const double mean = tasks_.mean_seconds(jobs_.at(chunk.lease));
    std::size_t count = 0;
    double seconds = 0;
    while (count < chunk.count && seconds <= chunk_seconds_max) {
        seconds += tasks_.draw_seconds(mean);
        ++count;
    }
    owner_.enter_at(now() + from_seconds(seconds),
                    [this, slot, count, seconds] { finish(slot, count, seconds); });
}

void SimulatedWorker::TabProcess::finish(worker::SlotId slot, std::size_t count, double seconds) {
    const auto found = threads_.find(slot);
    if (found == threads_.end()) return;
    Thread& thread = found->second;
    const worker::Chunk chunk = std::move(thread.queue.front());
    thread.queue.pop_front();
    thread.computes = false;

    const worker::Chunk::Context& context = *chunk.context;
    auto shared =
        protocol::decode_work(context.shared, static_cast<std::uint32_t>(context.shared_count), 0);
    auto own = protocol::decode_work(chunk.tasks, 0, static_cast<std::uint32_t>(chunk.count));
    const JobId job = jobs_.at(chunk.lease);
    const protocol::Lease lease{chunk.lease,
                                job,
                                0,
                                context.kernel,
                                context.kernel_version,
                                0,
                                std::move(shared->shared_inputs),
                                std::move(own->tasks)};
    worker::OutcomeChunk outcomes;
    for (std::size_t place = 0; place < count; ++place) tasks_.compute(lease, place, outcomes);
    std::vector<protocol::TaskOutcome> list;
    outcomes.append_to(list);
    computed(job, count, seconds);
    tab_.outcomes_received(
        now(), slot,
        {chunk.id, static_cast<std::uint32_t>(count), protocol::encode_outcomes(list),
         tasks_.told_seconds(seconds), false, 0},
        0, false);
    tab_.flush(now());
    compute_next(slot);
}

}  // namespace netcompute::sim
