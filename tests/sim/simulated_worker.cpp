#include "simulated_worker.hpp"

#include "flooder.hpp"
#include "worker_key.hpp"
#include <netcompute/protocol/frame.hpp>

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

/// The agent's way to the network. Says what a page would where this worker's owner has paused it
/// or changed its slots, which the native agent does not offer.
class SimulatedWorker::ProcessLink final : public worker::Link {
 public:
    explicit ProcessLink(SimulatedWorker& owner) : owner_{owner} {}

    void open() override {
        connection_ =
            owner_.around_.network.connect(owner_.number_, owner_.traits_.pc, owner_.traits_.kind);
        connection_->is_stranger = owner_.traits_.is_stranger;
        flooder_.forget();
        owner_.trace("connect", {{"connection", connection_->number}});
    }
    void close(worker::Closing closing) override {
        if (connection_ == nullptr) return;
        const bool silently = closing == worker::Closing::DropUnsent && owner_.dice_.chance(0.2);
        owner_.around_.network.close_at_worker(connection_, silently);
        connection_ = nullptr;
    }
    bool send(worker::Channel channel, const protocol::WireMessage& message) override {
        if (connection_ == nullptr) return false;
        if (channel == worker::Channel::Result && is_full()) return false;
        if (owner_.traits_.floods()) flooder_.remember(channel, message);
        const bool changed = owner_.paused_ || owner_.slots_ != initial_slots_;
        if (channel == worker::Channel::Heartbeat && changed) {
            owner_.around_.network.send_to_master(connection_, channel, changed_beat(message));
        } else {
            owner_.around_.network.send_to_master(connection_, channel, message);
        }
        return true;
    }

    void crash(bool silently) {
        if (connection_ == nullptr) return;
        owner_.around_.network.close_at_worker(connection_, silently);
        connection_ = nullptr;
    }
    [[nodiscard]] const ConnectionPointer& connection() const { return connection_; }

    void flood_leaseless() {
        for (std::uint32_t count = owner_.leaseless_dice_.between(1, 3); count > 0; --count) {
            const auto nuisance = flooder_.leaseless_nuisance(owner_.leaseless_dice_);
            if (connection_ == nullptr || !nuisance) return;
            owner_.trace(nuisance->kind);
            owner_.around_.network.send_to_master(connection_, nuisance->channel,
                                                  nuisance->message);
        }
    }

    void flood() {
        for (std::uint32_t count = owner_.dice_.between(1, 30); count > 0; --count) {
            const auto nuisance = flooder_.nuisance(owner_.dice_);
            if (connection_ == nullptr || !nuisance) return;
            owner_.trace(nuisance->kind);
            owner_.around_.network.send_to_master(connection_, nuisance->channel,
                                                  nuisance->message);
        }
    }

 private:
    /// Now and then the socket takes no more for a while.
    bool is_full();
    [[nodiscard]] protocol::WireMessage changed_beat(const protocol::WireMessage& message) const {
        const auto header = protocol::decode_header(message.header);
        auto decoded = protocol::decode_worker_message(*header, message.payload);
        auto beat = std::get<protocol::Heartbeat>(std::move(*decoded));
        beat.paused = beat.paused || owner_.paused_;
        beat.slots = owner_.slots_;
        return protocol::encode(protocol::WorkerMessage{std::move(beat)});
    }

    SimulatedWorker& owner_;
    const std::uint32_t initial_slots_ = owner_.slots_;
    ConnectionPointer connection_;
    Flooder flooder_;
};

