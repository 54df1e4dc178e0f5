#include "cholesky.hpp"

#include <netcompute/assert.hpp>

#include <cmath>

namespace netcompute::programs {
namespace {

/// Below this share of its diagonal entry a pivot is rounding, not information.
constexpr double pivot_share_min = 1e-14;

/// The sum of a[k] b[k] for k < count, in order.
double dot_of(const double* a, const double* b, std::size_t count) {
    double sum = 0;
    for (std::size_t k = 0; k < count; ++k) sum += a[k] * b[k];
    return sum;
}

}  // namespace

std::optional<CholeskyFactor> CholeskyFactor::of(std::span<const double> upper_triangle,
                                                 std::size_t size) {
    NETCOMPUTE_ASSERT(upper_triangle.size() == size * (size + 1) / 2,
                      "the triangle is of a matrix of this size");
    CholeskyFactor factor{size};
    const double* next = upper_triangle.data();
    for (std::size_t j = 0; j < size; ++j) {
        for (std::size_t i = j; i < size; ++i) factor.row(i)[j] = *next++;
    }
    for (std::size_t i = 0; i < size; ++i) {
        double* const row = factor.row(i);
        for (std::size_t j = 0; j < i; ++j) {
            const double* const above = factor.row(j);
            row[j] = (row[j] - dot_of(row, above, j)) / above[j];
        }
        const double pivot = row[i] - dot_of(row, row, i);
        // Written so that a NaN fails too.
        if (!(pivot > pivot_share_min * row[i]) || !std::isfinite(pivot)) return std::nullopt;
        row[i] = std::sqrt(pivot);
    }
    return factor;
}

void CholeskyFactor::solve(std::span<double> x) const {
    NETCOMPUTE_ASSERT(x.size() == size_, "the triangle and the right side have different sizes");
    for (std::size_t i = 0; i < size_; ++i) {
        x[i] = (x[i] - dot_of(row(i), x.data(), i)) / row(i)[i];
    }
    for (std::size_t i = size_; i-- > 0;) {
        double sum = 0;
        for (std::size_t k = i + 1; k < size_; ++k) sum += row(k)[i] * x[k];
        x[i] = (x[i] - sum) / row(i)[i];
    }
}

std::optional<std::vector<double>> solve_positive_definite(std::span<const double> upper_triangle,
                                                           std::span<const double> b) {
    const auto factor = CholeskyFactor::of(upper_triangle, b.size());
    if (!factor) return std::nullopt;
    std::vector<double> x(b.begin(), b.end());
    factor->solve(x);
    return x;
}

}  // namespace netcompute::programs
