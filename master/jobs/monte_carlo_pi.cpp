#include "jobs/job_types.hpp"
#include <netcompute/programs/monte_carlo_pi.hpp>
#include <netcompute/sha256.hpp>

namespace netcompute::jobs {
namespace {

constexpr WholeNumber samples{
    .name = "samples",
    .what = "How many random points",
    .min = 1,
    .max = tasks_per_round_max * programs::MonteCarloPiProgram::samples_per_task,
    .example = 10'000'000};
constexpr WholeNumber seed{
    .name = "seed", .what = "Which random points: the same seed gives the same", .otherwise = 0};

Result<PreparedJob> make(const ParamValues& values, const JobContext&) {
    auto program = std::make_unique<programs::MonteCarloPiProgram>(
        programs::MonteCarloPiPlan{values[samples], values[seed]});
    const auto finish = [finished = program.get()]() -> Result<nlohmann::json> {
        return nlohmann::json{{"estimate", finished->estimate()},
                              {"standard_error", finished->standard_error()},
                              {"samples", finished->samples()},
                              {"inside", finished->inside()},
                              {"result_sha256", to_hex(sha256(finished->result_bytes()))}};
    };
    return PreparedJob{std::move(program), finish, false, {}};
}

}  // namespace

JobType monte_carlo_pi_job() {
    return {.name = "monte_carlo_pi",
            .title = "Monte Carlo pi",
            .summary = "Estimates pi by random points; a job that is all computation",
            .params = {.common = {samples, seed}},
            .make = make,
            .is_quick = true};
}

}  // namespace netcompute::jobs
