#include "jobs/table_params.hpp"

namespace netcompute::jobs {

data::ReadingOptions reading_of(const ParamValues& values, const data::ReadingOptions& usual) {
    nlohmann::json given = nlohmann::json::object();
    for (const Structured& param :
         {params::reading_param, params::columns_param, params::missing_param}) {
        if (values.has(param)) given[std::string{param.name}] = values[param];
    }
    // The params were read once, so they are good.
    const auto options = params::read_reading_json(given);
    return params::merged(usual, options ? *options : data::ReadingOptions{});
}

std::string id_column(const data::ReadingOptions& options, std::span<const std::string> header) {
    if (!options.id.empty()) return options.id;
    for (const auto& [name, kind] : options.columns) {
        if (kind == data::ColumnKind::Id) return name;
    }
    return options.finds_id ? data::find_id(header) : std::string{};
}

Result<void> check_columns(std::string_view table, std::span<const std::string> header,
                           const data::ReadingOptions& options) {
    for (const auto& [name, kind] : options.columns) {
        const std::string role = "in params.columns";
        if (auto there = data::require_name(table, header, name, role); !there) return there;
    }
    return {};
}

data::ReadingOptions model_reading(data::ReadingOptions told, const data::Table& table) {
    if (table.dataset->reading().decimal == ',') told.dialect.usual_decimal = ',';
    return told;
}

void add_id_note(const data::ReadingOptions& options, const std::string& id,
                 std::vector<std::string>& notes) {
    if (!options.finds_id || id == "PassengerId") return;
    if (id.empty()) {
        notes.emplace_back("no column names the rows: they are numbered from 1");
    } else if (!options.columns.contains(id)) {
        notes.push_back("column " + data::quote(id) +
                        ": names the rows, so nothing is learned from it (params.id can name "
                        "another one)");
    }
}

}  // namespace netcompute::jobs
