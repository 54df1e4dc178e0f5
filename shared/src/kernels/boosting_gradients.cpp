#include "boosting_gradients.hpp"

#include <algorithm>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "boosting_gradients.cpp"
#include <hwy/foreach_target.h>
//
#include "lanes-inl.hpp"
#include "math-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace netcompute::kernels::HWY_NAMESPACE {

/// The nearest whole number as two's complement, of a number that is small enough.
HWY_INLINE U64 whole(F64 x) {
    return (x + F64::set(0x1.8p52)).bits() - U64::set(0x4338000000000000);
}

HWY_INLINE U64 packed_log_loss(F64 score, F64 label, F64 per_gradient, F64 per_hessian) {
    const F64 chance = sigmoid(score);
    const F64 gradient = (chance - label) * per_gradient;
    const F64 hessian = chance * (F64::set(1) - chance) * per_hessian;
    return whole(gradient).left<32>() + whole(hessian);
}

/// Rows are lanes; those that do not fill a vector are filled up in `last`.
void pack_log_loss(const double* scores, const double* labels, std::size_t count,
                   double per_gradient, double per_hessian, std::uint64_t* packed) {
    const F64 g = F64::set(per_gradient);
    const F64 h = F64::set(per_hessian);
    std::size_t row = 0;
    const auto store = [](U64 sums, std::uint64_t* to) {
        F64::from_bits(sums).store(reinterpret_cast<double*>(to));
    };
    for (; row + F64::lanes <= count; row += F64::lanes) {
        store(packed_log_loss(F64::load(scores + row), F64::load(labels + row), g, h),
              packed + row);
    }
    if (row == count) return;
    double last[2][F64::lanes] = {};
    std::uint64_t out[F64::lanes];
    std::copy(scores + row, scores + count, last[0]);
    std::copy(labels + row, labels + count, last[1]);
    store(packed_log_loss(F64::load(last[0]), F64::load(last[1]), g, h), out);
    std::copy_n(out, count - row, packed + row);
}

/// A vector of rows of every class; `at(c)` leads to the scores of class c.
template <class At>
HWY_INLINE F64 log_sum(std::size_t classes, const At& at) {
    F64 largest = F64::load(at(0));
    for (std::size_t c = 1; c < classes; ++c) {
        const F64 score = F64::load(at(c));
        largest = F64::select(largest < score, score, largest);
    }
    F64 sum = F64::set(0);
    for (std::size_t c = 0; c < classes; ++c) sum = sum + exp(F64::load(at(c)) - largest);
    return largest + log(sum);
}

void find_log_sums(const double* const* scores, std::size_t classes, std::size_t rows,
                   double* sums) {
    std::size_t row = 0;
    for (; row + F64::lanes <= rows; row += F64::lanes) {
        log_sum(classes, [&](std::size_t c) { return scores[c] + row; }).store(sums + row);
    }
    if (row == rows) return;
    double last[boosting_classes_max * F64::lanes] = {};
    for (std::size_t c = 0; c < classes; ++c) {
        std::copy(scores[c] + row, scores[c] + rows, last + c * F64::lanes);
    }
    double out[F64::lanes];
    log_sum(classes, [&](std::size_t c) { return last + c * F64::lanes; }).store(out);
    std::copy_n(out, rows - row, sums + row);
}

/// The curvature is twice that of the loss, as XGBoost has it: the bound of the whole matrix.
HWY_INLINE U64 packed_softmax(F64 score, F64 sum, F64 label, F64 own, F64 per_gradient,
                              F64 per_hessian) {
    const F64 one = F64::set(1);
    const F64 chance = exp(score - sum);
    const F64 is_own = F64::select(label == own, one, F64::set(0));
    const F64 rest = one - chance;
    const F64 hessian = chance * F64::select(rest < F64::set(0), F64::set(0), rest) * F64::set(2);
    return whole((chance - is_own) * per_gradient).left<32>() + whole(hessian * per_hessian);
}

