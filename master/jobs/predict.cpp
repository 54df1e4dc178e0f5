#include "jobs/job_files.hpp"
#include "jobs/job_types.hpp"
#include "jobs/submission.hpp"
#include "learning/ids.hpp"
#include "learning/model.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace netcompute::jobs {
namespace {

constexpr InputFile table_file{.name = "data",
                               .what = "The rows to predict: a CSV file with a header",
                               .otherwise = "Data/test.csv"};
constexpr InputFile model_file{
    .name = "model",
    .what = "The model, as a training wrote it",
    .otherwise = "Data/model.json",
    .if_missing = "there is no model yet; train first (a job of type train, or --mode train)"};
constexpr Text id_column{.name = "id",
                         .what = "The column that names the rows",
                         .example = "PassengerId",
                         .if_left_out = "the model's"};
constexpr OutputFile submission_file{
    .name = "output", .what = "Where the predictions go", .otherwise = "Data/submission_test.csv"};
constexpr InputFile labels_file{.name = "labels",
                                .what = "A CSV file with the true classes, to score the prediction",
                                .example = "Data/test_labels.csv",
                                .if_left_out = "none: the prediction is not scored"};

/// What is known of a prediction before it is computed.
struct PlannedPrediction {
    learning::Model model;
    data::Table table;
    data::Texts ids;
    std::string id;
    data::DataPath submission_path;
    OutputWriter writer;
    std::optional<std::vector<std::uint8_t>> labels;
    std::vector<std::string> notes;
    std::function<std::span<const double>()> scores;
};

Result<nlohmann::json> finish_prediction(const PlannedPrediction& prediction,
                                         const programs::Program& program) {
    const learning::Model& model = prediction.model;
    const std::span<const double> scores = prediction.scores();
    const auto text = submission_text(
        {prediction.id, model.form.target, prediction.ids, scores, model.form.classes});
    if (!text) return unexpected(text.error());
    if (auto written = prediction.writer.write(prediction.submission_path, as_byte_span(*text));
        !written) {
        return unexpected(written.error());
    }
    const auto positive_count = std::ranges::count_if(
        scores, [](double score) { return learning::predicted_label(score) == 1; });
    nlohmann::json result = {{"algorithm", model.algorithm},
                             {"rows", scores.size()},
                             {"predicted_positive", positive_count},
                             {"model_sha256", to_hex(model.fit->sha256())},
                             {"result_sha256", to_hex(sha256(program.result_bytes()))},
                             {"files", {{"submission", prediction.submission_path.shown()}}},
                             {"notes", prediction.notes}};
    if (prediction.labels) {
        const auto metrics = learning::measure(*prediction.labels, scores);
        if (!metrics) return unexpected(metrics.error());
        result["metrics"] = learning::metrics_document(*metrics);
    }
    return result;
}

Result<PreparedJob> make(const ParamValues& values, const JobContext& context) {
    auto model = learning::load_model(values[model_file]);
    if (!model) return unexpected(model.error());
    const std::string id = values.has(id_column) ? values[id_column] : model->form.id;
    const std::string& name = values[table_file].name();
    auto table = context.table(values[table_file], {.id = id}, [&](auto names) {
        return learning::check_prediction_header(name, names, model->form, id);
    });
    if (!table) return unexpected(table.error());
    auto prepared = learning::prepare_prediction(
        *table, model->form, id, [&](const Bytes& tile) { return context.blobs->put(tile); },
        model->fit->binning());
    if (!prepared) return unexpected(prepared.error());
    const auto ids = learning::ids_of(*table, id);
    if (!ids) return unexpected(ids.error());
    if (values.has(labels_file)) {
        const auto truth =
            context.table(values[labels_file], {.id = id}, [](auto) { return Result<void>{}; });
        if (!truth) return unexpected(truth.error());
        auto labels = find_labels(*truth, id, model->form.target, model->form.classes, *ids);
        if (!labels) return unexpected(labels.error());
        prepared->labels = std::move(*labels);
    }
    learning::Scoring scoring = model->fit->score(prepared->features);
    PreparedJob job;
    job.notes = prepared->notes;
    job.finish = [kept = std::make_shared<const PlannedPrediction>(PlannedPrediction{
                      std::move(*model), std::move(*table), *ids, id, values[submission_file],
                      OutputWriter{context}, std::move(prepared->labels),
                      std::move(prepared->notes), std::move(scoring.scores)}),
                  finished = scoring.program.get()] { return finish_prediction(*kept, *finished); };
    job.program = std::move(scoring.program);
    return job;
}

}  // namespace

JobType predict_job() {
    return {.name = "predict",
            .title = "Prediction",
            .summary = "Predicts the rows of a table with a model",
            .params = {.common = {table_file, model_file, id_column, submission_file, labels_file}},
            .make = make};
}

}  // namespace netcompute::jobs
