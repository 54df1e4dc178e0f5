// Standard normal numbers in lanes, from the words of Philox; included once a target.
#if defined(NETCOMPUTE_NORMALS_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef NETCOMPUTE_NORMALS_INL_HPP
#undef NETCOMPUTE_NORMALS_INL_HPP
#else
#define NETCOMPUTE_NORMALS_INL_HPP
#endif

#include "math-inl.hpp"
#include "philox-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace netcompute::kernels::HWY_NAMESPACE {

/// IEEE's, of numbers that are not negative.
HWY_INLINE F64 square_root(F64 x) {
#if HWY_TARGET == HWY_WASM
    return {wasm_f64x2_sqrt(x.raw)};
#else
    return {hn::Sqrt(x.raw)};
#endif
}

/// (word + 1/2) 2^-32 of a word in each lane: uniform in (0, 1), and exact.
HWY_INLINE F64 uniform(U64 word) {
    // The word as the low bits of 2^52.
    const F64 shifted = F64::from_bits(word | U64::set(0x4330000000000000));
    return (shifted - F64::set(0x1p52 - 0.5)) * F64::set(0x1p-32);
}

/// The natural logarithm of such a number.
HWY_INLINE F64 log_of_uniform(F64 x) {
    return log_of_split(split(x), F64::set(0));
}

struct NormalPair {
    F64 first;
    F64 second;
};

/// Two independent standard normal numbers from two words: a radius, and an angle of which the
/// upper two bits choose the quarter. Source: Box and Muller, "A note on the generation of random
/// normal deviates", 1958.
HWY_INLINE NormalPair normal_pair(U64 radius_word, U64 angle_word) {
    static constexpr double sine[] = {1,
                                      -1.0 / 6,
                                      1.0 / 120,
                                      -1.0 / 5040,
                                      1.0 / 362880,
                                      -1.0 / 39916800,
                                      1.0 / 6227020800,
                                      -1.0 / 1307674368000};
    static constexpr double cosine[] = {1,
                                        -1.0 / 2,
                                        1.0 / 24,
                                        -1.0 / 720,
                                        1.0 / 40320,
                                        -1.0 / 3628800,
                                        1.0 / 479001600,
                                        -1.0 / 87178291200,
                                        1.0 / 20922789888000};
    constexpr double angle_unit = 0x1.921fb54442d18p-30;  // Of the lower 30 bits: 2 pi 2^-32.
    const F64 radius = square_root(F64::set(-2) * log_of_uniform(uniform(radius_word)));
    // Between -pi/4 and pi/4, where a Taylor series needs few terms.
    const F64 low =
        F64::from_bits((angle_word & U64::set(0x3fffffff)) | U64::set(0x4330000000000000));
    const F64 angle = (low - F64::set(0x1p52 + 0x1p29 - 0.5)) * F64::set(angle_unit);
    const F64 square = angle * angle;
    const F64 along = radius * polynomial(square, cosine);
    const F64 across = radius * (angle * polynomial(square, sine));
    // Bit 31 turns by half a circle, bit 30 mirrors at the diagonal: all quarters are alike.
    const U64 sign = (angle_word & U64::set(0x80000000)).template left<32>();
    const auto is_mirrored =
        F64::from_bits((angle_word & U64::set(0x40000000)) | U64::set(0x4330000000000000)) ==
        F64::set(0x1p52 + 0x1p30);
    const F64 first = F64::select(is_mirrored, across, along);
    const F64 second = F64::select(is_mirrored, along, across);
    const F64 one = F64::from_bits(sign | U64::set(0x3ff0000000000000));
    return {one * first, one * second};
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace netcompute::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
