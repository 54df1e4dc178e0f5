#pragma once

#include "dice.hpp"
#include "engine/engine_host.hpp"
#include "event_queue.hpp"

#include <cstdint>
#include <deque>
#include <memory>

namespace netcompute::sim {

/// An engine's host in virtual time: a thread that may be busy or stopped, and a clock that jumps.
class VirtualHost final : public engine::EngineHost {
 public:
    /// What its clock shows at first, as that of each new process does.
    static constexpr Instant clock_start{std::chrono::seconds{1000}};

    /// `time_of_day_offset`: by how much the PC's clock is wrong; it outlives the host.
    VirtualHost(EventQueue& queue, Dice& dice, const Duration& time_of_day_offset);
    ~VirtualHost() override;

    /// The clock jumps by this much; backwards if it is negative.
    void jump(Duration by);
    /// The engine's thread does nothing until then.
    void stall_until(Instant when);
    /// Until then, what waits for the disk takes up to a few seconds.
    void slow_disk_until(Instant when) { disk_slow_until_ = when; }
    /// From now on every third piece of work that the pool is given never comes back.
    void lose_slow_work() { loses_slow_work_ = true; }
    /// Does on the engine's thread what the outside world asks for.
    void enter(Work work);

    [[nodiscard]] Instant now() const override { return queue_.now() + clock_offset_; }
    [[nodiscard]] std::int64_t unix_ms() const override;
    void post(Work work) override;
    void run_slow(SlowWork work) override;
    void wait_for_disk(SlowWork work) override;
    void wake_at(Instant when, Work work) override;
    void close() override;

 private:
    void later(Instant when, Work work);
    void arm();

    EventQueue& queue_;
    Dice& dice_;
    const Duration& time_of_day_offset_;
    Duration clock_offset_;
    Instant stalled_until_{};
    Instant disk_slow_until_{};
    std::deque<Work> posted_;
    Instant alarm_at_{};
    Work alarm_;  ///< Empty once it has rung.
    std::uint64_t alarm_number_ = 0;
    bool loses_slow_work_ = false;
    std::uint32_t slow_work_count_ = 0;
    /// False once closed; shared with all that waits in the queue.
    std::shared_ptr<bool> open_ = std::make_shared<bool>(true);
};

}  // namespace netcompute::sim
