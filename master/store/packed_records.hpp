#pragma once

#include "store/records.hpp"
#include <netcompute/bytes.hpp>

#include <cstddef>
#include <span>
#include <vector>

/// How the lists in records lie in a database's columns; numbers are little-endian.
namespace netcompute::store {

/// The size of what pack_outputs() makes of them.
[[nodiscard]] std::size_t packed_size(std::span<const OutputView> outputs);
/// For each output `u32 index, u32 size`, then its bytes. Replaces what is in `packed`.
void pack_outputs(std::span<const OutputView> outputs, Bytes& packed);
/// The outputs, whose bytes lie in `packed`; nothing if it was not made by pack_outputs().
[[nodiscard]] std::optional<std::vector<OutputView>> unpack_outputs(ByteSpan packed);

/// Ascending task indices, as runs: `u32 first, u32 count`.
[[nodiscard]] Bytes pack_tasks(std::span<const TaskIndex> tasks);
/// Nothing if `packed` was not made by pack_tasks().
[[nodiscard]] std::optional<std::vector<TaskIndex>> unpack_tasks(ByteSpan packed);

}  // namespace netcompute::store
