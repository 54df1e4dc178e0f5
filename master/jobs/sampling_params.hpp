#pragma once

#include "jobs/job_type.hpp"
#include <netcompute/programs/sampled_means.hpp>

#include <cstdint>

namespace netcompute::jobs {

/// The parameters of simulations that estimate a mean.
struct SamplingParams {
    WholeNumber samples{.name = "samples",
                        .what = "How many independent samples, at first",
                        .min = 2,
                        .max = 1'000'000'000'000};
    Number standard_error{
        .name = "standard_error",
        .what = "More samples are taken until the standard error is at most this; 0: as it comes",
        .max = 1e9,
        .otherwise = 0};
    WholeNumber samples_max{.name = "samples_max",
                            .what = "How many samples at most, where a standard error is asked for",
                            .min = 2,
                            .max = 1'000'000'000'000};
    WholeNumber seed{.name = "seed",
                     .what = "Which random numbers: the same seed gives the same",
                     .otherwise = 0};

    constexpr SamplingParams(std::uint64_t samples_default, std::uint64_t samples_max_default) {
        samples.otherwise = samples_default;
        samples_max.otherwise = samples_max_default;
    }

    /// What they say.
    [[nodiscard]] programs::Sampling sampling(const ParamValues& values) const;

    /// For check_together. Errors: InvalidArgument if a round would have too many tasks of this
    /// size.
    [[nodiscard]] Result<void> check(const ParamValues& values,
                                     std::uint64_t samples_per_task) const;
};

/// What all such results have: samples, standard_error, met_its_bound, result_sha256.
void add_sampling(const programs::SampledMeans& program, nlohmann::json& result);

/// "yes" or "no".
[[nodiscard]] inline bool is_yes(const std::string& word) {
    return word == "yes";
}
inline constexpr std::string_view yes_or_no[] = {"yes", "no"};

}  // namespace netcompute::jobs
