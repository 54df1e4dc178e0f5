#pragma once

#include "kernel_cases.hpp"

#include <vector>

namespace netcompute::testing {

/// Whole trainings as one task, of each family of fit@2, and inputs that no master sends.
std::vector<KernelCase> fit_cases();

}  // namespace netcompute::testing
