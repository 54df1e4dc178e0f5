#pragma once

#include "kernel_cases.hpp"

#include <vector>

namespace netcompute::testing {

/// Calls of the kernels of forests: classes and numbers, drawn and random, and damaged inputs.
[[nodiscard]] std::vector<KernelCase> forest_cases();

}  // namespace netcompute::testing
