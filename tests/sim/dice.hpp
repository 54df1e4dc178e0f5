#pragma once

#include <netcompute/instant.hpp>
#include <netcompute/random.hpp>

#include <cmath>
#include <cstdint>
#include <initializer_list>

namespace netcompute::sim {

/// Whose chance it is: streams of one seed do not disturb each other, so one more message on one
/// connection does not change what happens on the others. Faults that were thought of later have
/// streams of their own for the same reason.
enum class DiceOf : std::uint64_t {
    World = 1,
    Master,
    LaterFaults,
    Disk,
    Strangers = 10,
    Newcomers,
    Worker = 1'000,
    LeaselessFlood = 500'000,
    Connection = 1'000'000
};

/// All chance of a run, drawn from its seed.
class Dice {
 public:
    Dice(std::uint64_t seed, DiceOf owner, std::uint64_t number = 0)
        : philox_{seed, static_cast<std::uint64_t>(owner) + number} {}

    [[nodiscard]] double unit() { return philox_.next_unit(); }
    [[nodiscard]] bool chance(double probability) { return unit() < probability; }
    /// From `low` to `high`, both included.
    [[nodiscard]] std::uint32_t between(std::uint32_t low, std::uint32_t high) {
        return low + static_cast<std::uint32_t>(philox_.next_below(high - low + 1));
    }
    [[nodiscard]] Duration between(Duration low, Duration high) {
        return low + Duration{static_cast<Duration::rep>(
                         unit() * static_cast<double>((high - low).count()))};
    }
    /// Every magnitude between the two is as likely.
    [[nodiscard]] double magnitude(double low, double high) {
        return low * std::pow(high / low, unit());
    }
    template <typename T>
    [[nodiscard]] T one_of(std::initializer_list<T> values) {
        return *(values.begin() + philox_.next_below(values.size()));
    }

 private:
    Philox philox_;
};

}  // namespace netcompute::sim
