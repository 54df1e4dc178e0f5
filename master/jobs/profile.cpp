#include "data/profile.hpp"

#include "data/date.hpp"
#include "data/field_kinds.hpp"
#include "data/number.hpp"
#include "jobs/job_types.hpp"
#include "jobs/table_params.hpp"
#include "learning/column_notes.hpp"
#include "learning/ids.hpp"

#include <algorithm>
#include <utility>

namespace netcompute::jobs {
namespace {

using nlohmann::json;

constexpr InputFile table_file{.name = "data",
                               .what = "The table to look at: a CSV file with a header",
                               .otherwise = "Data/train.csv"};
constexpr Text id{.name = "id",
                  .what = "The column that names the rows",
                  .example = "PassengerId",
                  .if_left_out = "`PassengerId`, or found, or there is none"};

/// Odd cells as people find them: [{"line", "text"}, …], the first few of `count`.
json fields_document(const data::Table& table, const data::FieldsAt& fields) {
    json first = json::array();
    for (const data::FieldAt& field : fields.first) {
        first.push_back({{"line", table.dataset->place(field.row).line}, {"text", field.text}});
    }
    return {{"count", fields.count}, {"first", std::move(first)}};
}

/// The figures, of dates as dates.
json numbers_document(const data::NumberProfile& numbers, bool are_dates) {
    const auto shown = [&](double value) {
        return are_dates ? json(data::date_text(value)) : json(value);
    };
    json document = {
        {"min", shown(numbers.min)},       {"lower_quartile", shown(numbers.lower_quartile)},
        {"median", shown(numbers.median)}, {"upper_quartile", shown(numbers.upper_quartile)},
        {"max", shown(numbers.max)},       {"mean", shown(numbers.mean)}};
    if (!are_dates) document["deviation"] = numbers.deviation;
    return document;
}

json column_document(const data::Table& table, const data::Column& column) {
    const data::ColumnProfile profile = data::profile_column(column);
    json document = {{"name", column.name},
                     {"kind", data::column_kind_name(column.kind)},
                     {"missing", column.missing_count},
                     {"distinct", profile.distinct}};
    if (profile.numbers) {
        document["numbers"] = numbers_document(*profile.numbers, data::is_date(column.kind));
    }
    if (!profile.examples.empty()) document["examples"] = profile.examples;
    if (!profile.most_common.empty()) {
        json fields = json::array();
        for (const data::CountedField& field : profile.most_common) {
            fields.push_back({{"text", field.text}, {"rows", field.rows}});
        }
        document["most_common"] = std::move(fields);
    }
    if (column.first_missing) {
        document["first_missing"] = {{"line", table.dataset->place(column.first_missing->row).line},
                                     {"text", column.first_missing->text}};
    }
    if (column.odd.count > 0) document["odd"] = fields_document(table, column.odd);
    return document;
}

json reading_document(const data::ReadingFound& reading) {
    json document = {{"separator", std::string{reading.separator}},
                     {"decimal", std::string{reading.decimal}},
                     {"encoding", reading.encoding}};
    if (!reading.compression.empty()) document["compression"] = reading.compression;
    return document;
}

json profile_document(const data::Table& table, const std::string& id) {
    const data::Dataset& dataset = *table.dataset;
    std::vector<std::string> notes = dataset.reading().notes;
    json columns = json::array();
    for (const data::Column& column : dataset.columns()) {
        columns.push_back(column_document(table, column));
        learning::add_reading_notes(table, column, notes);
    }
    return {{"rows", dataset.row_count()},
            {"id", id.empty() ? json(nullptr) : json(id)},
            {"reading", reading_document(dataset.reading())},
            {"columns", std::move(columns)},
            {"notes", std::move(notes)}};
}

Result<PreparedJob> make(const ParamValues& values, const JobContext& context) {
    data::ReadingOptions reading = reading_of(values);
    reading.finds_id = !values.has(id);
    reading.id = values[id];
    std::string found_id;
    const std::string& name = values[table_file].name();
    auto table = context.table(values[table_file], reading, [&](auto names) -> Result<void> {
        if (auto known = check_columns(name, names, reading); !known) return known;
        found_id = id_column(reading, names);
        if (found_id.empty()) return {};
        return data::require_name(name, names, found_id, "the id");
    });
    if (!table) return unexpected(table.error());
    json document = profile_document(*table, found_id);
    if (!found_id.empty()) {
        const auto ids = learning::row_ids(*table, found_id);
        if (!ids) return unexpected(ids.error());
        std::vector<std::string> notes = document["notes"];
        learning::add_repeated_id_note(*table, *ids, notes);
        document["notes"] = std::move(notes);
    }
    PreparedJob job;
    job.next_jobs = [kept = std::move(document)](auto) -> Result<JobsOrResult> {
        return JobsOrResult{{}, kept};
    };
    return job;
}

/// "  Age  number  177 missing  88 distinct  0.42 to 80, median 28".
std::string column_line(const json& column) {
    std::string line = "  ";
    const auto add = [&](std::size_t end, const std::string& text) {
        line += text;
        line.resize(std::max(line.size() + 2, end), ' ');
    };
    add(28, column.at("name").get<std::string>());
    add(38, column.at("kind").get<std::string>());
    add(54, column.at("missing").dump() + " missing");
    add(72, column.at("distinct").dump() + " distinct");
    const auto text_of = [](const json& value) {
        return value.is_string() ? value.get<std::string>() : data::number_text(value);
    };
    if (column.contains("numbers")) {
        const json& numbers = column.at("numbers");
        line += text_of(numbers.at("min")) + " to " + text_of(numbers.at("max")) + ", median " +
                text_of(numbers.at("median"));
    } else if (column.contains("most_common")) {
        std::string list;
        for (const json& field : column.at("most_common")) {
            list += (list.empty() ? "" : ", ") + data::quote(field.at("text").get<std::string>()) +
                    " " + field.at("rows").dump();
        }
        line += list;
    } else if (column.contains("examples")) {
        const auto examples = column.at("examples").get<std::vector<std::string>>();
        line += data::quote_list(examples, 3);
    }
    while (line.ends_with(' ')) line.pop_back();
    return line;
}

std::vector<std::string> report(const json& result) {
    std::vector<std::string> lines{result.at("rows").dump() + " rows"};
    for (const json& column : result.at("columns")) lines.push_back(column_line(column));
    return lines;
}

}  // namespace

JobType profile_job() {
    return {.name = "profile",
            .title = "Profile",
            .summary = "Says how a table is read and what its columns hold, before anything learns",
            .params = {.common = {table_file, id, params::reading_param, params::columns_param,
                                  params::missing_param}},
            .make = make,
            .report = report};
}

}  // namespace netcompute::jobs
