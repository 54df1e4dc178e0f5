#pragma once

#include "data/reading_options.hpp"
#include "params/params.hpp"
#include <netcompute/result.hpp>

#include <nlohmann/json.hpp>

namespace netcompute::params {

// The params that say how a table is read, where it does not tell by itself.
extern const Structured reading_param;  ///< {"separator", "decimal", …}
extern const Structured columns_param;  ///< {NAME: "number" | "category" | …}
extern const Structured missing_param;  ///< ["NA", "?", …]

/// The keys "reading", "columns", "missing" and, of models, "id_is_found"
/// (ReadingOptions::finds_id) of an object; others are passed over. Errors: InvalidArgument, naming
/// the key, its value and what would do.
[[nodiscard]] Result<data::ReadingOptions> read_reading_json(const nlohmann::json& object);

/// What read_reading_json() reads: only what the options give.
[[nodiscard]] nlohmann::ordered_json reading_json(const data::ReadingOptions& options);

/// `over` where it says something, else `under`.
[[nodiscard]] data::ReadingOptions merged(const data::ReadingOptions& under,
                                          const data::ReadingOptions& over);

}  // namespace netcompute::params
