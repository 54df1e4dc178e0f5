#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace netcompute::bench {

/// Round trips of a single task that is submitted alone and answered: a master in this process
/// and one worker process with one slot, over ZeroMQ on loopback. The clock runs from before
/// Engine::submit() until when_over() calls back, `pause_us` after the one before.
///
/// Runs in a forked process, so call it while this one has no other threads. Throws
/// std::runtime_error if that fails, or a job does not succeed.
[[nodiscard]] std::vector<double> lone_task_us(std::uint32_t payload_bytes, std::size_t count,
                                               std::int64_t pause_us);

}  // namespace netcompute::bench
