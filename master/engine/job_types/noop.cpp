#include "engine/job_types/job_types.hpp"
#include "engine/param_reader.hpp"
#include <netcompute/programs/noop.hpp>
#include <netcompute/sha256.hpp>

namespace netcompute::engine {
namespace {

constexpr std::uint64_t payload_bytes_max = std::uint64_t{1} << 20;

Result<programs::NoopPlan> read_plan(const nlohmann::json& params) {
    ParamReader reader{params};
    programs::NoopPlan plan;
    plan.task_count =
        static_cast<std::uint32_t>(reader.whole_number("task_count", 1, tasks_per_round_max, 1));
    plan.payload_bytes =
        static_cast<std::uint32_t>(reader.whole_number("payload_bytes", 0, payload_bytes_max, 0));
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
    auto program = std::make_unique<programs::NoopProgram>(*plan);
    const auto finish = [finished = program.get(), plan = *plan]() -> Result<nlohmann::json> {
        return nlohmann::json{{"task_count", plan.task_count},
                              {"payload_bytes", plan.payload_bytes},
                              {"result_sha256", to_hex(sha256(finished->result_bytes()))}};
    };
    return PreparedJob{std::move(program), finish, false, {}};
}

}  // namespace

JobType noop_job() {
    return {"noop", check, prepare, true};
}

}  // namespace netcompute::engine
