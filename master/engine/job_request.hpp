#pragma once

#include <netcompute/result.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>

namespace netcompute::engine {

/// A job as a user submits it.
struct JobRequest {
    std::string type;
    nlohmann::json params = nlohmann::json::object();
    std::string name;
    std::int32_t priority = 0;
    std::string validation;       ///< "", "none", "adaptive" or "quorum:3".
    double deadline_seconds = 0;  ///< From submission; 0: none.
    bool from_command_line = false;  ///< Then its paths may lead anywhere.
};

/// From the body of POST /api/v1/jobs. Errors: InvalidArgument naming the key and its value.
[[nodiscard]] Result<JobRequest> parse_job_request(std::string_view json);

}  // namespace netcompute::engine
