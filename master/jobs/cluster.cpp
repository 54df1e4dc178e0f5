#include "data/number.hpp"
#include "jobs/csv_line.hpp"
#include "jobs/job_files.hpp"
#include "jobs/job_types.hpp"
#include "jobs/table_params.hpp"
#include "jobs/training_table.hpp"
#include "learning/ids.hpp"
#include "learning/model_json_text.hpp"
#include "learning/training_data.hpp"
#include <netcompute/programs/kmeans.hpp>

#include <cmath>
#include <utility>

namespace netcompute::jobs {
namespace {

constexpr InputFile table_file{
    .name = "data",
    .what = "The table whose rows are gathered: a CSV file with a header",
    .otherwise = "Data/train.csv"};
constexpr WholeNumber n_clusters{.name = "n_clusters",
                                 .what = "How many clusters",
                                 .min = 1,
                                 .max = kernels::kmeans_clusters_max,
                                 .otherwise = 8};
constexpr WholeNumber n_init{
    .name = "n_init",
    .what = "From how many choices of first centers to start; the best end is taken",
    .min = 1,
    .max = kernels::kmeans_starts_max,
    .otherwise = 1};
constexpr WholeNumber max_iter{.name = "max_iter",
                               .what = "How often the centers are moved, at most",
                               .min = 1,
                               .max = 10'000,
                               .otherwise = 300};
constexpr Number tol{.name = "tol",
                     .what = "The sum of the centers' squared ways at which they have arrived",
                     .min = 0,
                     .max = 1e9,
                     .otherwise = 1e-4};
constexpr WholeNumber random_state{.name = "random_state",
                                   .what = "The seed by which the first centers are drawn",
                                   .min = 0,
                                   .max = 0xffffffff,
                                   .otherwise = 0};
constexpr OutputFile clusters_file{
    .name = "clusters", .what = "Where the clusters go", .otherwise = "Data/clusters.json"};
constexpr OutputFile rows_file{.name = "output",
                               .what = "Where each row's cluster and its distance go",
                               .otherwise = "Data/clusters.csv"};

/// What is known of a clustering before it is computed.
struct PlannedClusters {
    learning::Preprocessing preprocessing;
    data::Table table;
    learning::RowIds ids;
    data::DataPath clusters_path;
    data::DataPath rows_path;
    OutputWriter writer;
    std::vector<std::string> notes;
};

std::vector<std::uint64_t> rows_of_clusters(const programs::KMeansProgram& program) {
    std::vector<std::uint64_t> rows(program.centers().count);
    for (const std::uint32_t label : program.labels()) ++rows[label];
    return rows;
}

/// The centers as the table has its numbers: a category's feature is the share of its rows.
nlohmann::ordered_json clusters_document(const PlannedClusters& planned,
                                         const programs::KMeansProgram& program) {
    const kernels::KMeansPoints& points = program.centers();
    const auto scales = planned.preprocessing.standardizations();
    nlohmann::ordered_json centers = nlohmann::ordered_json::array();
    for (std::uint32_t cluster = 0; cluster < points.count; ++cluster) {
        const auto from = points.of_start(0).subspan(std::size_t{cluster} * points.features);
        std::vector<double> center;
        for (std::size_t i = 0; i < points.features; ++i) {
            center.push_back(scales[i].mean + scales[i].deviation * from[i]);
        }
        centers.push_back(std::move(center));
    }
    return {{"format", "netcompute-clusters"},
            {"format_version", 1},
            {"features", planned.preprocessing.feature_names()},
            {"centers", std::move(centers)},
            {"rows", rows_of_clusters(program)},
            {"inertia", program.inertia()}};
}

std::string rows_text(const PlannedClusters& planned, const programs::KMeansProgram& program) {
    std::string text;
    append_csv_field(text, planned.ids.name);
    text += ",cluster,distance\n";
    for (std::size_t row = 0; row < planned.ids.texts.size(); ++row) {
        append_csv_field(text, planned.ids.texts[row]);
        text += "," + std::to_string(program.labels()[row]) + "," +
                data::number_text(std::sqrt(program.distances()[row])) + "\n";
    }
    return text;
}

Result<nlohmann::json> finish_clusters(const PlannedClusters& planned,
                                       const programs::KMeansProgram& program) {
    const std::string clusters = learning::document_text(clusters_document(planned, program));
    const std::string rows = rows_text(planned, program);
    for (const auto& [path, text] :
         {std::pair{&planned.clusters_path, &clusters}, {&planned.rows_path, &rows}}) {
        auto written = planned.writer.write(*path, as_byte_span(*text));
        if (!written) return unexpected(written.error());
    }
    return nlohmann::json{
        {"rows", planned.ids.texts.size()},
        {"rows_of_clusters", rows_of_clusters(program)},
        {"inertia", program.inertia()},
        {"iterations", program.iterations()},
        {"result_sha256", to_hex(sha256(program.result_bytes()))},
        {"files",
         {{"clusters", planned.clusters_path.shown()}, {"rows", planned.rows_path.shown()}}},
        {"notes", planned.notes}};
}

Result<PreparedJob> make(const ParamValues& values, const JobContext& context) {
    data::ReadingOptions reading = reading_of(values);
    reading.finds_id = !values.has(training_id);
    reading.id = values[training_id];
    learning::TrainingOptions options;
    options.question.learner = "k-means";
    options.features_max = kernels::kmeans_features_max;
    if (values.has(max_categories)) options.max_categories = values[max_categories];
    const std::string& name = values[table_file].name();
    auto table = context.table(values[table_file], reading, [&](auto names) -> Result<void> {
        if (auto known = check_columns(name, names, reading); !known) return known;
        options.id = id_column(reading, names);
        return learning::check_training_header(name, names, options);
    });
    if (!table) return unexpected(table.error());
    if (values[n_clusters] > table->dataset->row_count()) {
        return unexpected(ErrorCode::InvalidArgument,
                          "params.n_clusters: " + std::to_string(values[n_clusters]) +
                              " clusters of " + data::counted(table->dataset->row_count(), "row") +
                              " in " + name + ": choose at most as many");
    }
    auto prepared = learning::prepare_training(
        *table, options, [&](const Bytes& tile) { return context.blobs->put(tile); });
    if (!prepared) return unexpected(prepared.error());
    auto ids = learning::row_ids(*table, options.id);
    if (!ids) return unexpected(ids.error());
    add_id_note(reading, options.id, prepared->notes);

    programs::KMeansJob kmeans;
    kmeans.shards = prepared->features.blobs;
    kmeans.row_counts = prepared->features.row_counts;
    kmeans.features = prepared->features.feature_count;
    kmeans.clusters = static_cast<std::uint32_t>(values[n_clusters]);
    kmeans.starts = static_cast<std::uint32_t>(values[n_init]);
    kmeans.iterations_max = static_cast<std::uint32_t>(values[max_iter]);
    kmeans.tolerance = values[tol];
    kmeans.seed = values[random_state];
    auto program = std::make_unique<programs::KMeansProgram>(std::move(kmeans));
    PreparedJob job;
    job.rounds_may_follow = true;
    job.notes = prepared->notes;
    PlannedClusters planned{std::move(prepared->preprocessing),
                            std::move(*table),
                            std::move(*ids),
                            values[clusters_file],
                            values[rows_file],
                            OutputWriter{context},
                            std::move(prepared->notes)};
    job.finish = [kept = std::make_shared<const PlannedClusters>(std::move(planned)),
                  finished = program.get()] { return finish_clusters(*kept, *finished); };
    job.program = std::move(program);
    return job;
}

}  // namespace

JobType cluster_job() {
    return {
        .name = "cluster",
        .title = "Clustering",
        .summary =
            "Gathers the rows of a table around centers, by k-means over standardised "
            "features",
        .params = {.common = {table_file, training_id, params::reading_param, params::columns_param,
                              params::missing_param, max_categories, n_clusters, n_init, max_iter,
                              tol, random_state, clusters_file, rows_file}},
        .make = make};
}

}  // namespace netcompute::jobs