struct SimulatedWorker::Process {
    Process(SimulatedWorker& owner, const std::string& key, std::size_t secret, std::size_t machine)
        : runner{owner.slots_,
                 owner.traits_.runner,
                 {owner.around_.queue, owner.around_.catalog, owner.around_.faults, owner.dice_,
                  owner.around_.task_seconds,
                  [&owner](Duration delay, EventQueue::Action action) {
                      owner.enter_at(owner.around_.queue.now() + delay, std::move(action));
                  },
                  [this, &owner] { agent.outcomes_ready(owner.around_.queue.now()); },
                  [&owner](JobId job, std::size_t tasks, double seconds) {
                      owner.computed_count_ += tasks;
                      owner.around_.on_spent(job, seconds);
                  },
                  [&owner](std::string_view kind) {
                      owner.has_lied_ = true;
                      owner.trace(kind);
                  }}},
          link{owner},
          agent{{.worker = key,
                 .token = "",
                 .name = key,
                 .version = "sim",
                 .slots = owner.slots_,
                 .master = "sim",
                 .secret = secret_of(secret),
                 .machine = "machine-" + std::to_string(machine)},
                {.runner = runner,
                 .link = link,
                 .sample_load = [] { return worker::SystemLoad{}; },
                 .random = [&owner] { return owner.dice_.unit(); },
                 .say = [&owner](worker::Severity,
                                 const std::string& text) { owner.around_.trace.remark(text); }}} {}

    SimulatedRunner runner;
    ProcessLink link;
    worker::Agent agent;
    Instant timer_at = instant_never;  ///< The earliest timer that is set.
};

bool SimulatedWorker::ProcessLink::is_full() {
    const bool faulty = owner_.around_.queue.now() < owner_.around_.faults.end;
    if (!faulty || !owner_.dice_.chance(0.02)) return false;
    owner_.trace("link full");
    const Instant later = owner_.around_.queue.now() + owner_.dice_.between(1ms, 3s);
    owner_.enter_at(later,
                    [this] { owner_.process_->agent.link_writable(owner_.around_.queue.now()); });
    return true;
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
    const std::size_t claimed = traits_.claims.value_or(number_);
    process_ = std::make_unique<Process>(*this, worker_key(claimed),
                                         traits_.knows_secret ? claimed : number_,
                                         traits_.has_its_machine ? claimed : number_);
    enter([this] { process_->agent.start(around_.queue.now()); });
}

void SimulatedWorker::crash(bool silently) {
    if (!runs()) return;
    trace(silently ? "power cut" : "crash");
    process_->link.crash(silently);
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
        process_->agent.leave(around_.queue.now());
    });
}

void SimulatedWorker::set_paused(bool paused) {
    if (!runs() || paused_ == paused) return;
    trace(paused ? "pause" : "go on");
    paused_ = paused;
}

void SimulatedWorker::set_slots(std::uint32_t slots) {
    if (!runs()) return;
    trace("slots", {{"count", slots}});
    slots_ = slots;
    enter([this] { process_->runner.set_slots(slots_); });
}

void SimulatedWorker::break_connection() {
    if (runs() && process_->link.connection() != nullptr) {
        around_.network.break_connection(process_->link.connection(), dice_);
    }
}

void SimulatedWorker::flood() {
    enter([this] { process_->link.flood(); });
}

void SimulatedWorker::flood_leaseless() {
    enter([this] { process_->link.flood_leaseless(); });
}

void SimulatedWorker::receive(const ConnectionPointer& connection, std::string header,
                              Bytes payload) {
    enter([this, connection, header = std::move(header), payload = std::move(payload)] {
        if (process_->link.connection() != connection) return;
        process_->agent.receive(around_.queue.now(), header, payload);
    });
}

void SimulatedWorker::connection_closed(const ConnectionPointer& connection, std::string reason) {
    enter([this, connection, reason = std::move(reason)] {
        if (process_->link.connection() != connection) return;
        process_->agent.link_down(around_.queue.now(), reason);
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
    if (process_->agent.ending()) {
        was_shut_out_ |= process_->agent.ending()->message.find("quarantined") != std::string::npos;
        trace("ended");
        process_ = nullptr;
        return;
    }
    leases_held_max_ = std::max(leases_held_max_, process_->runner.lease_count());
    const Instant due = process_->agent.next_deadline();
    if (due >= process_->timer_at) return;
    process_->timer_at = due;
    enter_at(due, [this] {
        process_->timer_at = instant_never;
        process_->agent.tick(around_.queue.now());
    });
}

}  // namespace netcompute::sim
