#pragma once

#include <cstddef>
#include <cstdint>

namespace netcompute::bench {

/// What a bare libzmq ROUTER and DEALERs in processes of their own do on this machine over TCP on
/// loopback: what any scheduler over ZeroMQ is measured against. Each message is one task of
/// `payload_bytes` there and one result of as many back; every result is checked.
///
/// Both fork, so call them while the process has no other threads. They throw
/// std::runtime_error if the processes or sockets cannot be had, or a result is wrong.

/// Tasks a second with `window` messages in flight to each of `workers` processes.
[[nodiscard]] double raw_zmq_tasks_per_second(std::size_t payload_bytes, std::size_t workers,
                                              std::size_t window, double seconds);

/// The median time from sending one message to having its answer, alone in flight, and sent
/// `pause_us` after the answer before it.
[[nodiscard]] double raw_zmq_round_trip_us(std::size_t payload_bytes, std::size_t round_trips,
                                           std::int64_t pause_us = 0);

}  // namespace netcompute::bench
