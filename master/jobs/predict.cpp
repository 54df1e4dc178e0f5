#include "data/model.hpp"
#include "data/prediction_data.hpp"
#include "data/submission.hpp"
#include "jobs/job_files.hpp"
#include "jobs/job_types.hpp"
#include <netcompute/programs/predict.hpp>

#include <algorithm>

namespace netcompute::jobs {
namespace {

constexpr InputFile table{.name = "data",
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
struct Prediction {
    data::DataPath submission;
    OutputWriter writer;
    std::string id;
    data::Model model;
    data::PreparedPrediction prepared;
};

Result<nlohmann::json> finish_prediction(const Prediction& prediction,
                                         const programs::PredictProgram& program) {
    const auto& [path, writer, id, model, prepared] = prediction;
    const data::Submission submission{id, model.target, prepared.ids, program.scores(),
                                      model.classes};
    const auto text = data::submission_text(submission);
    if (!text) return unexpected(text.error());
    if (auto written = writer.write(path, as_byte_span(*text)); !written) {
        return unexpected(written.error());
    }
    const auto positive_count =
        std::count_if(program.scores().begin(), program.scores().end(),
                      [](double score) { return data::predicted_label(score) == 1; });
    nlohmann::json result = {{"algorithm", model.algorithm},
                             {"rows", program.scores().size()},
                             {"predicted_positive", positive_count},
                             {"model_sha256", to_hex(data::model_sha256(model.linear))},
                             {"result_sha256", to_hex(sha256(program.result_bytes()))},
                             {"files", {{"submission", path.shown()}}},
                             {"notes", prepared.notes}};
    if (prepared.labels) {
        const auto metrics = data::measure(*prepared.labels, program.scores());
        if (!metrics) return unexpected(metrics.error());
        result["metrics"] = {{"accuracy", metrics->accuracy}, {"log_loss", metrics->log_loss}};
        if (metrics->auc) result["metrics"]["auc"] = *metrics->auc;
    }
    return result;
}

Result<PreparedJob> make(const ParamValues& values, const JobContext& context) {
    auto model = data::load_model(values[model_file]);
    if (!model) return unexpected(model.error());
    const std::string id = values.has(id_column) ? values[id_column] : model->id;
    auto prepared = data::prepare_prediction(
        values[table], *model, id, [&](const Bytes& tile) { return context.blobs->put(tile); });
    if (!prepared) return unexpected(prepared.error());
    if (values.has(labels_file)) {
        auto labels = data::read_labels(values[labels_file], id, model->target, model->classes,
                                        prepared->ids);
        if (!labels) return unexpected(labels.error());
        prepared->labels = std::move(*labels);
    }
    PreparedJob job;
    job.notes = prepared->notes;
    auto program = std::make_unique<programs::PredictProgram>(prepared->plan);
    job.finish = [kept = std::make_shared<Prediction>(
                      Prediction{values[submission_file], OutputWriter{context}, id,
                                 std::move(*model), std::move(*prepared)}),
                  finished = program.get()] { return finish_prediction(*kept, *finished); };
    job.program = std::move(program);
    return job;
}

}  // namespace

JobType predict_job() {
    return {.name = "predict",
            .title = "Prediction",
            .summary = "Predicts the rows of a table with a model",
            .params = {table, model_file, id_column, submission_file, labels_file},
            .make = make};
}

}  // namespace netcompute::jobs
