#pragma once

#include "store/sqlite.hpp"
#include <netcompute/result.hpp>

#include <span>
#include <string_view>

namespace netcompute::store {

/// The schema's history: step number N, from 1, takes a database of version N - 1 to version N. A
/// step that was ever released is never edited; what changes is a new step at the end.
[[nodiscard]] std::span<const std::string_view> schema_steps();

/// Takes the database through the steps that it has not seen, all of them or none, and notes the
/// version. Errors: Unavailable for a database of a newer program, or as for statements.
[[nodiscard]] Result<void> migrate(SqliteDatabase& database,
                                   std::span<const std::string_view> steps = schema_steps());

}  // namespace netcompute::store
