#include "symmetric_eigen.hpp"

#include <netcompute/assert.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

namespace netcompute::programs {
namespace {

constexpr int shifts_max = 100;  ///< Of one eigenvalue; two or three are usual.

/// The square root of a² + b², which does not overflow on the way.
double length(double a, double b) {
    const double large = std::max(std::fabs(a), std::fabs(b));
    if (large == 0) return 0;
    const double share = std::min(std::fabs(a), std::fabs(b)) / large;
    return large * std::sqrt(1 + share * share);
}

/// The matrix on its way to its eigenvectors, with the diagonal and what lies beside it. The names
/// are those of the source.
class Reduction {
 public:
    Reduction(std::vector<double> matrix, std::size_t size)
        : n_{size}, v_{std::move(matrix)}, d_(size), e_(size) {}

    /// To a matrix of three diagonals.
    void tridiagonalise() {
        for (std::size_t j = 0; j < n_; ++j) d_[j] = at(n_ - 1, j);
        for (std::size_t i = n_ - 1; i > 0; --i) reflect(i);
        for (std::size_t i = 0; i + 1 < n_; ++i) gather(i);
        for (std::size_t j = 0; j < n_; ++j) {
            d_[j] = at(n_ - 1, j);
            at(n_ - 1, j) = 0;
        }
        at(n_ - 1, n_ - 1) = 1;
        e_[0] = 0;
    }

    /// From that to the diagonal; whether it got there.
    [[nodiscard]] bool diagonalise() {
        std::rotate(e_.begin(), e_.begin() + 1, e_.end());
        e_[n_ - 1] = 0;
        double shift = 0;
        double largest = 0;
        for (std::size_t l = 0; l < n_; ++l) {
            largest = std::max(largest, std::fabs(d_[l]) + std::fabs(e_[l]));
            const double small = std::numeric_limits<double>::epsilon() * largest;
            std::size_t m = l;
            while (m + 1 < n_ && std::fabs(e_[m]) > small) ++m;
            if (m > l) {
                int shifts = 0;
                do {
                    if (++shifts > shifts_max) return false;
                    shift += step(l, m);
                } while (std::fabs(e_[l]) > small);
            }
            d_[l] += shift;
            e_[l] = 0;
        }
        return true;
    }

    [[nodiscard]] double value(std::size_t i) const { return d_[i]; }
    [[nodiscard]] const double* vector(std::size_t i) const { return v_.data() + i * n_; }

 private:
    /// Columns lie one after the other, so that inner loops go along them.
    [[nodiscard]] double& at(std::size_t row, std::size_t column) { return v_[column * n_ + row]; }

    void reflect(std::size_t i) {
        double scale = 0;
        for (std::size_t k = 0; k < i; ++k) scale += std::fabs(d_[k]);
        if (scale == 0) {
            e_[i] = d_[i - 1];
            for (std::size_t j = 0; j < i; ++j) {
                d_[j] = at(i - 1, j);
                at(i, j) = at(j, i) = 0;
            }
            d_[i] = 0;
            return;
        }
        double h = 0;
        for (std::size_t k = 0; k < i; ++k) {
            d_[k] /= scale;
            h += d_[k] * d_[k];
        }
        const double last = d_[i - 1];
        const double root = last > 0 ? -std::sqrt(h) : std::sqrt(h);
        e_[i] = scale * root;
        h -= last * root;
        d_[i - 1] = last - root;
        std::fill_n(e_.begin(), i, 0.0);
        for (std::size_t j = 0; j < i; ++j) {
            const double f = d_[j];
            at(j, i) = f;
            double g = e_[j] + at(j, j) * f;
            for (std::size_t k = j + 1; k < i; ++k) {
                g += at(k, j) * d_[k];
                e_[k] += at(k, j) * f;
            }
            e_[j] = g;
        }
        double along = 0;
        for (std::size_t j = 0; j < i; ++j) {
            e_[j] /= h;
            along += e_[j] * d_[j];
        }
        const double half = along / (h + h);
        for (std::size_t j = 0; j < i; ++j) e_[j] -= half * d_[j];
        for (std::size_t j = 0; j < i; ++j) {
            const double f = d_[j];
            const double g = e_[j];
            for (std::size_t k = j; k < i; ++k) at(k, j) -= f * e_[k] + g * d_[k];
            d_[j] = at(i - 1, j);
            at(i, j) = 0;
        }
        d_[i] = h;
    }

