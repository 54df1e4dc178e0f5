#pragma once

#include <netcompute/instant.hpp>

#include <chrono>

namespace netcompute {

/// The clock of budgets: no step of the time of day changes a minute.
inline Instant steady_now() {
    return Instant{
        std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch())};
}

}  // namespace netcompute
