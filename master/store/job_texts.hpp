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
[[nodiscard]] std::string job_outputs_text(std::span<const JobOutput> outputs);

/// What those wrote; of another text as much as can be read.
[[nodiscard]] std::vector<JobId> read_job_ids(std::string_view text);
[[nodiscard]] std::vector<JobOutput> read_job_outputs(std::string_view text);

}  // namespace netcompute::store
