#pragma once

#include "fault_plan.hpp"
#include "job_catalog.hpp"

#include <cstdint>
#include <map>
#include <string_view>

namespace netcompute::sim {

/// By the words for them, on the command line as --word.
[[nodiscard]] const std::map<std::string_view, Occurs Worlds::*>& worst_faults();

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
