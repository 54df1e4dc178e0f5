#pragma once

#include <atomic>

namespace netcompute::worker {

/// Wakes a loop that polls a descriptor, from any thread.
class Wakeup {
 public:
    /// Throws std::system_error if the system gives no descriptor.
    Wakeup();
    Wakeup(const Wakeup&) = delete;
    Wakeup& operator=(const Wakeup&) = delete;
    ~Wakeup();

    void notify() const;
    /// Whether it was notified since it was cleared. Costs no system call.
    [[nodiscard]] bool is_notified() const { return notified_.load(std::memory_order_acquire); }
    /// Forgets the notifications so far.
    void clear() const;
    /// Readable once notified.
    [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
    int descriptor_;
    mutable std::atomic<bool> notified_ = false;
};

}  // namespace netcompute::worker
