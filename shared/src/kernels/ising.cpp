#include "builtin.hpp"
#include <netcompute/kernels/ising.hpp>
#include <netcompute/math.hpp>

#include <cstring>
#include <vector>

#ifndef NETCOMPUTE_ISING_TYPES
#define NETCOMPUTE_ISING_TYPES
namespace netcompute::kernels {

/// A chain's spins, 1 or -1, each colour of the checkerboard by itself: [size][size / 2], so that
/// neighbours of the other colour lie side by side too.
struct IsingLattice {
    std::uint32_t size = 0;
    std::vector<std::int32_t> spins[2];
    std::vector<std::uint32_t> words;  ///< A random one for each spin of a colour, and a few more.
    /// The largest word with which a spin turns that agrees with 0, 2 or 4 more neighbours than
    /// not.
    std::uint32_t turns[3] = {};
};

struct IsingCounts {
    std::int64_t bonds = 0;  ///< Pairs that agree less those that do not: minus the energy.
    std::int64_t spins = 0;  ///< The magnetisation.
};

}  // namespace netcompute::kernels
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ising.cpp"
#include <hwy/foreach_target.h>
//
#include "philox-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace netcompute::kernels::HWY_NAMESPACE {

template <std::size_t part = 0>
HWY_INLINE void store_words(Word low, Word high, std::uint32_t* to) {
    const U64 both = widened<part>(low) | widened<part>(high).template left<32>();
    std::memcpy(to + 2 * part * F64::lanes, &both, 8 * F64::lanes);
    if constexpr (part + 1 < word_parts) store_words<part + 1>(low, high, to);
}

/// The words of one half of a sweep: those of Philox's blocks (i, half_sweep, chain).
HWY_INLINE void fill_words(std::uint64_t seed, std::uint64_t chain, std::uint32_t half_sweep,
                           std::vector<std::uint32_t>& words) {
    const std::size_t half = words.size() / 2;
    for (std::size_t block = 0; 2 * block < half; block += Word::lanes) {
        Word c[4] = {Word::set(0), Word::set(0), Word::set(static_cast<std::uint32_t>(chain)),
                     Word::set(static_cast<std::uint32_t>(chain >> 32))};
        count_from(block, c[0], c[1]);
        c[1] = Word::set(half_sweep);
        philox(c, seed);
        store_words(c[0], c[1], words.data() + 2 * block);
        store_words(c[2], c[3], words.data() + half + 2 * block);
    }
}

/// Visits the spins of a colour, row by row: `visit(spin, sum of its neighbours, its place)`.
template <typename Visit>
HWY_INLINE void visit_colour(IsingLattice& lattice, std::uint32_t colour, const Visit& visit) {
    const std::size_t size = lattice.size;
    const std::size_t half = size / 2;
    std::int32_t* HWY_RESTRICT const own = lattice.spins[colour].data();
    const std::int32_t* HWY_RESTRICT const other = lattice.spins[1 - colour].data();
    for (std::size_t row = 0; row < size; ++row) {
        const std::size_t at = row * half;
        const std::int32_t* const above = other + (row + size - 1) % size * half;
        const std::int32_t* const below = other + (row + 1) % size * half;
        const std::int32_t* const beside = other + at;
        const auto sum = [&](std::size_t j, std::size_t far) {
            return above[j] + below[j] + beside[j] + beside[far];
        };
        // In every second row the colour begins one column later.
        if ((row + colour) % 2 == 0) {
            visit(own[at], sum(0, half - 1), at);
            for (std::size_t j = 1; j < half; ++j) visit(own[at + j], sum(j, j - 1), at + j);
        } else {
            for (std::size_t j = 0; j + 1 < half; ++j) visit(own[at + j], sum(j, j + 1), at + j);
            visit(own[at + half - 1], sum(half - 1, 0), at + half - 1);
        }
    }
}

void sweep(std::uint64_t seed, std::uint64_t chain, std::uint32_t number, IsingLattice& lattice) {
    for (std::uint32_t colour = 0; colour < 2; ++colour) {
        fill_words(seed, chain, 2 * number + colour, lattice.words);
        const std::uint32_t* HWY_RESTRICT const words = lattice.words.data();
        const std::uint32_t turns_0 = lattice.turns[0];
        const std::uint32_t turns_2 = lattice.turns[1];
        const std::uint32_t turns_4 = lattice.turns[2];
        visit_colour(lattice, colour, [=](std::int32_t& spin, std::int32_t sum, std::size_t at) {
            const std::int32_t agreement = spin * sum;
            std::uint32_t turns = agreement == 2 ? turns_2 : turns_0;
            turns = agreement == 4 ? turns_4 : turns;
            spin = words[at] <= turns ? -spin : spin;
        });
    }
}

