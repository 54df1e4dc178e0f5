#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace netcompute::programs {

/// The eigenvalues of a symmetric matrix, the largest first, and their vectors of length 1.
struct SymmetricEigen {
    std::vector<double> values;
    std::vector<double> vectors;  ///< Shape [size][size]: vector k is row k.
};

/// By Householder's reflections and the QL algorithm with implicit shifts: plain loops in a fixed
/// order, so the same bits on every build. `matrix` has shape [size][size]; its lower triangle is
/// read. Of each vector the entry of the largest magnitude, the first of equal ones, is positive.
/// Nothing for a matrix that is not finite. It takes 9 size³ operations or so.
/// Source: Bowdler, Martin, Reinsch and Wilkinson, "The QR and QL algorithms for symmetric
/// matrices", Numerische Mathematik 11 (1968); EISPACK's tred2 and tql2.
[[nodiscard]] std::optional<SymmetricEigen> symmetric_eigen(std::vector<double> matrix,
                                                            std::size_t size);

}  // namespace netcompute::programs