    /// Multiplies the reflections up to i.
    void gather(std::size_t i) {
        at(n_ - 1, i) = at(i, i);
        at(i, i) = 1;
        const double h = d_[i + 1];
        if (h != 0) {
            for (std::size_t k = 0; k <= i; ++k) d_[k] = at(k, i + 1) / h;
            for (std::size_t j = 0; j <= i; ++j) {
                double g = 0;
                for (std::size_t k = 0; k <= i; ++k) g += at(k, i + 1) * at(k, j);
                for (std::size_t k = 0; k <= i; ++k) at(k, j) -= g * d_[k];
            }
        }
        for (std::size_t k = 0; k <= i; ++k) at(k, i + 1) = 0;
    }

    /// A QL step of the part from l to m, by a shift that is returned.
    double step(std::size_t l, std::size_t m) {
        const double first = d_[l];
        double p = (d_[l + 1] - first) / (2 * e_[l]);
        const double r = p < 0 ? -length(p, 1) : length(p, 1);
        d_[l] = e_[l] / (p + r);
        d_[l + 1] = e_[l] * (p + r);
        const double beside = d_[l + 1];
        const double shift = first - d_[l];
        for (std::size_t i = l + 2; i < n_; ++i) d_[i] -= shift;
        p = d_[m];
        double c = 1, c2 = 1, c3 = 1;
        double s = 0, s2 = 0;
        const double e_beside = e_[l + 1];
        for (std::size_t i = m; i-- > l;) {
            c3 = c2;
            c2 = c;
            s2 = s;
            const double g = c * e_[i];
            const double h = c * p;
            const double radius = length(p, e_[i]);
            e_[i + 1] = s * radius;
            s = e_[i] / radius;
            c = p / radius;
            p = c * d_[i] - s * g;
            d_[i + 1] = h + s * (c * g + s * d_[i]);
            rotate(i, c, s);
        }
        p = -s * s2 * c3 * e_beside * e_[l] / beside;
        e_[l] = s * p;
        d_[l] = c * p;
        return shift;
    }

    void rotate(std::size_t i, double c, double s) {
        double* const left = v_.data() + i * n_;
        double* const right = left + n_;
        for (std::size_t k = 0; k < n_; ++k) {
            const double before = right[k];
            right[k] = s * left[k] + c * before;
            left[k] = c * left[k] - s * before;
        }
    }

    std::size_t n_;
    std::vector<double> v_;
    std::vector<double> d_;
    std::vector<double> e_;
};

double sign_of(const double* vector, std::size_t size) {
    std::size_t largest = 0;
    for (std::size_t i = 1; i < size; ++i) {
        if (std::fabs(vector[i]) > std::fabs(vector[largest])) largest = i;
    }
    return vector[largest] < 0 ? -1 : 1;
}

}  // namespace

std::optional<SymmetricEigen> symmetric_eigen(std::vector<double> matrix, std::size_t size) {
    NETCOMPUTE_ASSERT(size > 0 && matrix.size() == size * size, "the matrix is square");
    for (const double entry : matrix) {
        if (!std::isfinite(entry)) return std::nullopt;
    }
    Reduction reduction{std::move(matrix), size};
    reduction.tridiagonalise();
    if (!reduction.diagonalise()) return std::nullopt;
    std::vector<std::size_t> order(size);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return reduction.value(a) > reduction.value(b);
    });
    SymmetricEigen eigen;
    for (const std::size_t i : order) {
        eigen.values.push_back(reduction.value(i));
        const double sign = sign_of(reduction.vector(i), size);
        for (std::size_t k = 0; k < size; ++k) {
            eigen.vectors.push_back(sign * reduction.vector(i)[k] + 0.0);
        }
    }
    return eigen;
}

}  // namespace netcompute::programs
