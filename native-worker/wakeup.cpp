#include "wakeup.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace netcompute::worker {

Wakeup::Wakeup() : descriptor_{eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)} {
    if (descriptor_ < 0) {
        throw std::system_error{errno, std::generic_category(), "cannot make an event descriptor"};
    }
}

Wakeup::~Wakeup() {
    close(descriptor_);
}

void Wakeup::notify() const {
    notified_.store(true, std::memory_order_release);
    const std::uint64_t one = 1;
    // It fails only when the counter is full, and then the loop is being woken anyway.
    [[maybe_unused]] const auto written = write(descriptor_, &one, sizeof one);
}

void Wakeup::clear() const {
    notified_.store(false, std::memory_order_release);
    std::uint64_t count = 0;
    [[maybe_unused]] const auto taken = read(descriptor_, &count, sizeof count);
}

}  // namespace netcompute::worker
