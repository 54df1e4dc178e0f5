#include "data/number.hpp"
#include "data/profile.hpp"
#include "jobs/csv_line.hpp"
#include "jobs/job_files.hpp"
#include "jobs/job_types.hpp"
#include "jobs/table_params.hpp"
#include "jobs/training_table.hpp"
#include "learning/ids.hpp"
#include "learning/training_data.hpp"
#include <netcompute/programs/pca.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace netcompute::jobs {
namespace {

constexpr std::uint32_t features_max = 1024;
constexpr std::string_view yes_or_no[] = {"yes", "no"};

constexpr InputFile table_file{
    .name = "data", .what = "The table: a CSV file with a header", .otherwise = "Data/train.csv"};
constexpr WholeNumber components{.name = "components",
                                 .what = "How many components",
                                 .min = 1,
                                 .max = programs::pca_components_max,
                                 .otherwise = 2};
constexpr Choice standardize{
    .name = "standardize",
    .what = "Whether each feature is divided by its deviation, so that no unit counts for more",
    .choices = yes_or_no,
    .otherwise = "yes"};
constexpr OutputFile rows_file{
    .name = "output", .what = "Where each row's components go", .otherwise = "Data/components.csv"};

/// What is known before it is computed.
struct PlannedComponents {
    std::vector<std::string> features;
    std::vector<learning::Standardization> scales;
    data::Table table;
    learning::RowIds ids;
    std::uint32_t components = 0;
    data::DataPath path;
    OutputWriter writer;
    std::vector<std::string> notes;
};

std::string rows_text(const PlannedComponents& planned, const programs::PcaProgram& program) {
    std::string text;
    append_csv_field(text, planned.ids.name);
    for (std::uint32_t k = 1; k <= planned.components; ++k) {
        text += ",component_" + std::to_string(k);
    }
    text += '\n';
    for (std::size_t row = 0; row < planned.ids.texts.size(); ++row) {
        append_csv_field(text, planned.ids.texts[row]);
        for (std::size_t k = 0; k < planned.components; ++k) {
            text += ',' + data::number_text(program.rows()[row * planned.components + k]);
        }
        text += '\n';
    }
    return text;
}

nlohmann::json components_document(const PlannedComponents& planned,
                                   const programs::PcaProgram& program) {
    const programs::PrincipalComponents& found = program.found();
    const std::size_t count = planned.features.size();
    nlohmann::json document = nlohmann::json::array();
    for (std::size_t k = 0; k < planned.components; ++k) {
        const double variance = found.variances[k];
        nlohmann::json loadings = nlohmann::json::object();
        for (std::size_t i = 0; i < count; ++i) {
            loadings[planned.features[i]] = found.loadings[k * count + i];
        }
        const double share = found.total_variance > 0 ? variance / found.total_variance : 0;
        document.push_back({{"explained_variance", variance},
                            {"explained_variance_ratio", share},
                            {"singular_value",
                             std::sqrt(variance * (static_cast<double>(program.row_count()) - 1))},
                            {"loadings", std::move(loadings)}});
    }
    return document;
}

Result<nlohmann::json> finish_components(const PlannedComponents& planned,
                                         const programs::PcaProgram& program) {
    const std::string text = rows_text(planned, program);
    if (auto written = planned.writer.write(planned.path, as_byte_span(text)); !written) {
        return unexpected(written.error());
    }
    nlohmann::json means = nlohmann::json::object();
    for (std::size_t i = 0; i < planned.features.size(); ++i) {
        means[planned.features[i]] = planned.scales[i].mean;
    }
    return nlohmann::json{{"rows", program.row_count()},
                          {"features", planned.features},
                          {"means", std::move(means)},
                          {"total_variance", program.found().total_variance},
                          {"components", components_document(planned, program)},
                          {"result_sha256", to_hex(sha256(program.result_bytes()))},
                          {"files", {{"rows", planned.path.shown()}}},
                          {"notes", planned.notes}};
}

/// A column of one value alone has no variance to explain.
Result<void> check_not_constant(const data::Table& table, const std::string& id,
                                const learning::Preprocessing& preprocessing) {
    for (const learning::FeatureColumn& column : preprocessing.columns) {
        if (std::holds_alternative<learning::DroppedEncoding>(column.encoding)) continue;
        const data::Column* const values = table.dataset->find(column.name);
        if (column.name == id || values == nullptr) continue;
        const bool has_missing =
            values->missing_count > 0 &&
            std::holds_alternative<learning::CategoricalEncoding>(column.encoding);
        if (data::profile_column(*values).distinct + (has_missing ? 1 : 0) > 1) continue;
        return unexpected(ErrorCode::InvalidArgument,
                          table.name + ": column " + data::quote(column.name) +
                              " has one value only, so no component can tell its rows apart; "
                              "leave it out with params.columns: {" +
                              nlohmann::json(column.name).dump() + ": \"ignore\"}");
    }
    return {};
}

Result<void> check_components(std::uint64_t wanted, std::uint64_t rows, std::uint64_t features,
                              const std::string& name) {
    const std::uint64_t most = std::min(rows, features);
    if (rows < 2) {
        return unexpected(ErrorCode::InvalidArgument,
                          name + ": one row has no components; give more rows");
    }
    if (wanted <= most) return {};
    return unexpected(ErrorCode::InvalidArgument,
                      "params.components: " + std::to_string(wanted) + " components of " +
                          data::counted(rows, "row") + " of " + data::counted(features, "feature") +
                          " in " + name + ": choose at most " + std::to_string(most));
}

Result<PreparedJob> make(const ParamValues& values, const JobContext& context) {
    data::ReadingOptions reading = reading_of(values);
    reading.finds_id = !values.has(training_id);
    reading.id = values[training_id];
    learning::TrainingOptions options;
    options.question.learner = "a principal component analysis";
    options.features_max = features_max;
    if (values.has(max_categories)) options.max_categories = values[max_categories];
    const std::string& name = values[table_file].name();
    auto table = context.table(values[table_file], reading, [&](auto names) -> Result<void> {
        if (auto known = check_columns(name, names, reading); !known) return known;
        options.id = id_column(reading, names);
        return learning::check_training_header(name, names, options);
    });
    if (!table) return unexpected(table.error());
    const auto sink = [&](const Bytes& tile) { return context.blobs->put(tile); };
    auto prepared = learning::prepare_training(*table, options, sink);
    if (!prepared) return unexpected(prepared.error());
    const std::uint64_t rows = table->dataset->row_count();
    if (auto enough =
            check_components(values[components], rows, prepared->features.feature_count, name);
        !enough) {
        return unexpected(enough.error());
    }
    if (auto varies = check_not_constant(*table, options.id, prepared->preprocessing); !varies) {
        return unexpected(varies.error());
    }
    auto ids = learning::row_ids(*table, options.id);
    if (!ids) return unexpected(ids.error());
    add_id_note(reading, options.id, prepared->notes);
    learning::TargetValues zeros;
    zeros.numbers.resize(static_cast<std::size_t>(rows));
    const auto labels = learning::cut_labels(zeros, prepared->features.row_counts, sink);
    if (!labels) return unexpected(labels.error());

    PlannedComponents planned{prepared->preprocessing.feature_names(),
                              prepared->preprocessing.standardizations(),
                              std::move(*table),
                              std::move(*ids),
                              static_cast<std::uint32_t>(values[components]),
                              values[rows_file],
                              OutputWriter{context},
                              prepared->notes};
    programs::PcaPlan plan;
    plan.components = planned.components;
    plan.standardise = values[standardize] == "yes";
    for (std::size_t i = 0; i < labels->size(); ++i) {
        plan.shards.push_back(
            {prepared->features.blobs[i], (*labels)[i], prepared->features.row_counts[i]});
    }
    for (const auto& scale : planned.scales) plan.deviations.push_back(scale.deviation);
    auto program = std::make_unique<programs::PcaProgram>(std::move(plan));
    PreparedJob job;
    job.rounds_may_follow = true;
    job.notes = planned.notes;
    job.finish = [kept = std::make_shared<const PlannedComponents>(std::move(planned)),
                  finished = program.get()] { return finish_components(*kept, *finished); };
    job.program = std::move(program);
    return job;
}

}  // namespace

JobType pca_job() {
    return {.name = "pca",
            .title = "Principal components",
            .summary =
                "The directions in which the rows of a table differ most, and each row's "
                "place along them",
            .params = {.common = {table_file, training_id, params::reading_param,
                                  params::columns_param, params::missing_param, max_categories,
                                  components, standardize, rows_file}},
            .make = make};
}

}  // namespace netcompute::jobs
