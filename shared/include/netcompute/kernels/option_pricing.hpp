#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/result.hpp>

#include <cstdint>

namespace netcompute::kernels {

enum class OptionKind : std::uint32_t { European, Asian, UpBarrier, DownBarrier };

/// An option whose price is looked at `steps` times until it ends, at equal distances, and what its
/// underlying does from one time to the next: its logarithm moves by drift + deviation z, with z
/// standard normal.
struct OptionPaths {
    OptionKind kind = OptionKind::European;
    bool is_put = false;
    bool is_knock_in = false;    ///< Pays only if the barrier was reached; otherwise only if not.
    bool is_antithetic = false;  ///< Each sample is the mean of a path and of its mirror image.
    std::uint32_t steps = 1;     ///< At most option_steps_max.
    double log_spot = 0;         ///< Where the logarithm begins.
    double drift = 0;
    double deviation = 0;
    double strike = 0;
    double log_barrier = 0;
    double discount = 1;      ///< What an amount at the end is worth today.
    double control_mean = 0;  ///< The expectation of what is subtracted from; see OptionSums.
};

/// What option_pricing@1 reads: the samples [first_sample, first_sample + sample_count) of a seed.
struct OptionPricingInput {
    OptionPaths paths;
    std::uint64_t seed = 0;
    std::uint64_t first_sample = 0;  ///< A multiple of option_samples_unit.
    std::uint64_t sample_count = 0;  ///< Times steps: at most option_moves_max.
};

/// Sums over samples of y, the discounted payoff, and of x: the control variate less its mean. That
/// is, discounted, the underlying at the end of a European option; for an Asian one the payoff with
/// the geometric mean; for one with a barrier the payoff without it.
struct OptionSums {
    double y = 0;
    double x = 0;
    double yy = 0;
    double xx = 0;
    double xy = 0;
};

inline constexpr std::uint32_t option_steps_max = 1 << 16;
inline constexpr std::uint64_t option_moves_max = std::uint64_t{1} << 34;
inline constexpr std::uint64_t option_samples_unit = 32;

/// u32 kind, u32 flags (1 put, 2 knock-in, 4 antithetic), u32 steps, u32 0, the seven f64 of
/// OptionPaths in their order, u64 seed, u64 first_sample, u64 sample_count.
[[nodiscard]] Bytes encode_option_pricing(const OptionPricingInput& input);

/// Five f64. Errors: ShapeMismatch for another size; InvalidArgument for a sum that is not finite.
[[nodiscard]] Result<OptionSums> decode_option_sums(ByteSpan output);

}  // namespace netcompute::kernels
