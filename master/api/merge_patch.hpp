#pragma once

#include <nlohmann/json.hpp>

namespace netcompute::api {

/// The JSON merge patch (RFC 7396) that turns `from` into `to`; an empty object if they are equal.
/// Both are objects. A null in `to` cannot be told from a missing key, as that format has it.
[[nodiscard]] nlohmann::json merge_patch(const nlohmann::json& from, const nlohmann::json& to);

}  // namespace netcompute::api
