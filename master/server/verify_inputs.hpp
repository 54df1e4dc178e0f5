#pragma once

#include "engine/receipt_reader.hpp"
#include <netcompute/result.hpp>

#include <filesystem>

namespace netcompute::server {

/// The parameters with which a receipt's job is prepared again: its inputs where they lie here,
/// each checked by its hash.
/// Errors: NotFound for an input that is not there, InvalidArgument for one that is another file,
/// both saying where it was looked for.
[[nodiscard]] Result<nlohmann::json> params_here(const engine::Receipt& receipt,
                                                 const std::filesystem::path& root);

}  // namespace netcompute::server
