#pragma once

#include <netcompute/bytes.hpp>

namespace netcompute::fuzz {

/// What a fuzz target defines: tries one input and stops the process, by NETCOMPUTE_ASSERT or a
/// sanitizer, if a promise about it is broken. Says whether the input was accepted as good, so that
/// a replay can tell that a corpus holds inputs of both kinds. Keeps nothing from one to the next.
[[nodiscard]] bool try_input(ByteSpan input);

}  // namespace netcompute::fuzz
