#pragma once

#include <array>

namespace netcompute::server {

/// Tells a SIGHUP because the terminal that a program runs in was closed from one that asks it to
/// read its config again.
class Terminal {
 public:
    /// Notes which of the standard streams are a terminal now.
    Terminal();
    /// One of them was, and is none any more.
    [[nodiscard]] bool has_closed() const;

 private:
    std::array<bool, 3> was_terminal_{};
};

}  // namespace netcompute::server
