#include "data/model.hpp"
#include "data/submission.hpp"
#include "data/training_data.hpp"
#include "jobs/job_files.hpp"
#include "jobs/job_types.hpp"
#include <netcompute/programs/train.hpp>

namespace netcompute::jobs {
namespace {

constexpr std::string_view algorithm_names[] = {"logistic_regression"};

constexpr InputFile table{.name = "data",
                          .what = "The table to learn from: a CSV file with a header",
                          .otherwise = "Data/train.csv"};
constexpr Text target{.name = "target",
                      .what = "The column to predict, which has two classes",
                      .otherwise = "Survived"};
constexpr Text id{
    .name = "id", .what = "The column that names the rows", .otherwise = "PassengerId"};
constexpr Choice algorithm{.name = "algorithm",
                           .what = "What learns",
                           .choices = algorithm_names,
                           .otherwise = "logistic_regression"};
constexpr Number inverse_l2{.name = "C",
                            .what = "The inverse of the L2 penalty's strength",
                            .min = 1e-6,
                            .max = 1e9,
                            .otherwise = 1};
constexpr WholeNumber max_iterations{.name = "max_iterations",
                                     .what = "Newton steps after which the training fails",
                                     .min = 1,
                                     .max = 10'000,
                                     .otherwise = 100};
constexpr OutputFile model_file{
    .name = "model", .what = "Where the model goes", .otherwise = "Data/model.json"};
constexpr OutputFile submission_file{.name = "output",
                                     .what = "Where the predictions for the same rows go",
                                     .otherwise = "Data/submission_train.csv"};

/// What is known of a training before it is computed.
struct Training {
    std::string id;
    std::string target;
    double inverse_l2 = 1;
    data::DataPath model;
    data::DataPath submission;
    OutputWriter writer;
    data::PreparedTraining prepared;
};

Result<void> check_together(const ParamValues& values) {
    if (values[target] != values[id]) return {};
    return unexpected(ErrorCode::InvalidArgument,
                      "params.target: \"" + values[target] + "\" is the id column as well");
}

nlohmann::json weights_by_name(const data::Model& model) {
    nlohmann::json weights = nlohmann::json::object();
    const auto names = model.preprocessing.feature_names();
    for (std::size_t i = 0; i < names.size(); ++i) weights[names[i]] = model.linear.weights[i];
    return weights;
}

/// Writes the model and the training set's predictions, and sums up.
Result<nlohmann::json> finish_training(const Training& training,
                                       const programs::TrainProgram& program) {
    const data::PreparedTraining& prepared = training.prepared;
    const auto metrics = data::measure(prepared.labels, program.scores());
    if (!metrics) return unexpected(metrics.error());
    data::Model model;
    model.preprocessing = prepared.preprocessing;
    model.id = training.id;
    model.target = training.target;
    model.classes = prepared.classes;
    model.parameters = {{"C", training.inverse_l2}};
    model.linear = program.model();
    model.iterations = program.iterations();
    model.training_metrics = *metrics;
    model.data_sha256 = prepared.data_sha256;
    const std::string model_text = data::model_text(model);
    const data::Submission submission{training.id, training.target, prepared.ids, program.scores(),
                                      prepared.classes};
    const auto submission_text = data::submission_text(submission);
    if (!submission_text) return unexpected(submission_text.error());
    const OutputWriter& writer = training.writer;
    if (auto written = writer.write(training.model, as_byte_span(model_text)); !written) {
        return unexpected(written.error());
    }
    if (auto written = writer.write(training.submission, as_byte_span(*submission_text));
        !written) {
        return unexpected(written.error());
    }
    nlohmann::json result = {
        {"algorithm", algorithm.otherwise},
        {"rows", metrics->row_count},
        {"iterations", program.iterations()},
        {"objective", program.objective()},
        {"gradient_max", program.gradient_max()},
        {"metrics", {{"accuracy", metrics->accuracy}, {"log_loss", metrics->log_loss}}},
        {"weights", weights_by_name(model)},
        {"intercept", model.linear.intercept},
        {"model_sha256", to_hex(data::model_sha256(model.linear))},
        {"files", {{"model", training.model.shown()}, {"submission", training.submission.shown()}}},
        {"notes", prepared.notes}};
    if (metrics->auc) result["metrics"]["auc"] = *metrics->auc;
    return result;
}

Result<PreparedJob> make(const ParamValues& values, const JobContext& context) {
    auto prepared =
        data::prepare_training(values[table], {values[target], values[id]},
                               [&](const Bytes& tile) { return context.blobs->put(tile); });
    if (!prepared) return unexpected(prepared.error());
    prepared->plan.l2 = 1 / values[inverse_l2];
    prepared->plan.iterations_max = static_cast<std::uint32_t>(values[max_iterations]);
    auto program = std::make_unique<programs::TrainProgram>(prepared->plan);
    PreparedJob job;
    job.rounds_may_follow = true;
    job.notes = prepared->notes;
    job.finish = [kept = std::make_shared<const Training>(Training{
                      values[id], values[target], values[inverse_l2], values[model_file],
                      values[submission_file], OutputWriter{context}, std::move(*prepared)}),
                  finished = program.get()] { return finish_training(*kept, *finished); };
    job.program = std::move(program);
    return job;
}

}  // namespace

JobType train_job() {
    return {.name = "train",
            .title = "Training",
            .summary = "Learns a model from a table, and predicts the table with it",
            .params = {table, target, id, algorithm, inverse_l2, max_iterations, model_file,
                       submission_file},
            .make = make,
            .check_together = check_together};
}

}  // namespace netcompute::jobs
