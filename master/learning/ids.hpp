#pragma once

#include "data/dataset.hpp"
#include <netcompute/result.hpp>

#include <string_view>

namespace netcompute::learning {

/// The texts that name the rows, from a table that was read with this id. Views of its dataset.
/// Errors: NotFound without such a column; InvalidArgument, with the place, for a row without one.
[[nodiscard]] Result<data::Texts> ids_of(const data::Table& table, std::string_view id);

}  // namespace netcompute::learning
