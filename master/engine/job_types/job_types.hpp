#pragma once

#include "engine/job_type.hpp"

namespace netcompute::engine {

[[nodiscard]] JobType noop_job();
[[nodiscard]] JobType monte_carlo_pi_job();
[[nodiscard]] JobType train_job();
[[nodiscard]] JobType predict_job();

}  // namespace netcompute::engine
