#pragma once

#include <netcompute/result.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace netcompute::programs {

/// Least squares of centred columns, by their products. Every sum has a fixed order, so the bits
/// are the same on every build.
struct NormalEquations {
    std::size_t size = 0;       ///< d: how many features.
    std::vector<double> gram;   ///< Shape [d][d]: X'X, symmetric.
    std::vector<double> right;  ///< Shape [d]: X'y.
    double target_square = 0;   ///< y'y.
    std::uint64_t rows = 0;

    [[nodiscard]] double at(std::size_t i, std::size_t j) const { return gram[i * size + j]; }
};

/// What solves them.
struct LeastSquares {
    std::vector<double> weights;  ///< Shape [d].
    std::size_t rank = 0;         ///< Of the features.
    /// Shape [d]: the diagonal of the inverse of X'X; empty unless the features are independent.
    std::vector<double> inverse_diagonal;
};

/// The weights w with the least |y - X w|² + l2 |w|², of all those the ones with the least |w|:
/// so features may depend on each other, or be more than rows.
/// Source: Golub and Van Loan, "Matrix Computations", 4th ed., sections 4.2.8 (Cholesky's
/// decomposition with pivots) and 5.5 (rank deficiency); with X'X = L L' of full column rank, its
/// pseudo-inverse is L (L'L)^-2 L'.
[[nodiscard]] LeastSquares solve_least_squares(const NormalEquations& equations, double l2,
                                               bool with_inverse);

struct ElasticNetPenalty {
    double alpha = 1;
    double l1_ratio = 1;
    double tolerance = 1e-8;  ///< Of y'y / rows: the largest duality gap.
    std::uint32_t sweeps_max = 10'000;
};

struct ElasticNet {
    std::vector<double> weights;
    std::uint32_t sweeps = 0;
    double gap = 0;  ///< What the objective is above its least value, at most.
};

/// The weights with the least |y - X w|² / (2 rows) + alpha l1_ratio |w|_1
/// + alpha (1 - l1_ratio) / 2 |w|², by coordinate descent: feature after feature.
/// Errors: LimitExceeded where the gap is above the tolerance after all sweeps.
/// Source: Friedman, Hastie and Tibshirani, "Regularization paths for generalized linear models via
/// coordinate descent", J. Stat. Softw. 33 (2010); the gap as in Kim et al., "An interior-point
/// method for large-scale l1-regularized least squares", IEEE J. Sel. Top. Signal Process. 1
/// (2007).
[[nodiscard]] Result<ElasticNet> solve_elastic_net(const NormalEquations& equations,
                                                   const ElasticNetPenalty& penalty);

}  // namespace netcompute::programs
