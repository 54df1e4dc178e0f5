// Vectors of f64 for the target being compiled; included once a target, as Highway's own files are.
//
// Highway 1.0.3 has no f64 on WebAssembly, so there the few operations that the kernels need are
// written with the compiler's intrinsics, and everywhere else they are Highway's. Each is one IEEE
// operation or one on bits, so a lane has the same bits on every target.
#if defined(NETCOMPUTE_LANES_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef NETCOMPUTE_LANES_INL_HPP
#undef NETCOMPUTE_LANES_INL_HPP
#else
#define NETCOMPUTE_LANES_INL_HPP
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>

#if HWY_TARGET == HWY_WASM
#include <wasm_simd128.h>
#endif

HWY_BEFORE_NAMESPACE();
namespace netcompute::kernels::HWY_NAMESPACE {

#if HWY_TARGET == HWY_WASM

struct Mask {
    v128_t raw;
};

struct U64 {
    v128_t raw;

    static HWY_INLINE U64 set(std::uint64_t value) {
        return {wasm_i64x2_splat(static_cast<std::int64_t>(value))};
    }
    friend HWY_INLINE U64 operator+(U64 a, U64 b) { return {wasm_i64x2_add(a.raw, b.raw)}; }
    friend HWY_INLINE U64 operator-(U64 a, U64 b) { return {wasm_i64x2_sub(a.raw, b.raw)}; }
    friend HWY_INLINE U64 operator&(U64 a, U64 b) { return {wasm_v128_and(a.raw, b.raw)}; }
    friend HWY_INLINE U64 operator|(U64 a, U64 b) { return {wasm_v128_or(a.raw, b.raw)}; }
    template <int bits>
    HWY_INLINE U64 left() const {
        return {wasm_i64x2_shl(raw, bits)};
    }
    template <int bits>
    HWY_INLINE U64 right() const {
        return {wasm_u64x2_shr(raw, bits)};
    }
};

struct F64 {
    using Bits = U64;
    static constexpr std::size_t lanes = 2;
    v128_t raw;

    static HWY_INLINE F64 set(double value) { return {wasm_f64x2_splat(value)}; }
    static HWY_INLINE F64 load(const double* from) { return {wasm_v128_load(from)}; }
    HWY_INLINE void store(double* to) const { wasm_v128_store(to, raw); }
    static HWY_INLINE F64 from_bits(U64 bits) { return {bits.raw}; }
    HWY_INLINE U64 bits() const { return {raw}; }

    friend HWY_INLINE F64 operator+(F64 a, F64 b) { return {wasm_f64x2_add(a.raw, b.raw)}; }
    friend HWY_INLINE F64 operator-(F64 a, F64 b) { return {wasm_f64x2_sub(a.raw, b.raw)}; }
    friend HWY_INLINE F64 operator*(F64 a, F64 b) { return {wasm_f64x2_mul(a.raw, b.raw)}; }
    friend HWY_INLINE F64 operator/(F64 a, F64 b) { return {wasm_f64x2_div(a.raw, b.raw)}; }
    friend HWY_INLINE Mask operator==(F64 a, F64 b) { return {wasm_f64x2_eq(a.raw, b.raw)}; }
    friend HWY_INLINE Mask operator<(F64 a, F64 b) { return {wasm_f64x2_lt(a.raw, b.raw)}; }
    static HWY_INLINE F64 select(Mask mask, F64 yes, F64 no) {
        return {wasm_v128_bitselect(yes.raw, no.raw, mask.raw)};
    }
};

#else

namespace hn = hwy::HWY_NAMESPACE;

using Doubles = hn::ScalableTag<double>;
using Words = hn::RebindToUnsigned<Doubles>;

struct Mask {
    hn::Mask<Doubles> raw;
};

struct U64 {
    hn::Vec<Words> raw;

    static HWY_INLINE U64 set(std::uint64_t value) { return {hn::Set(Words{}, value)}; }
    friend HWY_INLINE U64 operator+(U64 a, U64 b) { return {hn::Add(a.raw, b.raw)}; }
    friend HWY_INLINE U64 operator-(U64 a, U64 b) { return {hn::Sub(a.raw, b.raw)}; }
    friend HWY_INLINE U64 operator&(U64 a, U64 b) { return {hn::And(a.raw, b.raw)}; }
    friend HWY_INLINE U64 operator|(U64 a, U64 b) { return {hn::Or(a.raw, b.raw)}; }
    template <int bits>
    HWY_INLINE U64 left() const {
        return {hn::ShiftLeft<bits>(raw)};
    }
    template <int bits>
    HWY_INLINE U64 right() const {
        return {hn::ShiftRight<bits>(raw)};
    }
};

struct F64 {
    using Bits = U64;
    static constexpr std::size_t lanes = HWY_LANES(double);
    hn::Vec<Doubles> raw;

    static HWY_INLINE F64 set(double value) { return {hn::Set(Doubles{}, value)}; }
    static HWY_INLINE F64 load(const double* from) { return {hn::LoadU(Doubles{}, from)}; }
    HWY_INLINE void store(double* to) const { hn::StoreU(raw, Doubles{}, to); }
    static HWY_INLINE F64 from_bits(U64 bits) { return {hn::BitCast(Doubles{}, bits.raw)}; }
    HWY_INLINE U64 bits() const { return {hn::BitCast(Words{}, raw)}; }

    friend HWY_INLINE F64 operator+(F64 a, F64 b) { return {hn::Add(a.raw, b.raw)}; }
    friend HWY_INLINE F64 operator-(F64 a, F64 b) { return {hn::Sub(a.raw, b.raw)}; }
    friend HWY_INLINE F64 operator*(F64 a, F64 b) { return {hn::Mul(a.raw, b.raw)}; }
    friend HWY_INLINE F64 operator/(F64 a, F64 b) { return {hn::Div(a.raw, b.raw)}; }
    friend HWY_INLINE Mask operator==(F64 a, F64 b) { return {hn::Eq(a.raw, b.raw)}; }
    friend HWY_INLINE Mask operator<(F64 a, F64 b) { return {hn::Lt(a.raw, b.raw)}; }
    static HWY_INLINE F64 select(Mask mask, F64 yes, F64 no) {
        return {hn::IfThenElse(mask.raw, yes.raw, no.raw)};
    }
};

#endif

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace netcompute::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
