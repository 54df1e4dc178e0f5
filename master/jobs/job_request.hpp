#pragma once

#include <netcompute/ids.hpp>
#include <netcompute/result.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::jobs {

/// A job as a user submits it.
struct JobRequest {
    std::string type;
    nlohmann::json params = nlohmann::json::object();
    std::string name = {};
    std::int32_t priority = 0;
    bool from_command_line = false;  ///< Then its paths may lead anywhere.
    /// "none", "adaptive" or "quorum:K" with K from 2 to 10. Empty: as the kind of worker asks for.
    std::string validation = {};
    double deadline_seconds = 0;    ///< At which age the job fails; 0: none.
    std::vector<JobId> after = {};  ///< Jobs that must have succeeded before it begins.
    JobId parent = {};              ///< The job that submits it; JobId{}: a user does.
    std::uint32_t child_index = 0;  ///< Its place among that one's, from 0.
    /// By which a repeated submission is known, and taken once; or empty.
    std::string idempotency_key = {};
};

inline constexpr std::size_t idempotency_key_bytes_max = 200;

/// From the body of POST /api/v1/jobs. Errors: InvalidArgument naming the key and its value.
[[nodiscard]] Result<JobRequest> parse_job_request(std::string_view json);

/// From the body of POST /api/v1/jobs/{id}/priority: {"priority": n}. Errors: as above.
[[nodiscard]] Result<std::int32_t> parse_priority_request(std::string_view json);

}  // namespace netcompute::jobs
