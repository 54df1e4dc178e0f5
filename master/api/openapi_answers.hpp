#pragma once

#include "api/routes.hpp"

#include <nlohmann/json.hpp>

namespace netcompute::api {

/// What the API answers with, by name: the description's components/schemas. Later versions may
/// answer with more fields, so none of them says that there are no others.
[[nodiscard]] nlohmann::json answer_schemas();

/// The `content` of a route's success, by media type.
[[nodiscard]] nlohmann::json answer_content(RouteName route);

/// The `content` of every refusal.
[[nodiscard]] nlohmann::json error_content();

}  // namespace netcompute::api
