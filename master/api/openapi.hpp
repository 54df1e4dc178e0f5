#pragma once

#include <nlohmann/json.hpp>

namespace netcompute::api {

/// The API's description (OpenAPI 3.0), generated from the route table and Backend::job_types(), so
/// it is always up to date.
[[nodiscard]] nlohmann::json openapi_document(const nlohmann::json& job_types);

}  // namespace netcompute::api
