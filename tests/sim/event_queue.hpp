#pragma once

#include <netcompute/instant.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace netcompute::sim {

/// Virtual time: what is due happens in order of time, then of being asked for. Nothing waits.
class EventQueue {
 public:
    using Action = std::function<void()>;

    explicit EventQueue(Instant start) : now_{start} {}

    [[nodiscard]] Instant now() const { return now_; }
    [[nodiscard]] std::size_t size() const { return heap_.size(); }

    /// A time that is past means now.
    void at(Instant when, Action action) {
        heap_.push_back({std::max(when, now_), ++last_sequence_, std::move(action)});
        std::push_heap(heap_.begin(), heap_.end(), comes_later);
    }
    void after(Duration delay, Action action) { at(now_ + delay, std::move(action)); }

    /// Moves the clock to the next event and lets it happen; false if there is none.
    bool run_next() {
        if (heap_.empty()) return false;
        std::pop_heap(heap_.begin(), heap_.end(), comes_later);
        const Entry entry = std::move(heap_.back());
        heap_.pop_back();
        now_ = entry.when;
        entry.action();
        return true;
    }

 private:
    struct Entry {
        Instant when;
        std::uint64_t sequence = 0;
        Action action;
    };
    [[nodiscard]] static bool comes_later(const Entry& a, const Entry& b) {
        return a.when != b.when ? a.when > b.when : a.sequence > b.sequence;
    }

    Instant now_;
    std::uint64_t last_sequence_ = 0;
    std::vector<Entry> heap_;
};

}  // namespace netcompute::sim
