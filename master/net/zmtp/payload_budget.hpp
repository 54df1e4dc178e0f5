#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <utility>

namespace netcompute::net::zmtp {

/// Memory for the payloads that are coming in, of all peers together. A payload has all of its
/// bytes from before the first one is read, or waits for its turn: so one that has begun can end,
/// and nobody holds what another one waits for while it waits itself. First come, first served.
class PayloadBudget {
 public:
    explicit PayloadBudget(std::size_t bytes_max) : free_{bytes_max} {}

    /// True if `bytes` are taken now. Otherwise `granted` is called once they are, unless
    /// `who` was forgotten before.
    [[nodiscard]] bool take(const void* who, std::size_t bytes, std::function<void()> granted) {
        if (waiting_.empty() && bytes <= free_) {
            free_ -= bytes;
            return true;
        }
        waiting_.push_back({who, bytes, std::move(granted)});
        return false;
    }
    void give_back(std::size_t bytes) {
        free_ += bytes;
        grant();
    }
    void forget(const void* who) {
        std::erase_if(waiting_, [who](const Waiting& one) { return one.who == who; });
        grant();
    }
    [[nodiscard]] bool has_waiting() const { return !waiting_.empty(); }

 private:
    struct Waiting {
        const void* who;
        std::size_t bytes;
        std::function<void()> granted;
    };

    void grant() {
        while (!waiting_.empty() && waiting_.front().bytes <= free_) {
            const Waiting next = std::move(waiting_.front());
            waiting_.pop_front();
            free_ -= next.bytes;
            next.granted();
        }
    }

    std::size_t free_;
    std::deque<Waiting> waiting_;
};

}  // namespace netcompute::net::zmtp
