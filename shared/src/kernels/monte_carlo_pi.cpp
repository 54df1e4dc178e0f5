#include "builtin.hpp"
#include <netcompute/kernels/monte_carlo_pi.hpp>
#include <netcompute/random.hpp>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "monte_carlo_pi.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace netcompute::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Wide = hn::ScalableTag<std::uint64_t>;
using WideVector = hn::Vec<Wide>;

/// The 64-bit products of the low halves of the lanes.
HWY_INLINE WideVector multiply_low_halves(WideVector a, WideVector b) {
#if HWY_TARGET == HWY_SCALAR
    constexpr std::uint64_t low_half = 0xffffffff;
    return hn::Set(Wide{}, (hn::GetLane(a) & low_half) * (hn::GetLane(b) & low_half));
#else
    const hn::Repartition<std::uint32_t, Wide> narrow;
    return hn::MulEven(hn::BitCast(narrow, a), hn::BitCast(narrow, b));
#endif
}

/// Whether the points of the samples `index` lie outside the circle: 1 or 0 in each lane. Each
/// 64-bit lane holds a 32-bit word of the generator; what is above it is ignored, since only low
/// halves are multiplied.
HWY_INLINE WideVector outside(WideVector index, std::uint64_t seed) {
    const Wide wide;
    const auto low_half = hn::Set(wide, 0xffffffff);
    const auto multiplier_0 = hn::Set(wide, Philox::multiplier_0);
    const auto multiplier_1 = hn::Set(wide, Philox::multiplier_1);
    auto key_0 = static_cast<std::uint32_t>(seed);
    auto key_1 = static_cast<std::uint32_t>(seed >> 32);
    auto c0 = index;
    auto c1 = hn::ShiftRight<32>(index);
    auto c2 = hn::Zero(wide);
    auto c3 = hn::Zero(wide);
    for (int round = 0; round < Philox::rounds; ++round) {
        const auto product_0 = multiply_low_halves(c0, multiplier_0);
        const auto product_1 = multiply_low_halves(c2, multiplier_1);
        c0 = hn::Xor(hn::ShiftRight<32>(product_1), hn::Xor(c1, hn::Set(wide, key_0)));
        c2 = hn::Xor(hn::ShiftRight<32>(product_0), hn::Xor(c3, hn::Set(wide, key_1)));
        c1 = product_1;
        c3 = product_0;
        key_0 += Philox::key_step_0;
        key_1 += Philox::key_step_1;
    }
    // The point is the centre of a cell of a 2^30 x 2^30 grid, in units of 2^-31: x and y are odd,
    // and their squares add up exactly, below 2^63.
    const auto one = hn::Set(wide, 1);
    const auto x = hn::Or(hn::ShiftRight<1>(hn::And(c0, low_half)), one);
    const auto y = hn::Or(hn::ShiftRight<1>(hn::And(c1, low_half)), one);
    return hn::ShiftRight<62>(hn::Add(multiply_low_halves(x, x), multiply_low_halves(y, y)));
}

std::uint64_t count_inside(const MonteCarloPiInput& input) {
    const Wide wide;
    const std::uint64_t lanes = hn::Lanes(wide);
    // Two vectors at a time: one's multiplications hide the other's latency.
    auto outside_a = hn::Zero(wide);
    auto outside_b = hn::Zero(wide);
    auto index = hn::Add(hn::Set(wide, input.first_sample), hn::Iota(wide, 0));
    const auto step = hn::Set(wide, lanes);
    std::uint64_t done = 0;
    for (; done + 2 * lanes <= input.sample_count; done += 2 * lanes) {
        outside_a = hn::Add(outside_a, outside(index, input.seed));
        index = hn::Add(index, step);
        outside_b = hn::Add(outside_b, outside(index, input.seed));
        index = hn::Add(index, step);
    }
    std::uint64_t outside_count = 0;
    HWY_ALIGN std::uint64_t counts[HWY_LANES(std::uint64_t)];
    hn::Store(hn::Add(outside_a, outside_b), wide, counts);
    for (const std::uint64_t count : counts) outside_count += count;
    for (; done < input.sample_count; ++done) {
        const auto last = hn::Set(wide, input.first_sample + done);
        outside_count += hn::GetLane(outside(last, input.seed));
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
