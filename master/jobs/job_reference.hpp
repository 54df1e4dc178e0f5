#pragma once

#include "jobs/job_type.hpp"
#include "store/records.hpp"
#include <netcompute/ids.hpp>
#include <netcompute/result.hpp>

#include <nlohmann/json.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::jobs {

/// What an input file's parameter may say instead of a path: "job:3/model", the file that the
/// result of job 3 calls "model"; or "job:3", where that job wrote one file only.
struct JobReference {
    JobId job;
    std::string output;  ///< Empty for "job:3".
};

/// Whether the text is meant as one: it begins with "job:".
[[nodiscard]] bool is_job_reference(std::string_view text);
/// Errors: InvalidArgument, saying what such a reference looks like.
[[nodiscard]] Result<JobReference> parse_job_reference(std::string_view text);

/// The jobs whose files `given` names, ascending. Errors: those of parse_job_reference(), naming
/// the parameter.
[[nodiscard]] Result<std::vector<JobId>> referenced_jobs(const ParamTable& table,
                                                         const nlohmann::json& given);

/// The file that a reference means. Errors: NotFound, naming what the job wrote; InvalidArgument
/// for "job:3" where it wrote several.
[[nodiscard]] Result<store::JobOutput> find_output(const JobReference& reference,
                                                   const std::vector<store::JobOutput>& outputs);

}  // namespace netcompute::jobs
