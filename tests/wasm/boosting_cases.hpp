#pragma once

#include "kernel_cases.hpp"

namespace netcompute::testing {

/// Calls of the kernels of gradient boosting: row counts that fill no vector, both objectives,
/// drawn rows and columns, whole and begun trees, numbers of every magnitude, damaged inputs.
[[nodiscard]] std::vector<KernelCase> boosting_cases();

/// Adds a call with each input cut, lengthened, empty, and with other bytes here and there among
/// its first ones, and one without the last input.
void add_damaged_cases(std::vector<KernelCase>& cases, const KernelCase& good,
                       std::size_t bytes_changed);

}  // namespace netcompute::testing
