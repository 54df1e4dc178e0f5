#include "jobs/job_types.hpp"
#include "jobs/sampling_params.hpp"
#include <netcompute/programs/ising.hpp>

namespace netcompute::jobs {
namespace {

constexpr WholeNumber size{.name = "size",
                           .what = "The lattice's edge, an even number of spins",
                           .min = 4,
                           .max = 1024,
                           .otherwise = 32};
constexpr Number temperature{.name = "temperature",
                             .what = "In units of the coupling; the critical one is 2.269",
                             .min = 0.1,
                             .max = 1000,
                             .example = 2.5};
constexpr WholeNumber burn_in{.name = "burn_in",
                              .what = "Sweeps of a chain before the first measurement",
                              .max = 1'000'000,
                              .otherwise = 500};
constexpr WholeNumber sweeps{.name = "sweeps",
                             .what = "Sweeps of a chain that are measured",
                             .min = 1,
                             .max = 1'000'000,
                             .otherwise = 500};
constexpr SamplingParams sampling{64, 100'000};

programs::IsingPlan plan_of(const ParamValues& values) {
    return {static_cast<std::uint32_t>(values[size]), static_cast<std::uint32_t>(values[burn_in]),
            static_cast<std::uint32_t>(values[sweeps]), values[temperature],
            sampling.sampling(values)};
}

Result<void> check_together(const ParamValues& values) {
    if (values[size] % 2 != 0) {
        return unexpected(ErrorCode::InvalidArgument,
                          "params.size: " + std::to_string(values[size]) +
                              " is odd; give an even number, so that the lattice is a "
                              "checkerboard also across its edges");
    }
    const std::uint64_t chain = values[size] * values[size] * (values[burn_in] + values[sweeps]);
    if (chain > kernels::ising_visits_max) {
        return unexpected(ErrorCode::InvalidArgument,
                          "params.sweeps: a chain of " + std::to_string(chain) +
                              " visits to spins takes a worker too long; give fewer sweeps or a "
                              "smaller lattice, at most " +
                              std::to_string(kernels::ising_visits_max) + " visits");
    }
    return sampling.check(values, programs::IsingProgram::chains_per_task(plan_of(values)));
}

Result<PreparedJob> make(const ParamValues& values, const JobContext&) {
    const programs::IsingPlan plan = plan_of(values);
    auto program = std::make_unique<programs::IsingProgram>(plan);
    const auto finish = [finished = program.get(), plan]() -> Result<nlohmann::json> {
        nlohmann::json result{
            {"energy", finished->mean(kernels::Energy)},
            {"magnetisation", finished->mean(kernels::Magnetisation)},
            {"magnetisation_error", finished->magnetisation_error()},
            {"specific_heat", finished->specific_heat()},
            {"susceptibility", finished->susceptibility()},
            {"binder_cumulant", finished->binder_cumulant()},
            {"infinite_energy", programs::onsager_energy(plan.temperature)},
            {"infinite_magnetisation", programs::onsager_magnetisation(plan.temperature)}};
        add_sampling(*finished, result);
        return result;
    };
    return PreparedJob{std::move(program), finish, plan.sampling.standard_error_max > 0, {}};
}

}  // namespace

JobType ising_job() {
    return {.name = "ising",
            .title = "Ising model",
            .summary =
                "Energy and magnetisation of Ising's ferromagnet on a square lattice, over "
                "independent Markov chains",
            .params = {.common = {size, temperature, burn_in, sweeps, sampling.samples,
                                  sampling.standard_error, sampling.samples_max, sampling.seed}},
            .make = make,
            .check_together = check_together,
            .is_quick = true};
}

}  // namespace netcompute::jobs
