#include "learning/ids.hpp"

#include "data/profile.hpp"
#include <netcompute/assert.hpp>

#include <cstdint>
#include <utility>
#include <vector>

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

Result<RowIds> row_ids(const data::Table& table, std::string_view id) {
    if (!id.empty()) {
        auto texts = ids_of(table, id);
        if (!texts) return unexpected(texts.error());
        return RowIds{std::string{id}, std::move(*texts), nullptr};
    }
    struct Numbers {
        std::vector<std::uint64_t> ends;
        std::string characters;
    };
    const auto numbers = std::make_shared<Numbers>();
    for (std::uint64_t row = 1; row <= table.dataset->row_count(); ++row) {
        numbers->characters += std::to_string(row);
        numbers->ends.push_back(numbers->characters.size());
    }
    data::Texts texts;
    texts.ends = numbers->ends;
    texts.characters = numbers->characters;
    return RowIds{std::string{numbered_id}, std::move(texts), numbers};
}

void add_repeated_id_note(const data::Table& table, const RowIds& ids,
                          std::vector<std::string>& notes) {
    const auto row = data::first_repeated(ids.texts);
    if (!row) return;
    notes.push_back("column " + data::quote(ids.name) + ": names some rows twice (the first in " +
                    "line " + std::to_string(table.dataset->place(*row).line) + ": " +
                    data::quote(ids.texts[*row]) + "); rows are told apart by their order");
}

}  // namespace netcompute::learning
