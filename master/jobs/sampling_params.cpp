#include "jobs/sampling_params.hpp"

#include <netcompute/sha256.hpp>

#include <algorithm>

namespace netcompute::jobs {

programs::Sampling SamplingParams::sampling(const ParamValues& values) const {
    return {values[samples], values[samples_max], values[standard_error], values[seed]};
}

Result<void> SamplingParams::check(const ParamValues& values,
                                   std::uint64_t samples_per_task) const {
    const programs::Sampling sampled = sampling(values);
    const bool has_bound = sampled.standard_error_max > 0;
    const std::uint64_t most =
        has_bound ? std::max(sampled.samples, sampled.samples_max) : sampled.samples;
    if ((most - 1) / samples_per_task < tasks_per_round_max) return {};
    const bool is_first = most == sampled.samples;
    return unexpected(ErrorCode::InvalidArgument,
                      std::string{"params."} + (is_first ? "samples" : "samples_max") + ": " +
                          std::to_string(most) + " samples of this size make more than " +
                          std::to_string(tasks_per_round_max) + " tasks; give at most " +
                          std::to_string(samples_per_task * tasks_per_round_max));
}

void add_sampling(const programs::SampledMeans& program, nlohmann::json& result) {
    result["samples"] = program.samples();
    result["standard_error"] = program.standard_error();
    result["met_its_bound"] = program.met_its_bound();
    result["result_sha256"] = to_hex(sha256(program.result_bytes()));
}

}  // namespace netcompute::jobs
