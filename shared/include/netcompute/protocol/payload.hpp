#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/protocol/messages.hpp>
#include <netcompute/result.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace netcompute::protocol {

[[nodiscard]] Bytes encode_outcomes(std::span<const TaskOutcome> outcomes);

/// Exactly `count` outcomes, which point into `payload`. Errors: ProtocolViolation.
[[nodiscard]] Result<std::vector<TaskOutcome>> decode_outcomes(ByteSpan payload,
                                                               std::uint32_t count);

/// What one input, or one task, takes in the payload of a lease.
[[nodiscard]] std::size_t wire_bytes(const WireInput& input);
[[nodiscard]] std::size_t wire_bytes(const LeasedTask& task);

[[nodiscard]] Bytes encode_work(std::span<const WireInput> shared_inputs,
                                std::span<const LeasedTask> tasks);

struct LeasedWork {
    std::vector<WireInput> shared_inputs;
    std::vector<LeasedTask> tasks;
};
/// Exactly `shared_count` inputs and `task_count` tasks, which point into `payload`.
/// Errors: ProtocolViolation.
[[nodiscard]] Result<LeasedWork> decode_work(ByteSpan payload, std::uint32_t shared_count,
                                             std::uint32_t task_count);

}  // namespace netcompute::protocol
