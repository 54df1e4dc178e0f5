// What a CPU can do, for Highway's choice of a target at run time, in place of libhwy: no two
// distributions ship that library alike, and it comes as a shared one only. Declared in
// <hwy/targets.h>; which features a target takes for granted says <hwy/ops/set_macros-inl.h>.

#include <hwy/highway.h>
#include <hwy/targets.h>

#include <cstdint>

namespace hwy {
namespace {

std::int64_t for_test = 0;

std::int64_t detect() {
    std::int64_t targets = HWY_ENABLED_BASELINE;
#if HWY_ARCH_X86
    const bool has_sse4 = __builtin_cpu_supports("sse4.1") && __builtin_cpu_supports("sse4.2") &&
                          __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("aes");
    // Each CPU with AVX2 has F16C too. The compiler's own test asks whether the operating system
    // saves the wide registers.
    const bool has_avx2 = has_sse4 && __builtin_cpu_supports("avx2");
    const bool has_avx3 = has_avx2 && __builtin_cpu_supports("avx512f") &&
                          __builtin_cpu_supports("avx512vl") &&
                          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
    if (__builtin_cpu_supports("ssse3")) targets |= HWY_SSSE3;
    if (has_sse4) targets |= HWY_SSE4;
    if (has_avx2) targets |= HWY_AVX2;
    if (has_avx3) targets |= HWY_AVX3;
#endif
    return targets;
}

}  // namespace

HWY_DLLEXPORT std::int64_t SupportedTargets() {
    static const std::int64_t detected = detect();
    return for_test != 0 ? for_test : detected;
}

HWY_DLLEXPORT void SetSupportedTargetsForTest(std::int64_t targets) {
    for_test = targets;
}

HWY_DLLEXPORT ChosenTarget& GetChosenTarget() {
    static ChosenTarget chosen;
    return chosen;
}

}  // namespace hwy
