#include "least_squares.hpp"

#include "cholesky.hpp"
#include <netcompute/assert.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <numeric>
#include <string>
#include <utility>

namespace netcompute::programs {
namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();

/// Columns of L with P A P' = L L', in the order of the pivots.
struct PivotedFactor {
    std::vector<std::size_t> order;            ///< Which feature each row of L is.
    std::vector<std::vector<double>> columns;  ///< rank of them; column k is 0 above row k.
};

/// Stops where what is left of the diagonal is rounding.
PivotedFactor factor_with_pivots(const NormalEquations& equations, double l2) {
    const std::size_t size = equations.size;
    PivotedFactor factor;
    factor.order.resize(size);
    std::iota(factor.order.begin(), factor.order.end(), std::size_t{0});
    std::vector<double> left(size);
    for (std::size_t i = 0; i < size; ++i) left[i] = equations.at(i, i) + l2;
    const double largest = size == 0 ? 0 : *std::max_element(left.begin(), left.end());
    const double terms = static_cast<double>(size) + std::sqrt(static_cast<double>(equations.rows));
    const double least = 8 * terms * epsilon * largest;
    for (std::size_t k = 0; k < size; ++k) {
        const auto begin = left.begin() + static_cast<std::ptrdiff_t>(k);
        const auto pivot =
            k + static_cast<std::size_t>(std::max_element(begin, left.end()) - begin);
        if (!(left[pivot] > least)) break;
        std::swap(left[k], left[pivot]);
        std::swap(factor.order[k], factor.order[pivot]);
        for (auto& column : factor.columns) std::swap(column[k], column[pivot]);
        std::vector<double> column(size);
        const double root = std::sqrt(left[k]);
        column[k] = root;
        for (std::size_t i = k + 1; i < size; ++i) {
            column[i] = equations.at(factor.order[i], factor.order[k]);
        }
        for (const auto& before : factor.columns) {
            for (std::size_t i = k + 1; i < size; ++i) column[i] -= before[i] * before[k];
        }
        for (std::size_t i = k + 1; i < size; ++i) {
            column[i] /= root;
            left[i] -= column[i] * column[i];
        }
        factor.columns.push_back(std::move(column));
    }
    return factor;
}

double dot(const std::vector<double>& a, const std::vector<double>& b, std::size_t first = 0) {
    double sum = 0;
    for (std::size_t i = first; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
}

/// Solves L L' x = b for L of full size, in place, in the order of the pivots.
void solve_factored(const PivotedFactor& factor, std::vector<double>& x) {
    const std::size_t size = factor.columns.size();
    for (std::size_t k = 0; k < size; ++k) {
        x[k] /= factor.columns[k][k];
        for (std::size_t i = k + 1; i < size; ++i) x[i] -= factor.columns[k][i] * x[k];
    }
    for (std::size_t k = size; k-- > 0;) {
        for (std::size_t i = k + 1; i < size; ++i) x[k] -= factor.columns[k][i] * x[i];
        x[k] /= factor.columns[k][k];
    }
}

std::vector<double> in_pivot_order(const PivotedFactor& factor, const std::vector<double>& b) {
    std::vector<double> ordered;
    for (const std::size_t feature : factor.order) ordered.push_back(b[feature]);
    return ordered;
}

std::vector<double> in_feature_order(const PivotedFactor& factor, const std::vector<double>& x) {
    std::vector<double> weights(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) weights[factor.order[i]] = x[i];
    return weights;
}

/// L (L'L)^-2 L' b, for L of fewer columns than rows.
std::vector<double> least_norm(const PivotedFactor& factor, const std::vector<double>& b) {
    const std::size_t rank = factor.columns.size();
    std::vector<double> triangle;  // Of L'L.
    std::vector<double> right;
    for (std::size_t i = 0; i < rank; ++i) {
        for (std::size_t j = i; j < rank; ++j) {
            triangle.push_back(dot(factor.columns[i], factor.columns[j], j));
        }
        right.push_back(dot(factor.columns[i], b, i));
    }
    std::vector<double> x(b.size());
    for (int turn = 0; turn < 2; ++turn) {
        auto solved = solve_positive_definite(triangle, right);
        if (!solved) return x;  // Rounding has left nothing: no weight is better than noise.
        right = *std::move(solved);
    }
    for (std::size_t k = 0; k < rank; ++k) {
        for (std::size_t i = k; i < x.size(); ++i) x[i] += factor.columns[k][i] * right[k];
    }
    return x;
}

/// The diagonal of (L L')^-1, in the order of the pivots.
std::vector<double> diagonal_of_inverse(const PivotedFactor& factor) {
    const std::size_t size = factor.columns.size();
    std::vector<double> diagonal(size);
    // Its entry j is the sum of squares of column j of L^-1, which begins in row j.
    for (std::size_t j = 0; j < size; ++j) {
        std::vector<double> column(size);
        column[j] = 1;
        for (std::size_t k = j; k < size; ++k) {
            column[k] /= factor.columns[k][k];
            for (std::size_t i = k + 1; i < size; ++i) {
                column[i] -= factor.columns[k][i] * column[k];
            }
        }
        diagonal[j] = dot(column, column, j);
    }
    return diagonal;
}

double soft_threshold(double value, double by) {
    if (value > by) return value - by;
    if (value < -by) return value + by;
    return 0;
}

std::string text_of(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.6g", value);
    return text;
}

/// Coordinate descent by the products alone.
class Descent {
 public:
    Descent(const NormalEquations& equations, const ElasticNetPenalty& penalty)
        : equations_{equations},
          rows_{static_cast<double>(equations.rows)},
          l1_{penalty.alpha * penalty.l1_ratio * rows_},
          l2_{penalty.alpha * (1 - penalty.l1_ratio) * rows_},
          weights_(equations.size),
          rest_{equations.right} {}

    void sweep() {
        for (std::size_t j = 0; j < equations_.size; ++j) {
            const double own = equations_.at(j, j);
            if (!(own + l2_ > 0)) continue;
            const double before = weights_[j];
            const double after = soft_threshold(rest_[j] + own * before, l1_) / (own + l2_);
            if (after == before) continue;
            const double change = after - before;
            for (std::size_t i = 0; i < rest_.size(); ++i) rest_[i] -= equations_.at(j, i) * change;
            weights_[j] = after;
        }
    }

    /// How far the objective, times rows, is above its least value at most: by a point of the dual
    /// problem, which is the residual, scaled so that no feature's product with it is above l1.
    [[nodiscard]] double gap() const {
        double largest = 0;
        double absolute = 0;
        double squares = 0;
        double along = 0;   // w'X'y
        double inside = 0;  // w'X'r
        for (std::size_t j = 0; j < weights_.size(); ++j) {
            largest = std::max(largest, std::fabs(rest_[j] - l2_ * weights_[j]));
            absolute += std::fabs(weights_[j]);
            squares += weights_[j] * weights_[j];
            along += weights_[j] * equations_.right[j];
            inside += weights_[j] * rest_[j];
        }
        const double residual_target = equations_.target_square - along;  // r'y
        const double residual_square = std::max(0.0, residual_target - inside);
        const double scale = largest > l1_ ? l1_ / largest : 1;
        const double primal = 0.5 * residual_square + l1_ * absolute + 0.5 * l2_ * squares;
        const double dual = scale * residual_target - 0.5 * scale * scale * residual_square -
                            0.5 * scale * scale * l2_ * squares;
        return primal - dual;
    }

    [[nodiscard]] const std::vector<double>& weights() const { return weights_; }

 private:
    const NormalEquations& equations_;
    double rows_;
    double l1_;
    double l2_;
    std::vector<double> weights_;
    std::vector<double> rest_;  ///< X'(y - X w).
};

}  // namespace

LeastSquares solve_least_squares(const NormalEquations& equations, double l2, bool with_inverse) {
    NETCOMPUTE_ASSERT(equations.gram.size() == equations.size * equations.size &&
                          equations.right.size() == equations.size,
                      "the products are of all features");
    const PivotedFactor factor = factor_with_pivots(equations, l2);
    LeastSquares solution;
    solution.rank = factor.columns.size();
    std::vector<double> x = in_pivot_order(factor, equations.right);
    if (solution.rank < equations.size) {
        solution.weights = in_feature_order(factor, least_norm(factor, x));
        return solution;
    }
    solve_factored(factor, x);
    solution.weights = in_feature_order(factor, x);
    if (with_inverse) {
        solution.inverse_diagonal = in_feature_order(factor, diagonal_of_inverse(factor));
    }
    return solution;
}

Result<ElasticNet> solve_elastic_net(const NormalEquations& equations,
                                     const ElasticNetPenalty& penalty) {
    if (penalty.alpha * penalty.l1_ratio == 0) {
        const double l2 = penalty.alpha * static_cast<double>(equations.rows);
        return ElasticNet{solve_least_squares(equations, l2, false).weights, 0, 0};
    }
    Descent descent{equations, penalty};
    const double gap_max = penalty.tolerance * equations.target_square;
    ElasticNet solution;
    double gap = 0;
    do {
        descent.sweep();
        ++solution.sweeps;
        gap = descent.gap();
        if (gap <= gap_max) {
            solution.weights = descent.weights();
            solution.gap = gap / static_cast<double>(equations.rows);
            return solution;
        }
    } while (solution.sweeps < penalty.sweeps_max);
    return unexpected(ErrorCode::LimitExceeded,
                      "training: after " + std::to_string(solution.sweeps) +
                          " sweeps the objective may still be " +
                          text_of(gap / static_cast<double>(equations.rows)) +
                          " above its least value, more than tol allows (" +
                          text_of(gap_max / static_cast<double>(equations.rows)) +
                          "): allow more sweeps (max_iter), or a larger tol or alpha");
}

}  // namespace netcompute::programs
