#pragma once

#include "store/records.hpp"
#include <netcompute/ids.hpp>

#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Lists of a job's record as the database keeps them: JSON, or an empty text for none.
namespace netcompute::store {

/// [3, 5].
[[nodiscard]] std::string job_ids_text(std::span<const JobId> jobs);
/// [{"name", "path", "sha256"}, …].
[[nodiscard]] std::string job_files_text(std::span<const JobFile> files);
/// ["a-worker", "another"].
[[nodiscard]] std::string worker_keys_text(std::span<const std::string> keys);

/// What those wrote; of another text as much as can be read.
[[nodiscard]] std::vector<JobId> read_job_ids(std::string_view text);
[[nodiscard]] std::vector<JobFile> read_job_files(std::string_view text);
[[nodiscard]] std::vector<std::string> read_worker_keys(std::string_view text);

}  // namespace netcompute::store
