#include "engine/job_types/job_types.hpp"
#include "engine/param_reader.hpp"
#include <netcompute/programs/monte_carlo_pi.hpp>
#include <netcompute/sha256.hpp>

#include <limits>

namespace netcompute::engine {
namespace {

constexpr std::uint64_t samples_max =
    tasks_per_round_max * programs::MonteCarloPiProgram::samples_per_task;

Result<programs::MonteCarloPiPlan> read_plan(const nlohmann::json& params) {
    ParamReader reader{params};
    programs::MonteCarloPiPlan plan;
    plan.samples = reader.whole_number("samples", 1, samples_max);
    plan.seed = reader.whole_number("seed", 0, std::numeric_limits<std::uint64_t>::max(), 0);
    if (auto finished = reader.finish(); !finished) return unexpected(finished.error());
    return plan;
}

Result<void> check(const nlohmann::json& params, const JobContext&) {
    const auto plan = read_plan(params);
    if (!plan) return unexpected(plan.error());
    return {};
}

Result<PreparedJob> prepare(const nlohmann::json& params, const JobContext&) {
    const auto plan = read_plan(params);
    if (!plan) return unexpected(plan.error());
    auto program = std::make_unique<programs::MonteCarloPiProgram>(*plan);
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
    return {"monte_carlo_pi", check, prepare, true};
}

}  // namespace netcompute::engine