void pack_softmax_rows(const double* scores, const double* sums, const double* labels,
                       std::size_t count, double label, double per_gradient, double per_hessian,
                       std::uint64_t* packed) {
    const F64 g = F64::set(per_gradient);
    const F64 h = F64::set(per_hessian);
    const F64 own = F64::set(label);
    const auto store = [](U64 values, std::uint64_t* to) {
        F64::from_bits(values).store(reinterpret_cast<double*>(to));
    };
    std::size_t row = 0;
    for (; row + F64::lanes <= count; row += F64::lanes) {
        store(packed_softmax(F64::load(scores + row), F64::load(sums + row),
                             F64::load(labels + row), own, g, h),
              packed + row);
    }
    if (row == count) return;
    double last[3][F64::lanes] = {};
    std::uint64_t out[F64::lanes];
    std::copy(scores + row, scores + count, last[0]);
    std::copy(sums + row, sums + count, last[1]);
    std::copy(labels + row, labels + count, last[2]);
    store(packed_softmax(F64::load(last[0]), F64::load(last[1]), F64::load(last[2]), own, g, h),
          out);
    std::copy_n(out, count - row, packed + row);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace netcompute::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <netcompute/random.hpp>

namespace netcompute::kernels {

HWY_EXPORT(pack_log_loss);
HWY_EXPORT(find_log_sums);
HWY_EXPORT(pack_softmax_rows);

namespace {

// 4,000 rows of 2^19 units of gradient stay below 2^31, of 2^20 units of curvature below 2^32.
constexpr double gradient_range = 0x1p19;
constexpr double hessian_range = 0x1p20;

}  // namespace

Units gradient_units(BoostingObjective objective, double largest) {
    if (objective == BoostingObjective::LogLoss) {
        return {1 / gradient_range, 0.25 / hessian_range};  // |p - y| <= 1, p (1 - p) <= 1/4.
    }
    if (objective == BoostingObjective::Softmax) {
        return {1 / gradient_range, 0.5 / hessian_range};  // 2 p (1 - p) <= 1/2.
    }
    int exponent = 0;
    std::frexp(largest, &exponent);
    // Residuals of almost nothing need no finer units.
    return {std::ldexp(1 / gradient_range, std::max(exponent, -900)), 1 / hessian_range};
}

double largest_residual(std::span<const double> scores, std::span<const double> labels) {
    double largest = 0;
    for (std::size_t row = 0; row < scores.size(); ++row) {
        const double size = std::fabs(scores[row] - labels[row]);
        if (!std::isfinite(size)) return std::nan("");
        largest = std::max(largest, size);
    }
    return largest;
}

void log_sums(std::span<const double* const> scores, std::size_t rows, double* sums) {
    HWY_DYNAMIC_DISPATCH(find_log_sums)(scores.data(), scores.size(), rows, sums);
}

void pack_softmax(std::span<const double> scores, const double* sums,
                  std::span<const double> labels, double label, const Units& units,
                  std::uint64_t* packed) {
    HWY_DYNAMIC_DISPATCH(pack_softmax_rows)
    (scores.data(), sums, labels.data(), scores.size(), label, 1 / units.gradient,
     1 / units.hessian, packed);
}

void pack_gradients(BoostingObjective objective, std::span<const double> scores,
                    std::span<const double> labels, const Units& units, std::uint64_t* packed) {
    if (objective == BoostingObjective::LogLoss) {
        HWY_DYNAMIC_DISPATCH(pack_log_loss)
        (scores.data(), labels.data(), scores.size(), 1 / units.gradient, 1 / units.hessian,
         packed);
        return;
    }
    const auto hessian = static_cast<std::uint64_t>(1 / units.hessian);
    for (std::size_t row = 0; row < scores.size(); ++row) {
        const double gradient = (scores[row] - labels[row]) / units.gradient;
        const auto units_of_row = static_cast<std::int64_t>(std::nearbyint(gradient));
        packed[row] = (static_cast<std::uint64_t>(units_of_row) << 32) + hessian;
    }
}

void leave_out_rows(const BoostingPlan& plan, std::uint32_t tree, std::uint32_t first,
                    std::span<std::uint64_t> packed) {
    if (plan.subsample >= 1) return;
    const auto below = static_cast<std::uint64_t>(plan.subsample * 0x1p32);
    const Philox::Key key{static_cast<std::uint32_t>(plan.seed),
                          static_cast<std::uint32_t>(plan.seed >> 32)};
    for (std::size_t row = 0; row < packed.size(); row += 4) {
        const auto block = static_cast<std::uint32_t>((first + row) / 4);
        const Philox::Block draws = Philox::block({block, 0, tree, 0}, key);
        const std::size_t count = std::min<std::size_t>(4, packed.size() - row);
        for (std::size_t i = 0; i < count; ++i) {
            if (draws[i] >= below) packed[row + i] = 0;
        }
    }
}

}  // namespace netcompute::kernels
#endif
