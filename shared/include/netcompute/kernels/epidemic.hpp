#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/result.hpp>

#include <cstdint>
#include <vector>

namespace netcompute::kernels {

/// What epidemic@1 reads: the replicates [first_replicate, first_replicate + replicate_count) of a
/// seed. Rates are those of one person, a unit of time.
struct EpidemicInput {
    std::uint32_t population = 0;  ///< At most epidemic_population_max.
    std::uint32_t infectious = 0;  ///< At the beginning; the others are susceptible.
    std::uint32_t points = 0;      ///< Times that are recorded, from 0 to `duration`; at least 2.
    bool is_seir = false;          ///< The infected are exposed before they are infectious.
    double duration = 0;
    double infection_rate = 0;  ///< Of contacts that infect, if all others are susceptible.
    double onset_rate = 0;      ///< At which the exposed become infectious.
    double recovery_rate = 0;
    std::uint64_t seed = 0;
    std::uint64_t first_replicate = 0;
    std::uint64_t replicate_count = 0;
};

inline constexpr std::uint32_t epidemic_population_max = 10'000'000;
inline constexpr std::uint32_t epidemic_points_max = 1000;
/// People times replicates of one task at most.
inline constexpr std::uint64_t epidemic_people_max = std::uint64_t{1} << 32;

/// One replicate.
struct EpidemicRun {
    std::uint32_t infected = 0;  ///< In all, those at the beginning too.
    std::uint32_t peak = 0;      ///< The most that were infectious at a time.
    double peak_time = 0;        ///< When they first were.
    /// [points][3]: susceptible, exposed and infectious at that time; the others have recovered.
    std::vector<std::uint32_t> states;
};

/// u32 population, infectious, points and is_seir, f64 duration, infection_rate, onset_rate and
/// recovery_rate, u64 seed, first_replicate and replicate_count.
[[nodiscard]] Bytes encode_epidemic(const EpidemicInput& input);

/// The replicates of a task, one after the other: u32 infected, u32 peak, f64 peak_time, u32 states
/// [points][3]. Errors: ShapeMismatch for another size; InvalidArgument for what no epidemic of
/// this population gives.
[[nodiscard]] Result<std::vector<EpidemicRun>> decode_epidemic(ByteSpan output,
                                                               const EpidemicInput& input);

}  // namespace netcompute::kernels
