#pragma once

#include <algorithm>
#include <cstddef>

namespace netcompute::worker {

/// How many tasks of one kernel make a chunk: about `chunk_seconds` of work. A chunk costs two
/// messages between threads, so small tasks go in thousands; but what is in a chunk cannot be
/// given to another slot, so large ones go alone. Grows from one, because clocks in a browser may
/// be too coarse to measure one small task.
class Pace {
 public:
    static constexpr double chunk_seconds = 0.010;
    static constexpr std::size_t chunk_tasks_max = 8192;

    void measured(std::size_t count, double seconds) {
        if (count == 0) return;
        const double fresh = seconds / static_cast<double>(count);
        seconds_per_task_ =
            is_measured_ ? seconds_per_task_ + 0.3 * (fresh - seconds_per_task_) : fresh;
        is_measured_ = true;
        if (count >= limit_) limit_ = std::min(chunk_tasks_max, limit_ * growth);
    }
    /// Tasks for the next chunk.
    [[nodiscard]] std::size_t chunk_tasks() const {
        if (!is_measured_) return 1;
        const auto most = static_cast<double>(limit_);
        const double wanted = seconds_per_task_ > 0 ? chunk_seconds / seconds_per_task_ : most;
        return static_cast<std::size_t>(std::clamp(wanted, 1.0, most));
    }
    /// Short enough that a second chunk should wait at the slot while the first one runs.
    [[nodiscard]] bool is_short() const {
        return is_measured_ && seconds_per_task_ < 2 * chunk_seconds;
    }

 private:
    static constexpr std::size_t growth = 4;
    std::size_t limit_ = 1;
    bool is_measured_ = false;
    double seconds_per_task_ = 0;
};

}  // namespace netcompute::worker
