#pragma once

#include <optional>
#include <span>
#include <vector>

namespace netcompute::programs {

/// Solves A x = b for a symmetric positive definite A, given as its upper triangle, row after row.
/// Nothing if A is not positive definite to working precision. Every sum has a fixed order, so the
/// bits are the same on every build.
/// Source: Golub and Van Loan, "Matrix Computations", 4th ed., section 4.2.
[[nodiscard]] std::optional<std::vector<double>> solve_positive_definite(
    std::span<const double> upper_triangle, std::span<const double> b);

}  // namespace netcompute::programs
