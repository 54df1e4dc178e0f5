#include "builtin.hpp"
#include "logistic_input.hpp"
#include <netcompute/kernels/option_pricing.hpp>

#include <algorithm>

#ifndef NETCOMPUTE_OPTION_PRICING_TYPES
#define NETCOMPUTE_OPTION_PRICING_TYPES
namespace netcompute::kernels {

/// Samples that are worked on together; every sum is as many sums, folded at the end.
inline constexpr std::size_t option_block = option_samples_unit;
/// A Philox block gives four normal numbers: the same move of four samples.
inline constexpr std::size_t option_quads = option_block / 4;

/// Of each sum of OptionSums its lanes.
struct OptionLanes {
    double sums[5][option_block] = {};
};

/// The state of a block's paths; [1] is the mirror image.
struct OptionBlock {
    double normals[option_block];
    double logs[2][option_block];      ///< Of the price now.
    double sums[2][option_block];      ///< Of the prices so far.
    double log_sums[2][option_block];  ///< Of their logarithms.
    double extremes[2][option_block];  ///< The log farthest towards the barrier.
    double y[option_block];
    double x[option_block];
};

}  // namespace netcompute::kernels
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "option_pricing.cpp"
#include <hwy/foreach_target.h>
//
#include "normals-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace netcompute::kernels::HWY_NAMESPACE {

static_assert(option_quads % Word::lanes == 0);

template <std::size_t part = 0>
HWY_INLINE void store_normals(const Word (&words)[4], double* to) {
    const NormalPair a = normal_pair(widened<part>(words[0]), widened<part>(words[1]));
    const NormalPair b = normal_pair(widened<part>(words[2]), widened<part>(words[3]));
    a.first.store(to + part * F64::lanes);
    a.second.store(to + option_quads + part * F64::lanes);
    b.first.store(to + 2 * option_quads + part * F64::lanes);
    b.second.store(to + 3 * option_quads + part * F64::lanes);
    if constexpr (part + 1 < word_parts) store_normals<part + 1>(words, to);
}

/// The normal numbers of move `step` of a block's samples.
HWY_INLINE void fill_normals(std::uint64_t seed, std::uint64_t first_quad, std::uint32_t step,
                             double* normals) {
    for (std::size_t quad = 0; quad < option_quads; quad += Word::lanes) {
        Word c[4] = {Word::set(0), Word::set(0), Word::set(step), Word::set(0)};
        count_from(first_quad + quad, c[0], c[1]);
        philox(c, seed);
        store_normals(c, normals + quad);
    }
}

/// One move of all of the block's paths.
HWY_INLINE void move(const OptionPaths& paths, std::size_t mirrors, OptionBlock& block) {
    const F64 drift = F64::set(paths.drift);
    for (std::size_t m = 0; m < mirrors; ++m) {
        const F64 deviation = F64::set(m == 0 ? paths.deviation : -paths.deviation);
        double* const logs = block.logs[m];
        for (std::size_t i = 0; i < option_block; i += F64::lanes) {
            const F64 log =
                F64::load(logs + i) + (drift + deviation * F64::load(block.normals + i));
            log.store(logs + i);
            if (paths.kind == OptionKind::European) continue;
            if (paths.kind == OptionKind::Asian) {
                (F64::load(block.sums[m] + i) + exp(log)).store(block.sums[m] + i);
                (F64::load(block.log_sums[m] + i) + log).store(block.log_sums[m] + i);
                continue;
            }
            const F64 extreme = F64::load(block.extremes[m] + i);
            const auto is_farther =
                paths.kind == OptionKind::UpBarrier ? extreme < log : log < extreme;
            F64::select(is_farther, log, extreme).store(block.extremes[m] + i);
        }
    }
}

HWY_INLINE F64 payoff(const OptionPaths& paths, F64 price) {
    const F64 zero = F64::set(0);
    const F64 strike = F64::set(paths.strike);
    const F64 gain = paths.is_put ? strike - price : price - strike;
    return F64::set(paths.discount) * F64::select(zero < gain, gain, zero);
}

