#pragma once

#include <netcompute/programs/program.hpp>

namespace netcompute::test_support {

/// Folds a round of a program that publishes nothing.
[[nodiscard]] inline Result<void> fold_here(programs::Program& program,
                                            std::span<const ByteSpan> outputs) {
    programs::RoundWork work{outputs};
    return program.finish_round(outputs, work);
}

}  // namespace netcompute::test_support
