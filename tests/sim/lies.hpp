#pragma once

#include "dice.hpp"
#include <netcompute/bytes.hpp>

#include <string_view>

namespace netcompute::sim {

/// What a liar says instead of a task's output.
struct Lie {
    std::string_view kind;  ///< For the trace.
    Bytes bytes;            ///< Never the truth.
};

/// Draws a lie. `other` is another task's output. With probability `collusion` the lie is the one
/// that every liar tells of this task.
[[nodiscard]] Lie lie_about(ByteSpan truth, ByteSpan other, double collusion, Dice& dice);

}  // namespace netcompute::sim
