#pragma once

#include <chrono>
#include <cstdint>

namespace netcompute {

using Duration = std::chrono::nanoseconds;

/// The clock of the scheduler's decisions. It has no now(): whoever steps the scheduler says what
/// time it is, so a simulation can say anything.
struct EngineClock {
    using duration = Duration;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<EngineClock>;
    static constexpr bool is_steady = true;
};

using Instant = EngineClock::time_point;

/// Later than everything: "no deadline".
inline constexpr Instant instant_never = Instant::max();

[[nodiscard]] constexpr double to_seconds(Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

/// Rounded to whole nanoseconds; clamped to what a Duration can hold.
[[nodiscard]] constexpr Duration from_seconds(double seconds) {
    constexpr double seconds_max = 9.0e9;  // 285 years, just inside 63 bits of nanoseconds.
    const double bounded =
        seconds > seconds_max ? seconds_max : (seconds < -seconds_max ? -seconds_max : seconds);
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(bounded));
}

}  // namespace netcompute
