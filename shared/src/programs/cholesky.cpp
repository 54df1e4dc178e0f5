#include "cholesky.hpp"

#include <netcompute/assert.hpp>

#include <cmath>
#include <cstddef>

namespace netcompute::programs {
namespace {

/// Below this share of its diagonal entry a pivot is rounding, not information.
constexpr double pivot_share_min = 1e-14;

/// A lower triangle, row after row.
class LowerTriangle {
 public:
    explicit LowerTriangle(std::size_t size) : values_(size * (size + 1) / 2) {}
    double* row(std::size_t i) { return values_.data() + i * (i + 1) / 2; }
    const double* row(std::size_t i) const { return values_.data() + i * (i + 1) / 2; }

 private:
    std::vector<double> values_;
};

/// The sum of a[k] b[k] for k < count, in order.
double dot(const double* a, const double* b, std::size_t count) {
    double sum = 0;
    for (std::size_t k = 0; k < count; ++k) sum += a[k] * b[k];
    return sum;
}

}  // namespace

std::optional<std::vector<double>> solve_positive_definite(std::span<const double> upper_triangle,
                                                           std::span<const double> b) {
    const std::size_t size = b.size();
    NETCOMPUTE_ASSERT(upper_triangle.size() == size * (size + 1) / 2,
                      "the triangle and the right side have different sizes");
    LowerTriangle factor{size};
    const double* next = upper_triangle.data();
    for (std::size_t j = 0; j < size; ++j) {
        for (std::size_t i = j; i < size; ++i) factor.row(i)[j] = *next++;
    }
    for (std::size_t i = 0; i < size; ++i) {
        double* const row = factor.row(i);
        for (std::size_t j = 0; j < i; ++j) {
            const double* const above = factor.row(j);
            row[j] = (row[j] - dot(row, above, j)) / above[j];
        }
        const double pivot = row[i] - dot(row, row, i);
        // Written so that a NaN fails too.
        if (!(pivot > pivot_share_min * row[i]) || !std::isfinite(pivot)) return std::nullopt;
        row[i] = std::sqrt(pivot);
    }
    std::vector<double> x(b.begin(), b.end());
    for (std::size_t i = 0; i < size; ++i) {
        x[i] = (x[i] - dot(factor.row(i), x.data(), i)) / factor.row(i)[i];
    }
    for (std::size_t i = size; i-- > 0;) {
        double sum = 0;
        for (std::size_t k = i + 1; k < size; ++k) sum += factor.row(k)[i] * x[k];
        x[i] = (x[i] - sum) / factor.row(i)[i];
    }
    return x;
}

}  // namespace netcompute::programs
