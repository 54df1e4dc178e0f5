// Portable elementary functions, for one f64 or for a vector of them; included once a target.
//
// V is F64 of lanes-inl.hpp, or the single lane of math.cpp: the same operations in the same
// order, so a vector's lane has the bits of the scalar function. The bounds of the errors are in
// netcompute/math.hpp. The polynomials are minimax ones for these intervals, with f64 coefficients,
// by fpminimax of Sollya (Brisebarre and Chevillard, "Efficient polynomial L-infinity
// approximations", ARITH 2007).
#if defined(NETCOMPUTE_MATH_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef NETCOMPUTE_MATH_INL_HPP
#undef NETCOMPUTE_MATH_INL_HPP
#else
#define NETCOMPUTE_MATH_INL_HPP
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace netcompute::kernels::HWY_NAMESPACE {

// ln 2 in two parts. The first has 42 bits, so its product with any exponent of an f64 is exact.
inline constexpr double ln2_high = 0x1.62e42fefa38p-1;
inline constexpr double ln2_low = 0x1.ef35793c7673p-45;
inline constexpr double log2_e = 0x1.71547652b82fep+0;
inline constexpr std::uint64_t sign_bit = std::uint64_t{1} << 63;
inline constexpr std::uint64_t nan_bits = 0x7ff8000000000000;
inline constexpr std::uint64_t infinity_bits = 0x7ff0000000000000;

template <class V>
HWY_INLINE V from_bits(std::uint64_t bits) {
    return V::from_bits(V::Bits::set(bits));
}

template <class V>
HWY_INLINE V absolute(V x) {
    return V::from_bits(x.bits() & V::Bits::set(~sign_bit));
}

/// `result`, but the one canonical NaN wherever `x` is a NaN: hardware differs in which it makes.
template <class V>
HWY_INLINE V unless_nan(V x, V result) {
    return V::select(x == x, result, from_bits<V>(nan_bits));
}

/// c[0] + c[1] x + c[2] x^2 + …, by Horner's rule.
template <class V, std::size_t count>
HWY_INLINE V polynomial(V x, const double (&c)[count]) {
    V sum = V::set(c[count - 1]);
    for (std::size_t i = count - 1; i-- > 0;) sum = sum * x + V::set(c[i]);
    return sum;
}

/// e^x = 2^k e^r with |r| <= ln(2)/2, and e^r = 1 + r + r^2 q(r).
template <class V>
HWY_INLINE V exp(V x) {
    static constexpr double q[] = {0x1p-1,
                                   0x1.5555555555557p-3,
                                   0x1.5555555555557p-5,
                                   0x1.1111111110051p-7,
                                   0x1.6c16c16c156a5p-10,
                                   0x1.a01a01ac1de81p-13,
                                   0x1.a01a01ab98829p-16,
                                   0x1.71de01acf760dp-19,
                                   0x1.27e4cfaf0ef32p-22,
                                   0x1.af4ecab92bbe1p-26,
                                   0x1.1f86f0aee6849p-29};
    // Adding this to a small number leaves its nearest integer in the low bits.
    constexpr double shifter = 0x1.8p52;
    constexpr std::uint64_t shifter_bits = 0x4338000000000000;

    // Beyond these bounds every result is an infinity or a zero already.
    V bounded = V::select(x < V::set(800), x, V::set(800));
    bounded = V::select(V::set(-800) < bounded, bounded, V::set(-800));
    const V shifted = bounded * V::set(log2_e) + V::set(shifter);
    const V k = shifted - V::set(shifter);
    const V high = bounded - k * V::set(ln2_high);
    const V low = k * V::set(ln2_low);
    const V r = high - low;
    const V lost = (high - r) - low;  // What rounding r dropped.
    const V power = V::set(1) + (r + (r * r * polynomial(r, q) + lost));

    // 2^k in two factors: neither overflows, and a subnormal result is rounded once. The offset
    // keeps the numbers positive, for the shift.
    constexpr std::uint64_t offset = 2048;
    using Bits = typename V::Bits;
    const Bits k_offset = shifted.bits() - Bits::set(shifter_bits - offset);
    const Bits half = k_offset.template right<1>();
    const Bits bias = Bits::set(1023 - offset / 2);
    const V first = V::from_bits((half + bias).template left<52>());
    const V second = V::from_bits((k_offset - half + bias).template left<52>());
    return unless_nan(x, power * first * second);
}

/// A positive, normal number as 2^exponent (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)).
template <class V>
struct Split {
    V exponent;
    V f;
};

template <class V>
HWY_INLINE Split<V> split(V x) {
    using Bits = typename V::Bits;
    constexpr std::uint64_t one = 0x3ff0000000000000;
    constexpr std::uint64_t sqrt_half = 0x3fe6a09e667f3bcd;
    const Bits shifted = x.bits() + Bits::set(one - sqrt_half);
    // The biased exponent as the low bits of 2^52, which a subtraction then removes.
    const V biased = V::from_bits(shifted.template right<52>() | Bits::set(0x4330000000000000));
    const V mantissa =
        V::from_bits((shifted & Bits::set(0x000fffffffffffff)) + Bits::set(sqrt_half));
    return {biased - V::set(0x1p52 + 1023), mantissa - V::set(1)};
}

/// exponent ln(2) + ln(1 + f) + rest, for a tiny rest. With s = f / (2 + f),
/// ln(1 + f) = 2 atanh(s) = f - f^2/2 + s (f^2/2 + s^2 L(s^2)), whose large part, f, is exact.
template <class V>
HWY_INLINE V log_of_split(Split<V> x, V rest) {
    static constexpr double l[] = {0x1.5555555555555p-1, 0x1.9999999999d58p-2, 0x1.249249242f0ap-2,
                                   0x1.c71c725c1a961p-3, 0x1.745cdb8fdb8c8p-3, 0x1.3b2153e771fa8p-3,
                                   0x1.0f4a99b6475ep-3,  0x1.101ea8cd5ead1p-3};
    const V s = x.f / (V::set(2) + x.f);
    const V z = s * s;
    const V half_square = V::set(0.5) * x.f * x.f;
    const V small =
        s * (half_square + z * polynomial(z, l)) + (x.exponent * V::set(ln2_low) + rest);
    return x.exponent * V::set(ln2_high) - ((half_square - small) - x.f);
}

template <class V>
HWY_INLINE V log(V x) {
    const V zero = V::set(0);
    const V infinity = from_bits<V>(infinity_bits);
    // A subnormal number is made normal first.
    const auto subnormal = x < V::set(0x1p-1022);
    Split<V> parts = split(V::select(subnormal, x * V::set(0x1p54), x));
    parts.exponent = V::select(subnormal, parts.exponent - V::set(54), parts.exponent);
    V result = log_of_split(parts, zero);
    result = V::select(x == infinity, infinity, result);
    result = V::select(x == zero, zero - infinity, result);
    result = V::select(x < zero, from_bits<V>(nan_bits), result);
    return unless_nan(x, result);
}

/// ln(u + lost) with u = 1 + x as rounded, and what the rounding lost as a correction.
template <class V>
HWY_INLINE V log1p(V x) {
    const V zero = V::set(0);
    const V one = V::set(1);
    const V infinity = from_bits<V>(infinity_bits);
    const V u = one + x;
    const V lost = V::select(one < x, one - (u - x), x - (u - one));
    Split<V> parts = split(u);
    // Where u needs no scaling, x itself is f, and nothing was lost.
    const auto near_one = parts.exponent == zero;
    parts.f = V::select(near_one, x, parts.f);
    V result = log_of_split(parts, V::select(near_one, zero, lost / u));
    result = V::select(x == infinity, infinity, result);
    result = V::select(x == zero, x, result);  // Keeps -0.
    result = V::select(u == zero, zero - infinity, result);
    result = V::select(u < zero, from_bits<V>(nan_bits), result);
    return unless_nan(x, result);
}

/// 1 / (1 + e^-x), from e = e^-|x|, which cannot overflow.
template <class V>
HWY_INLINE V sigmoid_from(V x, V e) {
    return V::select(x < V::set(0), e, V::set(1)) / (V::set(1) + e);
}

/// ln(1 + e^x), from e = e^-|x|.
template <class V>
HWY_INLINE V softplus_from(V x, V e) {
    return V::select(V::set(0) < x, x, V::set(0)) + log1p(e);
}

template <class V>
HWY_INLINE V exp_of_minus_absolute(V x) {
    return exp(V::from_bits(x.bits() | V::Bits::set(sign_bit)));
}

template <class V>
HWY_INLINE V sigmoid(V x) {
    return unless_nan(x, sigmoid_from(x, exp_of_minus_absolute(x)));
}

template <class V>
HWY_INLINE V softplus(V x) {
    return unless_nan(x, softplus_from(x, exp_of_minus_absolute(x)));
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace netcompute::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
