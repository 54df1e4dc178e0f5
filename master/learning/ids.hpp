#pragma once

#include "data/dataset.hpp"
#include <netcompute/result.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::learning {

/// What the numbers of rows are called where no column names them.
inline constexpr std::string_view numbered_id = "row";

/// The texts that name the rows.
struct RowIds {
    std::string name;  ///< Of their column, or numbered_id.
    data::Texts texts;
    std::shared_ptr<const void> owner;  ///< Of numbers; columns lie in their dataset.
};

/// The texts that name the rows, from a table that was read with this id. Views of its dataset.
/// Errors: NotFound without such a column; InvalidArgument, with the place, for a row without one.
[[nodiscard]] Result<data::Texts> ids_of(const data::Table& table, std::string_view id);

/// The same, or, for an empty id, the numbers of the rows, from 1.
[[nodiscard]] Result<RowIds> row_ids(const data::Table& table, std::string_view id);

/// Says where a text names a second row, if one does: people could not tell the two apart.
void add_repeated_id_note(const data::Table& table, const RowIds& ids,
                          std::vector<std::string>& notes);

}  // namespace netcompute::learning
