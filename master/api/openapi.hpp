#pragma once

#include <nlohmann/json.hpp>

namespace netcompute::api {

/// The API's description (OpenAPI 3.0), made from the route table and what Backend::job_types()
/// says, so it cannot fall behind them.
[[nodiscard]] nlohmann::json openapi_document(const nlohmann::json& job_types);

}  // namespace netcompute::api
