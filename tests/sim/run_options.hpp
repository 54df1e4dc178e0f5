#pragma once

#include "fault_plan.hpp"
#include "job_catalog.hpp"

#include <cstdint>

namespace netcompute::sim {

/// What the command line asks for.
struct RunOptions {
    std::uint64_t runs = 10'000;
    std::uint64_t first_seed = 1;
    Worlds worlds;
    JobCatalog* catalog = nullptr;
};

/// Of this process; set in main().
[[nodiscard]] RunOptions& run_options();

}  // namespace netcompute::sim
