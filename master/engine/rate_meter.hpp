#pragma once

#include <netcompute/instant.hpp>

#include <cmath>

namespace netcompute::engine {

/// Events per second over about the last five seconds, old ones fading out.
class RateMeter {
 public:
    void add(Instant now, double count) {
        decay(now);
        value_ += count / fading_seconds;
    }
    [[nodiscard]] double per_second(Instant now) {
        decay(now);
        return value_ < 1e-3 ? 0.0 : value_;
    }

 private:
    static constexpr double fading_seconds = 5;

    void decay(Instant now) {
        if (now <= last_) return;
        value_ *= std::exp(-to_seconds(now - last_) / fading_seconds);
        last_ = now;
    }

    double value_ = 0;
    Instant last_;
};

}  // namespace netcompute::engine
