#pragma once

#include <netcompute/bytes.hpp>

#include <cstdint>

namespace netcompute::kernels {

/// What monte_carlo_pi@1 reads: the samples [first_sample, first_sample + sample_count) of a seed.
struct MonteCarloPiInput {
    std::uint64_t seed = 0;
    std::uint64_t first_sample = 0;
    std::uint64_t sample_count = 0;  ///< At most monte_carlo_pi_samples_max.
};

/// The most samples of one call: some minutes on a slow worker.
inline constexpr std::uint64_t monte_carlo_pi_samples_max = std::uint64_t{1} << 36;

/// u64 seed, u64 first_sample, u64 sample_count.
[[nodiscard]] Bytes encode_monte_carlo_pi(const MonteCarloPiInput& input);

}  // namespace netcompute::kernels