/// y and x of lanes i, i + 1, … of a block whose paths have ended.
HWY_INLINE NormalPair outcome(const OptionPaths& paths, const OptionBlock& block, std::size_t m,
                              std::size_t i) {
    const F64 end = exp(F64::load(block.logs[m] + i));
    if (paths.kind == OptionKind::European) {
        return {payoff(paths, end), F64::set(paths.discount) * end};
    }
    if (paths.kind == OptionKind::Asian) {
        const F64 steps = F64::set(paths.steps);
        return {payoff(paths, F64::load(block.sums[m] + i) / steps),
                payoff(paths, exp(F64::load(block.log_sums[m] + i) / steps))};
    }
    const F64 plain = payoff(paths, end);
    const F64 barrier = F64::set(paths.log_barrier);
    const F64 extreme = F64::load(block.extremes[m] + i);
    const auto is_short =
        paths.kind == OptionKind::UpBarrier ? extreme < barrier : barrier < extreme;
    const F64 zero = F64::set(0);
    const F64 knock_in = F64::select(is_short, zero, plain);
    const F64 knock_out = F64::select(is_short, plain, zero);
    return {paths.is_knock_in ? knock_in : knock_out, plain};
}

/// y and x of the block's samples, zeros beyond the first `count`.
HWY_INLINE void end_block(const OptionPaths& paths, std::size_t mirrors, std::uint64_t count,
                          OptionBlock& block) {
    const F64 mean = F64::set(paths.control_mean);
    for (std::size_t i = 0; i < option_block; i += F64::lanes) {
        NormalPair both = outcome(paths, block, 0, i);
        if (mirrors == 2) {
            const NormalPair mirror = outcome(paths, block, 1, i);
            both.first = F64::set(0.5) * (both.first + mirror.first);
            both.second = F64::set(0.5) * (both.second + mirror.second);
        }
        both.first.store(block.y + i);
        (both.second - mean).store(block.x + i);
    }
    if (count >= option_block) return;
    for (std::size_t i = 0; i < option_block; ++i) {
        const std::size_t sample = 4 * (i % option_quads) + i / option_quads;
        if (sample >= count) block.y[i] = block.x[i] = 0;
    }
}

HWY_INLINE void add(const OptionBlock& block, OptionLanes& lanes) {
    for (std::size_t i = 0; i < option_block; i += F64::lanes) {
        const F64 y = F64::load(block.y + i);
        const F64 x = F64::load(block.x + i);
        const F64 terms[5] = {y, x, y * y, x * x, x * y};
        for (std::size_t s = 0; s < 5; ++s) {
            (F64::load(lanes.sums[s] + i) + terms[s]).store(lanes.sums[s] + i);
        }
    }
}

