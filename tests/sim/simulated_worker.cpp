#include "simulated_worker.hpp"

#include "simulated_process.hpp"
#include "worker_key.hpp"

#include <algorithm>
#include <utility>

namespace netcompute::sim {
namespace {

using namespace std::chrono_literals;

/// What this worker keeps beside its id: 32 digits.
std::string secret_of(std::size_t number) {
    std::string digits = std::to_string(number);
    return std::string(protocol::secret_digits_min - digits.size(), '0') + digits;
}

}  // namespace

void SimulatedWorker::Wire::connect() {
    connection_ =
        owner_.around_.network.connect(owner_.number_, owner_.traits_.pc, owner_.traits_.kind);
    connection_->is_stranger = owner_.traits_.is_stranger;
    flooder_.forget();
    owner_.trace("connect", {{"connection", connection_->number}});
}

void SimulatedWorker::Wire::close(bool silently) {
    if (connection_ == nullptr) return;
    owner_.around_.network.close_at_worker(connection_, silently);
    connection_ = nullptr;
}

void SimulatedWorker::Wire::send(worker::Channel channel, const protocol::WireMessage& message) {
    if (connection_ == nullptr) return;
    if (owner_.traits_.floods()) flooder_.remember(channel, message);
    owner_.around_.network.send_to_master(connection_, channel, message);
}

void SimulatedWorker::Wire::flood_leaseless() {
    for (std::uint32_t count = owner_.leaseless_dice_.between(1, 3); count > 0; --count) {
        const auto nuisance = flooder_.leaseless_nuisance(owner_.leaseless_dice_);
        if (connection_ == nullptr || !nuisance) return;
        owner_.trace(nuisance->kind);
        owner_.around_.network.send_to_master(connection_, nuisance->channel, nuisance->message);
    }
}

void SimulatedWorker::Wire::flood() {
    for (std::uint32_t count = owner_.dice_.between(1, 30); count > 0; --count) {
        const auto nuisance = flooder_.nuisance(owner_.dice_);
        if (connection_ == nullptr || !nuisance) return;
        owner_.trace(nuisance->kind);
        owner_.around_.network.send_to_master(connection_, nuisance->channel, nuisance->message);
    }
}

SimulatedWorker::Process::Process(SimulatedWorker& owner)
    : owner_{owner},
      wire_{owner},
      tasks_{owner.traits_.runner,
             {owner.around_.queue, owner.around_.catalog, owner.around_.faults, owner.dice_,
              owner.around_.task_seconds,
              [&owner](std::string_view kind) {
                  owner.has_lied_ = true;
                  owner.trace(kind);
              },
              owner.around_.mixes_up_memo}} {}

void SimulatedWorker::Process::computed(JobId job, std::size_t tasks, double seconds) {
    owner_.computed_count_ += tasks;
    owner_.around_.on_spent(job, seconds);
}

std::string SimulatedWorker::Process::key() const {
    return worker_key(owner_.claimed());
}

std::string SimulatedWorker::Process::secret() const {
    return secret_of(owner_.traits_.knows_secret ? owner_.claimed() : owner_.number_);
}

SimulatedWorker::SimulatedWorker(std::uint64_t seed, std::size_t number, WorkerTraits traits,
                                 Surroundings surroundings)
    : number_{number},
      traits_{traits},
      slots_{traits.slots},
      around_{std::move(surroundings)},
      dice_{seed, DiceOf::Worker, number},
      leaseless_dice_{seed, DiceOf::LeaselessFlood, number} {}

SimulatedWorker::~SimulatedWorker() = default;

void SimulatedWorker::trace(std::string_view what, std::initializer_list<Trace::Number> numbers) {
    around_.trace.add(around_.queue.now(), "worker", number_, what, numbers);
}

void SimulatedWorker::start() {
    if (runs()) return;
    trace("start", {{"slots", slots_}});
    ++generation_;
    paused_ = false;
    asleep_until_ = {};
    if (traits_.kind == TransportKind::Browser) {
        process_ = std::make_unique<TabProcess>(*this);
    } else {
        process_ = std::make_unique<NativeProcess>(*this);
    }
    enter([this] { process_->start(around_.queue.now()); });
}

void SimulatedWorker::crash(bool silently) {
    if (!runs()) return;
    trace(silently ? "power cut" : "crash");
    process_->wire().close(silently);
    process_ = nullptr;
}

void SimulatedWorker::sleep_until(Instant when) {
    if (!runs()) return;
    trace("sleep", {{"ms", static_cast<std::uint64_t>((when - around_.queue.now()) / 1ms)}});
    asleep_until_ = std::max(asleep_until_, when);
}

void SimulatedWorker::leave() {
    enter([this] {
        trace("leave");
        process_->leave(around_.queue.now());
    });
}

void SimulatedWorker::set_paused(bool paused) {
    if (!runs() || paused_ == paused) return;
    trace(paused ? "pause" : "go on");
    paused_ = paused;
    // Whatever its owner wants once it is awake: what came first may be told last.
    enter([this] { process_->set_paused(around_.queue.now(), paused_); });
}

void SimulatedWorker::set_slots(std::uint32_t slots) {
    if (!runs()) return;
    trace("slots", {{"count", slots}});
    slots_ = slots;
    enter([this] { process_->set_slots(around_.queue.now(), slots_); });
}

void SimulatedWorker::break_connection() {
    if (runs() && process_->wire().connection() != nullptr) {
        around_.network.break_connection(process_->wire().connection(), dice_);
    }
}

void SimulatedWorker::flood() {
    enter([this] { process_->wire().flood(); });
}

void SimulatedWorker::flood_leaseless() {
    enter([this] { process_->wire().flood_leaseless(); });
}

void SimulatedWorker::receive(const ConnectionPointer& connection, std::string header,
                              Bytes payload) {
    enter([this, connection, header = std::move(header), payload = std::move(payload)] {
        if (process_->wire().connection() != connection) return;
        process_->receive(around_.queue.now(), header, payload);
    });
}

void SimulatedWorker::connection_closed(const ConnectionPointer& connection, std::string reason) {
    enter([this, connection, reason = std::move(reason)] {
        if (process_->wire().connection() != connection) return;
        process_->connection_closed(around_.queue.now(), reason);
    });
}

void SimulatedWorker::enter(EventQueue::Action action) {
    if (!runs()) return;
    if (around_.queue.now() < asleep_until_) return enter_at(asleep_until_, std::move(action));
    action();
    settle();
}

void SimulatedWorker::enter_at(Instant when, EventQueue::Action action) {
    around_.queue.at(when, [this, generation = generation_, action = std::move(action)]() mutable {
        if (generation == generation_) enter(std::move(action));
    });
}

/// After each thing that happened: sets the agent's timer, and ends the process if it is done.
void SimulatedWorker::settle() {
    if (!runs()) return;
    if (process_->has_ended()) {
        was_shut_out_ |=
            process_->agent().ending()->message.find("quarantined") != std::string::npos;
        trace("ended");
        process_ = nullptr;
        return;
    }
    leases_held_max_ = std::max(leases_held_max_, process_->agent().lease_count());
    const Instant due = process_->next_deadline();
    if (due >= process_->timer_at) return;
    process_->timer_at = due;
    enter_at(due, [this] {
        process_->timer_at = instant_never;
        process_->tick(around_.queue.now());
    });
}

}  // namespace netcompute::sim
