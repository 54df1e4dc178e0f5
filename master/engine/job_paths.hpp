#pragma once

#include "engine/job_type.hpp"
#include <netcompute/result.hpp>

#include <filesystem>
#include <string>

namespace netcompute::engine {

/// The file that a job's parameter names: relative to the root folder, or else to its Data/ folder.
/// Errors: PermissionDenied if it lies outside the root, also by a link, unless the job comes from
/// this PC's own command line.
[[nodiscard]] Result<std::filesystem::path> resolve_job_path(const JobContext& context,
                                                             const std::string& key,
                                                             const std::string& path);

/// The same for a file to read. Errors: also NotFound if it is not there.
[[nodiscard]] Result<std::filesystem::path> resolve_input(const JobContext& context,
                                                          const std::string& key,
                                                          const std::string& path);

/// The same for a file to write. Errors: also those of data::check_writable_folder().
[[nodiscard]] Result<std::filesystem::path> resolve_output(const JobContext& context,
                                                           const std::string& key,
                                                           const std::string& path);

}  // namespace netcompute::engine
