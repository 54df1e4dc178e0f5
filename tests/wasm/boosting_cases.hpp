#pragma once

#include "kernel_cases.hpp"

namespace netcompute::testing {

/// Calls of the kernels of gradient boosting: row counts that fill no vector, both objectives,
/// drawn rows and columns, whole and begun trees, numbers of every magnitude, damaged inputs.
[[nodiscard]] std::vector<KernelCase> boosting_cases();

}  // namespace netcompute::testing
