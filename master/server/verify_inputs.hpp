#pragma once

#include "engine/job_type.hpp"
#include "engine/receipt_reader.hpp"
#include <netcompute/result.hpp>

#include <filesystem>

namespace netcompute::server {

/// The parameters with which a receipt's job is prepared again: its inputs where they lie here,
/// each checked by its hash, and its outputs in the folder `scratch`.
/// Errors: NotFound for an input that is not there, InvalidArgument for one that is another file,
/// both saying where it was looked for.
[[nodiscard]] Result<nlohmann::json> params_here(const engine::Receipt& receipt,
                                                 const engine::JobType& type,
                                                 const std::filesystem::path& root,
                                                 const std::filesystem::path& scratch);

}  // namespace netcompute::server