/// Each bond has one end of either colour.
IsingCounts measure(IsingLattice& lattice) {
    std::int32_t bonds = 0;
    std::int32_t spins = 0;
    visit_colour(lattice, 0, [&](std::int32_t& spin, std::int32_t sum, std::size_t) {
        bonds += spin * sum;
        spins += spin;
    });
    for (const std::int32_t spin : lattice.spins[1]) spins += spin;
    return {bonds, spins};
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace netcompute::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>
#include <array>
#include <cmath>
#include <string>

namespace netcompute::kernels {

HWY_EXPORT(sweep);
HWY_EXPORT(measure);

namespace {

using Means = std::array<double, ising_means>;

Unexpected refused(ErrorCode code, const std::string& what) {
    return unexpected(code, "ising: " + what);
}

/// The largest word of the first `share` of all 2^32; at least the word 0.
std::uint32_t largest_word(double share) {
    return static_cast<std::uint32_t>(std::max(1.0, std::ceil(share * 0x1p32)) - 1);
}

IsingLattice new_lattice(const IsingInput& input) {
    const std::size_t half = std::size_t{input.size} * input.size / 2;
    IsingLattice lattice;
    lattice.size = input.size;
    lattice.words.resize((half + 31) / 32 *
                         32);  // A whole number of vectors for each pair of words.
    lattice.turns[0] = 0xffffffff;
    lattice.turns[1] = largest_word(math::exp(-4 / input.temperature));
    lattice.turns[2] = largest_word(math::exp(-8 / input.temperature));
    for (auto& spins : lattice.spins) spins.resize(half);
    return lattice;
}

/// A chain, from all spins up on.
Means chain_means(const IsingInput& input, std::uint64_t chain, IsingLattice& lattice) {
    for (auto& spins : lattice.spins) std::fill(spins.begin(), spins.end(), 1);
    const double per_spin = 1.0 / (static_cast<double>(input.size) * input.size);
    Means sums{};
    for (std::uint32_t number = 0; number < input.burn_in + input.sweeps; ++number) {
        HWY_DYNAMIC_DISPATCH(sweep)(input.seed, chain, number, lattice);
        if (number < input.burn_in) continue;
        const IsingCounts counts = HWY_DYNAMIC_DISPATCH(measure)(lattice);
        const double energy = -static_cast<double>(counts.bonds) * per_spin;
        const double magnetisation = std::fabs(static_cast<double>(counts.spins)) * per_spin;
        const double square = magnetisation * magnetisation;
        sums[Energy] += energy;
        sums[Magnetisation] += magnetisation;
        sums[SquaredEnergy] += energy * energy;
        sums[SquaredMagnetisation] += square;
        sums[FourthMagnetisation] += square * square;
    }
    for (double& sum : sums) sum /= input.sweeps;
    sums[EnergySquare] = sums[Energy] * sums[Energy];
    sums[MagnetisationSquare] = sums[Magnetisation] * sums[Magnetisation];
    return sums;
}

Result<IsingInput> read_input(ByteSpan bytes) {
    IsingInput input;
    ByteReader reader{bytes};
    input.size = reader.number<std::uint32_t>();
    input.burn_in = reader.number<std::uint32_t>();
    input.sweeps = reader.number<std::uint32_t>();
    const auto padding = reader.number<std::uint32_t>();
    input.temperature = reader.number<double>();
    input.seed = reader.number<std::uint64_t>();
    input.first_chain = reader.number<std::uint64_t>();
    input.chain_count = reader.number<std::uint64_t>();
    if (!reader.finished()) {
        return refused(ErrorCode::ShapeMismatch,
                       "the input has " + std::to_string(bytes.size()) + " bytes, not 48");
    }
    if (input.size < 4 || input.size > ising_size_max || input.size % 2 != 0) {
        return refused(ErrorCode::InvalidArgument, "a size of " + std::to_string(input.size) +
                                                       " is not an even number from 4 to " +
                                                       std::to_string(ising_size_max));
    }
    if (!(input.temperature > 0) || !std::isfinite(input.temperature) || padding != 0) {
        return refused(ErrorCode::InvalidArgument, "the temperature is not above 0");
    }
    const std::uint64_t sweeps = std::uint64_t{input.burn_in} + input.sweeps;
    if (input.sweeps == 0 || sweeps >= std::uint64_t{1} << 31) {
        return refused(ErrorCode::InvalidArgument, std::to_string(sweeps) + " sweeps, of which " +
                                                       std::to_string(input.sweeps) +
                                                       " are measured, are none or too many");
    }
    if (input.chain_count > ising_visits_max / input.size / input.size / sweeps) {
        return refused(ErrorCode::LimitExceeded,
                       std::to_string(input.chain_count) +
                           " chains of this size in one task are too many: cut them finer");
    }
    return input;
}

}  // namespace

Bytes encode_ising(const IsingInput& input) {
    Bytes bytes;
    ByteWriter writer{bytes};
    for (const std::uint32_t value : {input.size, input.burn_in, input.sweeps, 0u}) {
        writer.number(value);
    }
    writer.number(input.temperature);
    for (const std::uint64_t value : {input.seed, input.first_chain, input.chain_count}) {
        writer.number(value);
    }
    return bytes;
}

/// ising@1: the ferromagnet of Ising on a square lattice that is closed to a torus, without a
/// field, by Metropolis' steps in the order of a checkerboard. Word 4 i + k of a half sweep's
/// blocks belongs to one spin, so a chain depends on the seed and its number alone. Spins are whole
/// numbers; the means of a chain, and their sum over chains, are added up in order.
///
///   input   encode_ising()
///   output  the sums over chains of their means: f64 [ising_means], in the order of IsingMean
/// Source: Metropolis et al., "Equation of state calculations by fast computing machines", 1953.
Result<Bytes> ising(std::span<const ByteSpan> inputs) {
    if (inputs.size() != 1) {
        return refused(ErrorCode::ShapeMismatch,
                       std::to_string(inputs.size()) + " inputs were given, it reads 1");
    }
    const auto input = read_input(inputs[0]);
    if (!input) return unexpected(input.error());
    IsingLattice lattice = new_lattice(*input);
    Means sums{};
    for (std::uint64_t i = 0; i < input->chain_count; ++i) {
        const Means means = chain_means(*input, input->first_chain + i, lattice);
        for (std::size_t k = 0; k < sums.size(); ++k) sums[k] += means[k];
    }
    Bytes output;
    ByteWriter{output}.numbers(std::span<const double>{sums});
    return output;
}

}  // namespace netcompute::kernels
#endif
