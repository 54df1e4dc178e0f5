#include "jobs/job_files.hpp"
#include "jobs/job_types.hpp"
#include "jobs/submission.hpp"
#include "jobs/table_params.hpp"
#include "learning/ids.hpp"
#include "learning/model.hpp"

#include <algorithm>
#include <array>
#include <cmath>
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
constexpr Text id_param{.name = "id",
                        .what = "The column that names the rows",
                        .example = "PassengerId",
                        .if_left_out = "the model's"};
constexpr OutputFile submission_file{
    .name = "output", .what = "Where the predictions go", .otherwise = "Data/submission_test.csv"};
constexpr InputFile labels_file{.name = "labels",
                                .what =
                                    "A CSV file with the true classes or numbers, to score the "
                                    "prediction",
                                .example = "Data/test_labels.csv",
                                .if_left_out = "none: the prediction is not scored"};

constexpr std::array<std::string_view, 2> probability_choices{"none", "columns"};
constexpr Choice probabilities{
    .name = "probabilities",
    .what = "Whether the predictions have a column with the probability of each class too",
    .choices = probability_choices,
    .otherwise = "none"};

/// What is known of a prediction before it is computed.
struct PlannedPrediction {
    learning::Model model;
    data::Table table;
    learning::RowIds ids;
    data::DataPath submission_path;
    OutputWriter writer;
    bool with_probabilities = false;
    std::optional<learning::TargetValues> truth;
    std::vector<std::string> notes;
    std::function<std::span<const double>()> scores;
};

/// Numbers that are too far from the training's overflow, and may cancel each other out.
Result<void> check_scores(const data::Table& table, const learning::Scores& scores) {
    const auto values = scores.values;
    const auto odd = std::ranges::find_if(values, [](double score) { return std::isnan(score); });
    if (odd == values.end()) return {};
    const auto row = static_cast<std::uint64_t>(odd - values.begin()) / scores.form.width;
    const auto place = table.dataset->place(row);
    return unexpected(ErrorCode::InvalidArgument,
                      table.name + ": line " + std::to_string(place.line) + " (row " +
                          std::to_string(place.row) +
                          "): its numbers are too far from the training data's to be scored; "
                          "correct them");
}

/// How many rows were predicted to be of which class, or what numbers on average.
void add_predicted(const learning::Classes& classes, const learning::Scores& scores,
                   nlohmann::json& result) {
    if (classes.empty()) {
        double sum = 0;
        for (const double value : scores.values) sum += value;
        result["predicted_mean"] = sum / static_cast<double>(scores.rows());
        return;
    }
    std::vector<std::uint64_t> rows(classes.size());
    for (std::size_t row = 0; row < scores.rows(); ++row) {
        ++rows[learning::predicted_class(scores, row)];
    }
    if (classes.size() == 2) {
        result["predicted_positive"] = rows[1];
        return;
    }
    for (std::size_t i = 0; i < rows.size(); ++i) result["predicted"][classes.texts[i]] = rows[i];
}

Result<nlohmann::json> finish_prediction(const PlannedPrediction& prediction,
                                         const programs::Program& program) {
    const learning::Model& model = prediction.model;
    const learning::Scores scores{model.fit->form(), prediction.scores()};
    const learning::Classes& classes = model.form.classes;
    if (auto good = check_scores(prediction.table, scores); !good) return unexpected(good.error());
    const auto text = submission_text({prediction.ids.name, model.form.target, prediction.ids.texts,
                                       scores, classes, prediction.with_probabilities});
    if (!text) return unexpected(text.error());
    if (auto written = prediction.writer.write(prediction.submission_path, as_byte_span(*text));
        !written) {
        return unexpected(written.error());
    }
    nlohmann::json result = {{"algorithm", model.algorithm},
                             {"rows", scores.rows()},
                             {"model_sha256", to_hex(model.fit->sha256())},
                             {"result_sha256", to_hex(sha256(program.result_bytes()))},
                             {"files", {{"submission", prediction.submission_path.shown()}}},
                             {"notes", prediction.notes}};
    add_predicted(classes, scores, result);
    if (prediction.truth) {
        const auto metrics = learning::measure(*prediction.truth, scores, classes.size());
        if (!metrics) return unexpected(metrics.error());
        result["metrics"] = learning::metrics_document(*metrics);
        if (classes.size() > 2) {
            result["confusion"] = confusion_document(classes, prediction.truth->labels, scores);
        }
    }
    return result;
}

/// Columns that the model learned as dates are read as these.
void add_dates(const learning::Preprocessing& preprocessing, data::ReadingOptions& reading) {
    for (const learning::FeatureColumn& column : preprocessing.columns) {
        const auto* const dates = std::get_if<learning::DateEncoding>(&column.encoding);
        if (dates != nullptr) reading.columns.emplace(column.name, dates->kind);
    }
}

Result<PreparedJob> make(const ParamValues& values, const JobContext& context) {
    auto model = learning::load_model(values[model_file]);
    if (!model) return unexpected(model.error());
    data::ReadingOptions reading = reading_of(values, model->form.reading);
    add_dates(model->form.preprocessing, reading);
    reading.finds_id = !values.has(id_param) && (reading.finds_id || model->form.id.empty());
    if (!reading.finds_id) reading.id = values.has(id_param) ? values[id_param] : model->form.id;
    std::string id;
    const std::string& name = values[table_file].name();
    const auto take_table = [&] {
        return context.table(values[table_file], reading, [&](auto names) -> Result<void> {
            id = id_column(reading, names);
            const bool is_other = !model->form.id.empty() && id != model->form.id;
            if (reading.finds_id && is_other) return unexpected(ErrorCode::NotFound, "");
            return learning::check_prediction_header(name, names, model->form, id);
        });
    };
    auto table = take_table();
    if (!table && reading.finds_id && table.error().message.empty()) {
        // This table's own is another one than the model's, which so must be there.
        reading.finds_id = false;
        reading.id = model->form.id;
        table = take_table();
    }
    if (!table) return unexpected(table.error());
    auto prepared = learning::prepare_prediction(
        *table, model->form, id, [&](const Bytes& tile) { return context.blobs->put(tile); },
        model->fit->binning());
    if (!prepared) return unexpected(prepared.error());
    auto ids = learning::row_ids(*table, id);
    if (!ids) return unexpected(ids.error());
    if (values.has(labels_file)) {
        data::ReadingOptions labels_reading;
        labels_reading.id = ids->name;
        const auto truth =
            context.table(values[labels_file], labels_reading, [](auto) { return Result<void>{}; });
        if (!truth) return unexpected(truth.error());
        auto found =
            find_truth(*truth, ids->name, model->form.target, model->form.classes, ids->texts);
        if (!found) return unexpected(found.error());
        prepared->truth = std::move(*found);
    }
    learning::Scoring scoring = model->fit->score(prepared->features);
    PreparedJob job;
    job.notes = prepared->notes;
    job.finish =
        [kept = std::make_shared<const PlannedPrediction>(PlannedPrediction{
             std::move(*model), std::move(*table), std::move(*ids), values[submission_file],
             OutputWriter{context}, values[probabilities] == "columns", std::move(prepared->truth),
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
            .params = {.common = {table_file, model_file, id_param, params::reading_param,
                                  params::columns_param, params::missing_param, submission_file,
                                  labels_file, probabilities}},
            .make = make};
}

}  // namespace netcompute::jobs
