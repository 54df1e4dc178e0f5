#pragma once

#include "jobs/job_type.hpp"

namespace netcompute::jobs {

// What job_types() lists.
#define NETCOMPUTE_JOB_TYPE(name) [[nodiscard]] JobType name##_job();
#include "jobs/job_types.inc"
#undef NETCOMPUTE_JOB_TYPE

}  // namespace netcompute::jobs
