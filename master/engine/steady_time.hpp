#pragma once

#include "store/records.hpp"
#include <netcompute/instant.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

namespace netcompute::engine {

/// A clock that nobody sets, which goes on from one master to the next: deadlines of jobs are
/// reckoned by it. While a master lives it is the host's monotonic clock. Between two of them only
/// the time of day can tell what went by, from the last reading that was written down to the start
/// of the next: never less than nothing, where that was set back; and where it was set forward
/// meanwhile, that cannot be told from a master that was down for so long, and counts.
class SteadyTime {
 public:
    /// `last`: what a former master wrote down. Without, it starts at the time of day.
    SteadyTime(const std::optional<store::ClockReading>& last, Instant now, std::int64_t unix_ms)
        : start_{now},
          start_ms_{last ? last->steady_ms + std::max<std::int64_t>(unix_ms - last->unix_ms, 0)
                         : unix_ms} {}

    [[nodiscard]] std::int64_t ms(Instant now) const {
        return start_ms_ + (now - start_) / std::chrono::milliseconds{1};
    }
    /// When, on the host's clock, it showed or would have shown this; not later than `now`.
    [[nodiscard]] Instant instant_of(std::int64_t steady_ms, Instant now) const {
        return std::min(start_ + std::chrono::milliseconds{steady_ms - start_ms_}, now);
    }

 private:
    Instant start_;
    std::int64_t start_ms_;
};

}  // namespace netcompute::engine
