#pragma once

#include "core/events.hpp"

#include <string>
#include <string_view>

namespace netcompute::engine {

/// The policy that a job's record names: "", "none", "adaptive", "quorum:3".
[[nodiscard]] core::Validation parse_validation(std::string_view text);

/// The other way round; "default" for the default.
[[nodiscard]] std::string validation_name(const core::Validation& validation);

}  // namespace netcompute::engine
