#pragma once

#include "kernel_cases.hpp"

#include <vector>

namespace netcompute::testing {

/// Calls of the kernels of k-means: rows that fill no vector, equal distances, numbers of every
/// magnitude, and damaged inputs.
[[nodiscard]] std::vector<KernelCase> kmeans_cases();

}  // namespace netcompute::testing
