#include "jobs/job_types.hpp"

#include <algorithm>

namespace netcompute::jobs {

std::span<const JobType> job_types() {
    static const std::vector<JobType> types{
#define NETCOMPUTE_JOB_TYPE(name) name##_job(),
#include "jobs/job_types.inc"
#undef NETCOMPUTE_JOB_TYPE
    };
    return types;
}

const JobType* find_job_type(std::string_view name) {
    const auto types = job_types();
    const auto found = std::find_if(types.begin(), types.end(),
                                    [&](const JobType& type) { return type.name == name; });
    return found == types.end() ? nullptr : &*found;
}

}  // namespace netcompute::jobs
