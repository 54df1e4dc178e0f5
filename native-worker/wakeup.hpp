#pragma once

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
    /// Forgets the notifications so far.
    void clear() const;
    /// Readable once notified.
    [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
    int descriptor_;
};

}  // namespace netcompute::worker
