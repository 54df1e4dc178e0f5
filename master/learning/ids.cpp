#include "learning/ids.hpp"

#include <netcompute/assert.hpp>

namespace netcompute::learning {

Result<data::Texts> ids_of(const data::Table& table, std::string_view id) {
    const auto column = data::require_column(table, id, "the id");
    if (!column) return unexpected(column.error());
    const auto* const texts = std::get_if<data::Texts>(&(*column)->values);
    NETCOMPUTE_ASSERT(texts != nullptr, "a table is read with its id as texts");
    if (!texts->first_empty) return *texts;
    return unexpected(ErrorCode::InvalidArgument,
                      table.place(*texts->first_empty, id) +
                          ": no value, but this is the id; every row needs one");
}

}  // namespace netcompute::learning