void simulate(const OptionPricingInput& input, OptionLanes& lanes) {
    const OptionPaths& paths = input.paths;
    const std::size_t mirrors = paths.is_antithetic ? 2 : 1;
    OptionBlock block;
    for (std::uint64_t done = 0; done < input.sample_count; done += option_block) {
        for (std::size_t m = 0; m < mirrors; ++m) {
            std::fill_n(block.logs[m], option_block, paths.log_spot);
            std::fill_n(block.sums[m], option_block, 0.0);
            std::fill_n(block.log_sums[m], option_block, 0.0);
            std::fill_n(block.extremes[m], option_block, paths.log_spot);
        }
        for (std::uint32_t step = 0; step < paths.steps; ++step) {
            fill_normals(input.seed, (input.first_sample + done) / 4, step, block.normals);
            move(paths, mirrors, block);
        }
        end_block(paths, mirrors, input.sample_count - done, block);
        add(block, lanes);
    }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace netcompute::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <cmath>
#include <string>

namespace netcompute::kernels {

HWY_EXPORT(simulate);

namespace {

/// Folds a sum's lanes in a fixed tree: halves, quarters, and so on.
double folded(double (&lanes)[option_block]) {
    for (std::size_t half = option_block / 2; half > 0; half /= 2) {
        for (std::size_t i = 0; i < half; ++i) lanes[i] += lanes[i + half];
    }
    return canonical(lanes[0]);
}

constexpr std::uint32_t put_flag = 1;
constexpr std::uint32_t knock_in_flag = 2;
constexpr std::uint32_t antithetic_flag = 4;

Unexpected refused(ErrorCode code, const std::string& what) {
    return unexpected(code, "option_pricing: " + what);
}

Result<OptionPricingInput> read_input(ByteSpan bytes) {
    OptionPricingInput input;
    OptionPaths& paths = input.paths;
    ByteReader reader{bytes};
    const auto kind = reader.number<std::uint32_t>();
    const auto flags = reader.number<std::uint32_t>();
    paths.steps = reader.number<std::uint32_t>();
    const auto padding = reader.number<std::uint32_t>();
    for (double* const value : {&paths.log_spot, &paths.drift, &paths.deviation, &paths.strike,
                                &paths.log_barrier, &paths.discount, &paths.control_mean}) {
        *value = reader.number<double>();
        if (!std::isfinite(*value)) {
            return refused(ErrorCode::InvalidArgument, "a number of the input is not finite");
        }
    }
    input.seed = reader.number<std::uint64_t>();
    input.first_sample = reader.number<std::uint64_t>();
    input.sample_count = reader.number<std::uint64_t>();
    if (!reader.finished()) {
        return refused(ErrorCode::ShapeMismatch,
                       "the input has " + std::to_string(bytes.size()) + " bytes, not 96");
    }
    if (kind > static_cast<std::uint32_t>(OptionKind::DownBarrier) ||
        flags > (put_flag | knock_in_flag | antithetic_flag) || padding != 0) {
        return refused(ErrorCode::InvalidArgument, "there is no such kind of option");
    }
    if (paths.steps == 0 || paths.steps > option_steps_max) {
        return refused(ErrorCode::LimitExceeded, std::to_string(paths.steps) +
                                                     " steps are not 1 to " +
                                                     std::to_string(option_steps_max));
    }
    if (input.sample_count > option_moves_max / paths.steps) {
        return refused(ErrorCode::LimitExceeded, std::to_string(input.sample_count) +
                                                     " samples in one task are too many: cut them "
                                                     "finer");
    }
    if (input.first_sample % option_samples_unit != 0) {
        return refused(ErrorCode::InvalidArgument,
                       "the first sample, " + std::to_string(input.first_sample) +
                           ", is not a multiple of " + std::to_string(option_samples_unit));
    }
    paths.kind = static_cast<OptionKind>(kind);
    paths.is_put = (flags & put_flag) != 0;
    paths.is_knock_in = (flags & knock_in_flag) != 0;
    paths.is_antithetic = (flags & antithetic_flag) != 0;
    return input;
}

}  // namespace

Bytes encode_option_pricing(const OptionPricingInput& input) {
    const OptionPaths& paths = input.paths;
    Bytes bytes;
    ByteWriter writer{bytes};
    writer.number(static_cast<std::uint32_t>(paths.kind));
    writer.number((paths.is_put ? put_flag : 0) | (paths.is_knock_in ? knock_in_flag : 0) |
                  (paths.is_antithetic ? antithetic_flag : 0));
    writer.number(paths.steps);
    writer.number(std::uint32_t{0});
    for (const double value : {paths.log_spot, paths.drift, paths.deviation, paths.strike,
                               paths.log_barrier, paths.discount, paths.control_mean}) {
        writer.number(value);
    }
    writer.number(input.seed);
    writer.number(input.first_sample);
    writer.number(input.sample_count);
    return bytes;
}

Result<OptionSums> decode_option_sums(ByteSpan output) {
    OptionSums sums;
    ByteReader reader{output};
    for (double* const sum : {&sums.y, &sums.x, &sums.yy, &sums.xx, &sums.xy}) {
        *sum = reader.number<double>();
        if (!std::isfinite(*sum)) {
            return refused(ErrorCode::InvalidArgument,
                           "the prices overflow: choose a smaller volatility or maturity");
        }
    }
    if (reader.finished()) return sums;
    return refused(ErrorCode::ShapeMismatch,
                   "the output has " + std::to_string(output.size()) + " bytes, not 40");
}

/// option_pricing@1: sums over paths of a geometric Brownian motion, for the price of an option on
/// it. Sample 4 i + k moves by normal number k of Philox's block (i, step), so the sums do not
/// depend on what else a task computes. The same bits on every build: samples are lanes of 32 sums
/// that are folded in a fixed tree. Layout: encode_option_pricing(), decode_option_sums().
/// Source: Glasserman, "Monte Carlo methods in financial engineering", 2003, chapters 3 and 4.
Result<Bytes> option_pricing(std::span<const ByteSpan> inputs) {
    if (inputs.size() != 1) {
        return refused(ErrorCode::ShapeMismatch,
                       std::to_string(inputs.size()) + " inputs were given, it reads 1");
    }
    const auto input = read_input(inputs[0]);
    if (!input) return unexpected(input.error());
    OptionLanes lanes;
    HWY_DYNAMIC_DISPATCH(simulate)(*input, lanes);
    Bytes output;
    ByteWriter writer{output};
    for (auto& sum : lanes.sums) writer.number(folded(sum));
    return output;
}

}  // namespace netcompute::kernels
#endif
