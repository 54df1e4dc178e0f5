#include "flooder.hpp"

#include <utility>

namespace netcompute::sim {
namespace {

constexpr std::size_t results_kept = 5;
constexpr TaskIndex tasks_max = 1000;  ///< No round of the catalog's jobs has as many.

template <typename T>
T decoded(const protocol::WireMessage& message) {
    const auto header = protocol::decode_header(message.header);
    return std::get<T>(protocol::decode_worker_message(*header, message.payload).value());
}

bool is_results(const protocol::WireMessage& message) {
    const auto header = protocol::decode_header(message.header);
    const auto decoded = protocol::decode_worker_message(*header, message.payload);
    return decoded && std::holds_alternative<protocol::Results>(*decoded);
}

}  // namespace

void Flooder::remember(worker::Channel channel, const protocol::WireMessage& message) {
    switch (channel) {
        case worker::Channel::Task:
            if (!hello_) hello_ = message;
            break;
        case worker::Channel::Heartbeat:
            heartbeat_ = message;
            break;
        case worker::Channel::Result:
            if (!is_results(message)) break;  // It shows whose connection it is.
            results_.push_back(message);
            if (results_.size() > results_kept) results_.pop_front();
            break;
    }
}

void Flooder::forget() {
    hello_.reset();
    heartbeat_.reset();
    results_.clear();
}

std::optional<Flooder::Nuisance> Flooder::nuisance(Dice& dice) const {
    if (!hello_ || !heartbeat_ || results_.empty()) return std::nullopt;
    switch (dice.between(1, 20)) {
        case 1:
            return Nuisance{"flood: hello", worker::Channel::Task, *hello_};
        case 2:
            return Nuisance{
                "flood: junk", worker::Channel::Task, {R"({"type":"results","count":-1})", {}}};
        case 3:
        case 4:
            return altered_results(dice);
        case 5:
        case 6:
        case 7:
            return absurd_heartbeat(dice);
        default:
            const auto last = static_cast<std::uint32_t>(results_.size() - 1);
            return Nuisance{"flood: results again", worker::Channel::Result,
                            results_[dice.between(0, last)]};
    }
}

std::optional<Flooder::Nuisance> Flooder::leaseless_nuisance(Dice& dice) const {
    if (!heartbeat_) return std::nullopt;
    auto beat = decoded<protocol::Heartbeat>(*heartbeat_);
    if (dice.chance(0.5)) {
        for (std::uint64_t lease = 1; lease <= 8000; ++lease) beat.leases.push_back({lease});
        return Nuisance{"flood: heartbeat of leases", worker::Channel::Heartbeat,
                        protocol::encode(protocol::WorkerMessage{std::move(beat)})};
    }
    protocol::Results results;
    results.session = beat.session;
    results.lease = LeaseId{dice.between(1, 1000)};
    results.job = JobId{dice.between(1, 3)};
    results.busy_seconds = 1e9;
    for (TaskIndex index = 0; index < 5000; ++index) {
        results.outcomes.push_back({index, dice.chance(0.5), ErrorCode::OutOfMemory, {}});
    }
    return Nuisance{"flood: leaseless results", worker::Channel::Result,
                    protocol::encode(protocol::WorkerMessage{std::move(results)})};
}

/// Of a lease that nobody has, of somebody else's, or for tasks that are not in its own.
Flooder::Nuisance Flooder::altered_results(Dice& dice) const {
    const auto results = decoded<protocol::Results>(results_.back());
    protocol::Results altered = results;
    switch (dice.between(1, 4)) {
        case 1:
            altered.lease.value += dice.between(1, 1000);
            break;
        case 2:
            altered.lease.value -= dice.between(0, static_cast<std::uint32_t>(results.lease.value));
            break;
        case 3:
            for (protocol::TaskOutcome& outcome : altered.outcomes) outcome.index += tasks_max;
            break;
        default:
            altered.round += 1;
    }
    return {"flood: altered results", worker::Channel::Result,
            protocol::encode(protocol::WorkerMessage{std::move(altered)})};
}

Flooder::Nuisance Flooder::absurd_heartbeat(Dice& dice) const {
    auto beat = decoded<protocol::Heartbeat>(*heartbeat_);
    for (std::uint32_t count = dice.between(0, 200); count > 0; --count) {
        beat.leases.push_back(LeaseId{dice.between(0, 300)});
    }
    beat.slots = dice.between(1, protocol::slots_max);
    beat.paused = dice.chance(0.5);
    beat.current = std::string(dice.between(0, protocol::name_bytes_max), '?');
    return {"flood: absurd heartbeat", worker::Channel::Heartbeat,
            protocol::encode(protocol::WorkerMessage{std::move(beat)})};
}

}  // namespace netcompute::sim
