#include "simulated_process.hpp"
#include <netcompute/protocol/frame.hpp>

#include <utility>

namespace netcompute::sim {

using namespace std::chrono_literals;

SimulatedWorker::NativeProcess::NativeProcess(SimulatedWorker& owner)
    : Process{owner},
      initial_slots_{owner.slots_},
      runner_{owner.slots_,
              tasks_,
              {[&owner](Duration delay, EventQueue::Action action) {
                   owner.enter_at(owner.around_.queue.now() + delay, std::move(action));
               },
               [this] { agent_.outcomes_ready(now()); },
               [this](JobId job, std::size_t tasks, double seconds) {
                   computed(job, tasks, seconds);
               }}},
      agent_{{.worker = key(),
              .token = "",
              .name = key(),
              .version = "sim",
              .slots = owner.slots_,
              .master = "sim",
              .secret = secret(),
              .machine = "machine-" + std::to_string(owner.machine())},
             {.runner = runner_,
              .link = *this,
              .sample_load = [] { return worker::SystemLoad{}; },
              .random = [&owner] { return owner.dice_.unit(); },
              .say = [&owner](worker::Severity,
                              const std::string& text) { owner.around_.trace.remark(text); }}} {}

void SimulatedWorker::NativeProcess::close(worker::Closing closing) {
    if (wire_.connection() == nullptr) return;
    wire_.close(closing == worker::Closing::DropUnsent && owner_.dice_.chance(0.2));
}

bool SimulatedWorker::NativeProcess::send(worker::Channel channel,
                                          const protocol::WireMessage& message) {
    if (wire_.connection() == nullptr) return false;
    if (channel == worker::Channel::Result && is_full()) return false;
    const bool changed = owner_.paused_ || owner_.slots_ != initial_slots_;
    if (channel == worker::Channel::Heartbeat && changed) {
        wire_.send(channel, changed_beat(message));
    } else {
        wire_.send(channel, message);
    }
    return true;
}

/// Now and then the socket takes no more for a while.
bool SimulatedWorker::NativeProcess::is_full() {
    const bool faulty = now() < owner_.around_.faults.end;
    if (!faulty || !owner_.dice_.chance(0.02)) return false;
    owner_.trace("link full");
    const Instant later = now() + owner_.dice_.between(1ms, 3s);
    owner_.enter_at(later, [this] { agent_.link_writable(now()); });
    return true;
}

/// Says what a page would where this worker's owner has paused it or changed its slots, which a
/// native worker does not offer.
protocol::WireMessage SimulatedWorker::NativeProcess::changed_beat(
    const protocol::WireMessage& message) const {
    const auto header = protocol::decode_header(message.header);
    auto decoded = protocol::decode_worker_message(*header, message.payload);
    auto beat = std::get<protocol::Heartbeat>(std::move(*decoded));
    beat.paused = beat.paused || owner_.paused_;
    beat.slots = owner_.slots_;
    return protocol::encode(protocol::WorkerMessage{std::move(beat)});
}

}  // namespace netcompute::sim
