#include "engine/job_types/job_types.hpp"

#include <algorithm>
#include <array>

namespace netcompute::engine {

std::span<const JobType> job_types() {
    static const std::array<JobType, 4> types{train_job(), predict_job(), monte_carlo_pi_job(),
                                              noop_job()};
    return types;
}

const JobType* find_job_type(std::string_view name) {
    const auto types = job_types();
    const auto found = std::find_if(types.begin(), types.end(),
                                    [&](const JobType& type) { return type.name == name; });
    return found == types.end() ? nullptr : &*found;
}

}  // namespace netcompute::engine
