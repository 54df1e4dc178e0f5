#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace netcompute::programs {

/// A symmetric positive definite matrix as L L', for many right sides. Every sum has a fixed order,
/// so the bits are the same on every build.
/// Source: Golub and Van Loan, "Matrix Computations", 4th ed., section 4.2.
class CholeskyFactor {
 public:
    /// Of the upper triangle, row after row. Nothing if it is not positive definite to working
    /// precision.
    [[nodiscard]] static std::optional<CholeskyFactor> of(std::span<const double> upper_triangle,
                                                          std::size_t size);
    /// Solves A x = b in place.
    void solve(std::span<double> b) const;

 private:
    explicit CholeskyFactor(std::size_t size) : size_{size}, lower_(size * (size + 1) / 2) {}
    double* row(std::size_t i) { return lower_.data() + i * (i + 1) / 2; }
    [[nodiscard]] const double* row(std::size_t i) const { return lower_.data() + i * (i + 1) / 2; }

    std::size_t size_;
    std::vector<double> lower_;  ///< L, row after row.
};

/// Solves A x = b for one right side; nothing if A is not positive definite to working precision.
[[nodiscard]] std::optional<std::vector<double>> solve_positive_definite(
    std::span<const double> upper_triangle, std::span<const double> b);

}  // namespace netcompute::programs
