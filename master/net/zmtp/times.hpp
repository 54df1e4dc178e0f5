#pragma once

#include <chrono>

namespace netcompute::net {

/// How long a peer may take.
struct ZmtpTimes {
    std::chrono::milliseconds handshake{5'000};  ///< From the connection to READY.
    std::chrono::milliseconds session{10'000};   ///< Without one on the result or heartbeat port.
    std::chrono::milliseconds stall{60'000};     ///< Without a byte, in the midst of a message.
    std::chrono::milliseconds stall_in_want{5'000};  ///< The same, where others wait for memory.
    std::chrono::milliseconds check_interval{1'000};
};

}  // namespace netcompute::net
