#include "jobs/job_types.hpp"
#include <netcompute/programs/noop.hpp>
#include <netcompute/sha256.hpp>

namespace netcompute::jobs {
namespace {

constexpr WholeNumber task_count{.name = "task_count",
                                 .what = "How many tasks",
                                 .min = 1,
                                 .max = tasks_per_round_max,
                                 .otherwise = 1};
constexpr WholeNumber payload_bytes{.name = "payload_bytes",
                                    .what = "What each task carries there and back",
                                    .max = std::uint64_t{1} << 20,
                                    .otherwise = 0,
                                    .unit = "bytes"};

Result<PreparedJob> make(const ParamValues& values, const JobContext&) {
    const programs::NoopPlan plan{static_cast<std::uint32_t>(values[task_count]),
                                  static_cast<std::uint32_t>(values[payload_bytes])};
    auto program = std::make_unique<programs::NoopProgram>(plan);
    const auto finish = [finished = program.get(), plan]() -> Result<nlohmann::json> {
        return nlohmann::json{{"task_count", plan.task_count},
                              {"payload_bytes", plan.payload_bytes},
                              {"result_sha256", to_hex(sha256(finished->result_bytes()))}};
    };
    return PreparedJob{std::move(program), finish, false, {}};
}

}  // namespace

JobType noop_job() {
    return {.name = "noop",
            .title = "No-op",
            .summary = "Nothing, for measuring",
            .params = {.common = {task_count, payload_bytes}},
            .make = make,
            .is_quick = true};
}

}  // namespace netcompute::jobs
