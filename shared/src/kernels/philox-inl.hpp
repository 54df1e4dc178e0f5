// Philox in lanes: block i in lane i, the same words as Philox::block() gives; included once a
// target.
#if defined(NETCOMPUTE_PHILOX_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef NETCOMPUTE_PHILOX_INL_HPP
#undef NETCOMPUTE_PHILOX_INL_HPP
#else
#define NETCOMPUTE_PHILOX_INL_HPP
#endif

#include "lanes-inl.hpp"
#include <netcompute/random.hpp>

HWY_BEFORE_NAMESPACE();
namespace netcompute::kernels::HWY_NAMESPACE {

#if HWY_TARGET == HWY_WASM

/// A 32-bit word in each lane. Four to a vector: engines make many instructions of a multiplication
/// of 64-bit lanes, and three of one that widens.
struct Word {
    static constexpr std::size_t lanes = 4;
    v128_t raw;

    static HWY_INLINE Word set(std::uint32_t value) {
        return {wasm_i32x4_splat(static_cast<std::int32_t>(value))};
    }
    friend HWY_INLINE Word operator^(Word a, Word b) { return {wasm_v128_xor(a.raw, b.raw)}; }
};

/// The 64-bit products of lanes 2 part and 2 part + 1.
template <std::size_t part>
HWY_INLINE U64 product(Word a, Word b) {
    if constexpr (part == 0) return {wasm_u64x2_extmul_low_u32x4(a.raw, b.raw)};
    return {wasm_u64x2_extmul_high_u32x4(a.raw, b.raw)};
}

/// Lanes 2 part and 2 part + 1, each in 64 bits.
template <std::size_t part>
HWY_INLINE U64 widened(Word a) {
    const v128_t zero = wasm_i32x4_splat(0);
    if constexpr (part == 0) return {wasm_i32x4_shuffle(a.raw, zero, 0, 4, 1, 5)};
    return {wasm_i32x4_shuffle(a.raw, zero, 2, 6, 3, 7)};
}

HWY_INLINE Word odd_or_half(Word a) {
    return {wasm_v128_or(wasm_u32x4_shr(a.raw, 1), wasm_i32x4_splat(1))};
}

/// The low and the high words of the products.
HWY_INLINE void multiply(Word a, std::uint32_t b, Word& high, Word& low) {
    const U64 first = product<0>(a, Word::set(b));
    const U64 second = product<1>(a, Word::set(b));
    high = {wasm_i32x4_shuffle(first.raw, second.raw, 1, 3, 5, 7)};
    low = {wasm_i32x4_shuffle(first.raw, second.raw, 0, 2, 4, 6)};
}

/// The low and the high words of first, first + 1, ….
HWY_INLINE void count_from(std::uint64_t first, Word& low, Word& high) {
    const U64 here = U64::set(first);
    const v128_t a = (here + U64{wasm_i64x2_make(0, 1)}).raw;
    const v128_t b = (here + U64{wasm_i64x2_make(2, 3)}).raw;
    low = {wasm_i32x4_shuffle(a, b, 0, 2, 4, 6)};
    high = {wasm_i32x4_shuffle(a, b, 1, 3, 5, 7)};
}

#else

/// A 32-bit word in the low half of each 64-bit lane; what is above it is ignored, since only low
/// halves are multiplied.
struct Word {
    static constexpr std::size_t lanes = HWY_LANES(std::uint64_t);
    hn::Vec<Words> raw;

    static HWY_INLINE Word set(std::uint32_t value) { return {hn::Set(Words{}, value)}; }
    friend HWY_INLINE Word operator^(Word a, Word b) { return {hn::Xor(a.raw, b.raw)}; }
};

/// The 64-bit products of the lanes; `part` is 0.
template <std::size_t part>
HWY_INLINE U64 product(Word a, Word b) {
#if HWY_TARGET == HWY_SCALAR
    constexpr std::uint64_t low_half = 0xffffffff;
    return {hn::Set(Words{}, (hn::GetLane(a.raw) & low_half) * (hn::GetLane(b.raw) & low_half))};
#else
    const hn::Repartition<std::uint32_t, Words> narrow;
    return {hn::MulEven(hn::BitCast(narrow, a.raw), hn::BitCast(narrow, b.raw))};
#endif
}

/// Each lane's word alone; `part` is 0.
template <std::size_t part>
HWY_INLINE U64 widened(Word a) {
    return U64{a.raw} & U64::set(0xffffffff);
}

HWY_INLINE Word odd_or_half(Word a) {
    return {((widened<0>(a).template right<1>()) | U64::set(1)).raw};
}

HWY_INLINE void multiply(Word a, std::uint32_t b, Word& high, Word& low) {
    const U64 both = product<0>(a, Word::set(b));
    high = {both.template right<32>().raw};
    low = {both.raw};
}

HWY_INLINE void count_from(std::uint64_t first, Word& low, Word& high) {
    const U64 index{hn::Add(hn::Set(Words{}, first), hn::Iota(Words{}, 0))};
    low = {index.raw};
    high = {index.template right<32>().raw};
}

#endif

/// Vectors of F64 and U64 that the lanes of a Word fill.
inline constexpr std::size_t word_parts = Word::lanes / F64::lanes;

/// Philox::block() of the counters c and the key `seed`, lane by lane.
HWY_INLINE void philox(Word (&c)[4], std::uint64_t seed) {
    auto key_0 = static_cast<std::uint32_t>(seed);
    auto key_1 = static_cast<std::uint32_t>(seed >> 32);
    for (int round = 0; round < Philox::rounds; ++round) {
        Word high_0, low_0, high_1, low_1;
        multiply(c[0], Philox::multiplier_0, high_0, low_0);
        multiply(c[2], Philox::multiplier_1, high_1, low_1);
        c[0] = high_1 ^ (c[1] ^ Word::set(key_0));
        c[2] = high_0 ^ (c[3] ^ Word::set(key_1));
        c[1] = low_1;
        c[3] = low_0;
        key_0 += Philox::key_step_0;
        key_1 += Philox::key_step_1;
    }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace netcompute::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
