#pragma once

#include <netcompute/bytes.hpp>

#include <cstdint>

namespace netcompute::kernels {

/// What ising@1 reads: the Markov chains [first_chain, first_chain + chain_count) of a seed.
struct IsingInput {
    std::uint32_t size = 0;     ///< The lattice's edge: even, from 4 to ising_size_max.
    std::uint32_t burn_in = 0;  ///< Sweeps before the first measurement.
    std::uint32_t sweeps = 0;   ///< Sweeps that are measured, at least 1.
    double temperature = 0;     ///< In units of the coupling; above 0.
    std::uint64_t seed = 0;
    std::uint64_t first_chain = 0;
    std::uint64_t chain_count = 0;
};

inline constexpr std::uint32_t ising_size_max = 1024;
/// Spins that one task visits at most: a minute or so.
inline constexpr std::uint64_t ising_visits_max = std::uint64_t{1} << 36;

/// A chain's means over its sweeps, each a spin, with e the energy and m the magnetisation. Their
/// order in the output.
enum IsingMean : std::size_t {
    Energy,
    EnergySquare,  ///< The square of the chain's mean, for the error.
    Magnetisation,
    MagnetisationSquare,  ///< Likewise, of the absolute value's mean.
    SquaredEnergy,        ///< Mean of e^2.
    SquaredMagnetisation,
    FourthMagnetisation,
    ising_means
};

/// u32 size, burn_in, sweeps and 0, f64 temperature, u64 seed, first_chain and chain_count.
[[nodiscard]] Bytes encode_ising(const IsingInput& input);

}  // namespace netcompute::kernels
