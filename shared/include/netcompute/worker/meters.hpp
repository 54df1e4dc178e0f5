#pragma once

#include <netcompute/instant.hpp>

#include <cstdint>
#include <deque>

namespace netcompute::worker {

/// Events per second over the last five seconds, or since the first event if that is less.
class RateMeter {
 public:
    void add(Instant now, std::uint64_t count);
    [[nodiscard]] double per_second(Instant now);

 private:
    void forget(Instant now);
    struct Count {
        Instant at;
        std::uint64_t count = 0;
    };
    std::deque<Count> counts_;  ///< One a tenth of a second.
};

/// The mean number of busy slots since it was last taken.
class LoadMeter {
 public:
    explicit LoadMeter(Instant now) : since_{now}, last_{now} {}
    void observe(Instant now, std::uint32_t busy_slots_from_now_on);
    [[nodiscard]] double take(Instant now);

 private:
    std::uint32_t busy_ = 0;
    double busy_seconds_ = 0;
    Instant since_;
    Instant last_;
};

}  // namespace netcompute::worker
