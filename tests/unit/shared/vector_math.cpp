// The vector forms of the portable functions, for kernel_targets_test.cpp.
#include <span>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "vector_math.cpp"
#include <hwy/foreach_target.h>
//
#include "lanes-inl.hpp"
#include "math-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace netcompute::kernels::HWY_NAMESPACE {

void apply_all(const double* x, std::size_t count, double* const* results) {
    for (std::size_t i = 0; i + F64::lanes <= count; i += F64::lanes) {
        const F64 lanes = F64::load(x + i);
        exp(lanes).store(results[0] + i);
        log(lanes).store(results[1] + i);
        log1p(lanes).store(results[2] + i);
        sigmoid(lanes).store(results[3] + i);
        softplus(lanes).store(results[4] + i);
    }
}

std::size_t lane_count() {
    return F64::lanes;
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace netcompute::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace netcompute {
namespace kernels {
HWY_EXPORT(apply_all);
HWY_EXPORT(lane_count);
void apply_all_here(const double* x, std::size_t count, double* const* results) {
    HWY_DYNAMIC_DISPATCH(apply_all)(x, count, results);
}
std::size_t lane_count_here() {
    return HWY_DYNAMIC_DISPATCH(lane_count)();
}
}  // namespace kernels

void vector_math(std::span<const double> x, std::span<double> exp, std::span<double> log,
                 std::span<double> log1p, std::span<double> sigmoid, std::span<double> softplus) {
    double* const results[] = {exp.data(), log.data(), log1p.data(), sigmoid.data(),
                               softplus.data()};
    kernels::apply_all_here(x.data(), x.size(), results);
}
std::size_t vector_lanes() {
    return kernels::lane_count_here();
}

}  // namespace netcompute
#endif
