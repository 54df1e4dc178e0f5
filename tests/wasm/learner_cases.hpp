#pragma once

#include "kernel_cases.hpp"

namespace netcompute::testing {

/// Calls of the kernels of naive Bayes, neural networks and nearest neighbours, whole and damaged.
std::vector<KernelCase> learner_cases();

}  // namespace netcompute::testing
