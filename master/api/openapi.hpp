#pragma once

#include <nlohmann/json.hpp>

namespace netcompute::api {

/// The API's description (OpenAPI 3.0), made from the route table, so it cannot fall behind it.
[[nodiscard]] nlohmann::json openapi_document();

}  // namespace netcompute::api
