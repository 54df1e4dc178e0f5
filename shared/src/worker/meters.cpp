#include <netcompute/worker/meters.hpp>

#include <algorithm>

namespace netcompute::worker {
namespace {

using namespace std::chrono_literals;

constexpr Duration rate_window = 5s;

}  // namespace

void RateMeter::add(Instant now, std::uint64_t count) {
    if (!counts_.empty() && now - counts_.back().at < 100ms) {
        counts_.back().count += count;
    } else {
        counts_.push_back({now, count});
    }
    forget(now);
}

double RateMeter::per_second(Instant now) {
    forget(now);
    if (counts_.empty()) return 0;
    std::uint64_t total = 0;
    for (const Count& one : counts_) total += one.count;
    const Duration span = std::clamp<Duration>(now - counts_.front().at, 1s, rate_window);
    return static_cast<double>(total) / to_seconds(span);
}

void RateMeter::forget(Instant now) {
    while (!counts_.empty() && now - counts_.front().at > rate_window) counts_.pop_front();
}

void LoadMeter::observe(Instant now, std::uint32_t busy_slots_from_now_on) {
    busy_seconds_ += busy_ * to_seconds(now - last_);
    last_ = now;
    busy_ = busy_slots_from_now_on;
}

double LoadMeter::take(Instant now) {
    observe(now, busy_);
    const double mean = now > since_ ? busy_seconds_ / to_seconds(now - since_) : busy_;
    busy_seconds_ = 0;
    since_ = now;
    return mean;
}

}  // namespace netcompute::worker
