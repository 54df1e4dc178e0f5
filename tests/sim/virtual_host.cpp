#include "virtual_host.hpp"

#include <algorithm>
#include <utility>

namespace netcompute::sim {

using namespace std::chrono_literals;

VirtualHost::VirtualHost(EventQueue& queue, Dice& dice, const Duration& time_of_day_offset)
    : queue_{queue},
      dice_{dice},
      time_of_day_offset_{time_of_day_offset},
      clock_offset_{clock_start - queue.now()} {}

VirtualHost::~VirtualHost() {
    close();
}

void VirtualHost::close() {
    *open_ = false;
}

std::int64_t VirtualHost::unix_ms() const {
    constexpr std::int64_t some_day = 1'700'000'000'000;
    return some_day + (queue_.now().time_since_epoch() + time_of_day_offset_) / 1ms;
}

void VirtualHost::jump(Duration by) {
    clock_offset_ += by;
    if (alarm_) arm();
}

void VirtualHost::stall_until(Instant when) {
    stalled_until_ = std::max(stalled_until_, when);
}

void VirtualHost::enter(Work work) {
    if (!*open_) return;
    if (queue_.now() < stalled_until_) return later(stalled_until_, std::move(work));
    work();
}

void VirtualHost::later(Instant when, Work work) {
    queue_.at(when, [this, open = open_, work = std::move(work)]() mutable {
        if (*open) enter(std::move(work));
    });
}

void VirtualHost::post(Work work) {
    posted_.push_back(std::move(work));
    // A busy master takes several events in one turn.
    const Duration delay = dice_.chance(0.1) ? dice_.between(0ms, 20ms) : 0ms;
    later(queue_.now() + delay, [this] {
        const Work first = std::move(posted_.front());
        posted_.pop_front();
        first();
    });
}

void VirtualHost::run_slow(SlowWork work) {
    if (loses_slow_work_ && ++slow_work_count_ % 3 == 0) return;
    const Duration duration = dice_.between(0ms, dice_.chance(0.1) ? 3s : 10ms);
    queue_.after(duration, [this, open = open_, work = std::move(work)] {
        if (*open) post(work());
    });
}

void VirtualHost::wait_for_disk(SlowWork work) {
    Duration longest = dice_.chance(0.1) ? 300ms : 3ms;
    if (queue_.now() < disk_slow_until_) longest = 3s;
    const Duration duration = dice_.between(0ms, longest);
    queue_.after(duration, [this, open = open_, work = std::move(work)] {
        if (*open) post(work());
    });
}

void VirtualHost::wake_at(Instant when, Work work) {
    alarm_at_ = when;
    alarm_ = std::move(work);
    arm();
}

void VirtualHost::arm() {
    later(alarm_at_ - clock_offset_, [this, number = ++alarm_number_] {
        if (number == alarm_number_) std::exchange(alarm_, nullptr)();
    });
}

}  // namespace netcompute::sim
