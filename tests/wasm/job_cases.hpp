#pragma once

#include "kernel_cases.hpp"

namespace netcompute::testing {

/// What workers would be asked for: every task of a job of each type with its example params, and
/// some of these tasks with inputs that are damaged. A new kernel has cases by its job type.
[[nodiscard]] std::vector<KernelCase> job_cases();

/// Those of kernel_cases(), then those of job_cases().
[[nodiscard]] std::vector<KernelCase> all_cases();

}  // namespace netcompute::testing
