#include "jobs/csv_line.hpp"
#include "jobs/job_files.hpp"
#include "jobs/job_types.hpp"
#include "jobs/table_params.hpp"
#include "jobs/training_table.hpp"
#include "learning/augmentation.hpp"
#include "learning/ids.hpp"

#include <utility>

namespace netcompute::jobs {
namespace {

/// Fields of the new table, which the master holds as text.
constexpr std::uint64_t fields_max = std::uint64_t{1} << 25;

constexpr InputFile table_file{.name = "data",
                               .what = "The table whose rows are drawn: a CSV file with a header",
                               .otherwise = "Data/train.csv"};
constexpr Text target{.name = "target",
                      .what = "A column of numbers that is kept as it is",
                      .example = "Survived",
                      .if_left_out = "none: all numbers are shaken"};
constexpr WholeNumber rows{.name = "rows",
                           .what = "How many rows to draw",
                           .min = 1,
                           .max = fields_max,
                           .example = 1000,
                           .if_left_out = "as many as the table has"};
constexpr Number jitter{.name = "jitter",
                        .what = "How much is added to numbers, as a share of their deviation",
                        .max = 1000,
                        .otherwise = 0.05};
constexpr WholeNumber seed{
    .name = "seed",
    .what = "By which rows are drawn and shaken: the same seed gives the same",
    .otherwise = 0};
constexpr OutputFile output{
    .name = "output", .what = "Where the new table goes", .otherwise = "Data/augmented.csv"};

std::string table_text(const learning::Augmentation& rows_of, const std::string& id,
                       std::uint64_t count) {
    std::string text;
    append_csv_field(text, id);
    const auto add = [&](const std::vector<std::string>& fields) {
        for (const std::string& field : fields) {
            text += ',';
            append_csv_field(text, field);
        }
        text += '\n';
    };
    add(rows_of.names());
    for (std::uint64_t row = 0; row < count; ++row) {
        text += std::to_string(row + 1);
        add(rows_of.row(row));
    }
    return text;
}

Result<PreparedJob> make(const ParamValues& values, const JobContext& context) {
    data::ReadingOptions reading = reading_of(values);
    reading.finds_id = !values.has(training_id);
    reading.id = values[training_id];
    learning::AugmentationOptions options{{}, values[target], values[jitter], values[seed]};
    const std::string& name = values[table_file].name();
    const auto table = context.table(values[table_file], reading, [&](auto names) -> Result<void> {
        if (auto known = check_columns(name, names, reading); !known) return known;
        options.id = id_column(reading, names);
        for (const auto& [column, role] :
             {std::pair{&options.id, "the id"}, {&options.target, "the target"}}) {
            if (column->empty()) continue;
            if (auto there = data::require_name(name, names, *column, role); !there) return there;
        }
        return {};
    });
    if (!table) return unexpected(table.error());
    const std::uint64_t count = values.has(rows) ? values[rows] : table->dataset->row_count();
    const std::uint64_t width = table->dataset->columns().size() + 1;
    if (count > fields_max / width) {
        return unexpected(ErrorCode::LimitExceeded,
                          "params.rows: " + std::to_string(count) + " rows of " +
                              std::to_string(width) + " columns have more than " +
                              std::to_string(fields_max) + " fields; draw fewer");
    }
    const std::string id = options.id.empty() ? std::string{learning::numbered_id} : options.id;
    if (options.id.empty() && table->dataset->find(id) != nullptr) {
        return unexpected(ErrorCode::InvalidArgument,
                          name + ": has a column \"" + id +
                              "\" already, which the new numbers of the rows would have; name it "
                              "as params.id");
    }
    std::vector<std::string> notes;
    add_id_note(reading, options.id, notes);
    PreparedJob job;
    job.notes = notes;
    job.next_jobs = [kept = *table, options, id, count, notes, path = values[output],
                     writer = OutputWriter{context}](auto) -> Result<JobsOrResult> {
        const learning::Augmentation augmentation{*kept.dataset, options};
        const std::string text = table_text(augmentation, id, count);
        if (auto written = writer.write(path, as_byte_span(text)); !written) {
            return unexpected(written.error());
        }
        return JobsOrResult{{},
                            {{"rows", count},
                             {"rows_of_table", kept.dataset->row_count()},
                             {"result_sha256", to_hex(sha256(as_byte_span(text)))},
                             {"files", {{"table", path.shown()}}},
                             {"notes", notes}}};
    };
    return job;
}

}  // namespace

JobType augment_job() {
    return {.name = "augment",
            .title = "Augmented table",
            .summary = "Draws rows of a table with replacement, and shakes their numbers a little",
            .params = {.common = {table_file, training_id, target, params::reading_param,
                                  params::columns_param, params::missing_param, rows, jitter, seed,
                                  output}},
            .make = make};
}

}  // namespace netcompute::jobs
