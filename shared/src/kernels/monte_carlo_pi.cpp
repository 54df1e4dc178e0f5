#include "builtin.hpp"
#include <netcompute/kernels/monte_carlo_pi.hpp>
#include <netcompute/random.hpp>

#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "monte_carlo_pi.cpp"
#include <hwy/foreach_target.h>
//
#include "philox-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace netcompute::kernels::HWY_NAMESPACE {

/// How many of the points of some samples lie outside the circle, as a sum over the lanes.
template <std::size_t part = 0>
HWY_INLINE U64 outside(Word x, Word y) {
    const U64 here = (product<part>(x, x) + product<part>(y, y)).template right<62>();
    if constexpr (part + 1 < word_parts) return here + outside<part + 1>(x, y);
    return here;
}

/// That of the samples first, first + 1, …, one for each lane of a Word.
HWY_INLINE U64 outside_from(std::uint64_t first, std::uint64_t seed) {
    Word c[4] = {Word::set(0), Word::set(0), Word::set(0), Word::set(0)};
    count_from(first, c[0], c[1]);
    philox(c, seed);
    // The point is the centre of a cell of a 2^30 x 2^30 grid, in units of 2^-31: x and y are odd,
    // and their squares add up exactly, below 2^63.
    return outside(odd_or_half(c[0]), odd_or_half(c[1]));
}

std::uint64_t count_inside(const MonteCarloPiInput& input) {
    constexpr std::uint64_t lanes = Word::lanes;
    // Two vectors at a time: one's multiplications hide the other's latency.
    U64 outside_a = U64::set(0);
    U64 outside_b = U64::set(0);
    std::uint64_t next = input.first_sample;
    std::uint64_t done = 0;
    for (; done + 2 * lanes <= input.sample_count; done += 2 * lanes, next += 2 * lanes) {
        outside_a = outside_a + outside_from(next, input.seed);
        outside_b = outside_b + outside_from(next + lanes, input.seed);
    }
    std::uint64_t counts[F64::lanes];
    const U64 outside_both = outside_a + outside_b;
    std::memcpy(counts, &outside_both, sizeof counts);
    std::uint64_t outside_count = 0;
    for (const std::uint64_t count : counts) outside_count += count;
    for (; done < input.sample_count; ++done, ++next) {
        const Philox::Block words = Philox::block(
            {static_cast<std::uint32_t>(next), static_cast<std::uint32_t>(next >> 32), 0, 0},
            {static_cast<std::uint32_t>(input.seed), static_cast<std::uint32_t>(input.seed >> 32)});
        const std::uint64_t x = words[0] >> 1 | 1;
        const std::uint64_t y = words[1] >> 1 | 1;
        outside_count += (x * x + y * y) >> 62;
    }
    return input.sample_count - outside_count;
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace netcompute::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <string>

namespace netcompute::kernels {

HWY_EXPORT(count_inside);

Bytes encode_monte_carlo_pi(const MonteCarloPiInput& input) {
    Bytes bytes;
    ByteWriter writer{bytes};
    writer.number(input.seed);
    writer.number(input.first_sample);
    writer.number(input.sample_count);
    return bytes;
}

/// monte_carlo_pi@1: how many uniform points of the unit square lie inside the quarter circle.
/// Sample i is a point whose two coordinates are the first two words of Philox's block i, so the
/// count of a range is the sum of the counts of its parts. Whole numbers only: exact everywhere.
///
///   input   u64 seed, u64 first_sample, u64 sample_count
///   output  u64 inside
Result<Bytes> monte_carlo_pi(std::span<const ByteSpan> inputs) {
    if (inputs.size() != 1) {
        return unexpected(
            ErrorCode::ShapeMismatch,
            "monte_carlo_pi: " + std::to_string(inputs.size()) + " inputs were given, it reads 1");
    }
    ByteReader reader{inputs[0]};
    MonteCarloPiInput input;
    input.seed = reader.number<std::uint64_t>();
    input.first_sample = reader.number<std::uint64_t>();
    input.sample_count = reader.number<std::uint64_t>();
    if (!reader.finished()) {
        return unexpected(
            ErrorCode::ShapeMismatch,
            "monte_carlo_pi: the input has " + std::to_string(inputs[0].size()) + " bytes, not 24");
    }
    if (input.sample_count > monte_carlo_pi_samples_max) {
        return unexpected(ErrorCode::LimitExceeded,
                          "monte_carlo_pi: " + std::to_string(input.sample_count) +
                              " samples in one task are more than " +
                              std::to_string(monte_carlo_pi_samples_max) + ": cut them finer");
    }
    Bytes output;
    ByteWriter{output}.number(HWY_DYNAMIC_DISPATCH(count_inside)(input));
    return output;
}

}  // namespace netcompute::kernels
#endif
