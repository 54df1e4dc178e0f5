#include "data/model.hpp"
#include "data/submission.hpp"
#include "data/training_data.hpp"
#include "engine/job_files.hpp"
#include "engine/job_inputs.hpp"
#include "engine/job_types/job_types.hpp"
#include "engine/param_reader.hpp"
#include <netcompute/programs/train.hpp>

namespace netcompute::engine {
namespace {

constexpr std::string_view algorithm_name = "logistic_regression";

struct TrainParams {
    data::InputFile data;
    data::DataPath model;
    data::DataPath submission;
    data::TrainingOptions columns;
    double inverse_l2 = 1;
    std::uint32_t iterations_max = 100;
};

Result<TrainParams> read_params(const nlohmann::json& params, JobFiles& files) {
    ParamReader reader{params};
    const std::string data = reader.text("data", "Data/train.csv");
    const std::string model = reader.text("model", "Data/model.json");
    const std::string output = reader.text("output", "Data/submission_train.csv");
    const std::string algorithm = reader.text("algorithm", std::string{algorithm_name});
    TrainParams read;
    read.columns.target = reader.text("target", read.columns.target);
    read.columns.id = reader.text("id", read.columns.id);
    read.inverse_l2 = reader.number("C", 1e-6, 1e9, read.inverse_l2);
    read.iterations_max =
        static_cast<std::uint32_t>(reader.whole_number("max_iterations", 1, 10000, 100));
    if (auto finished = reader.finish(); !finished) return unexpected(finished.error());
    if (algorithm != algorithm_name) {
        return unexpected(
            ErrorCode::InvalidArgument,
            "params.algorithm: \"" + algorithm + "\" is not one of " + std::string{algorithm_name});
    }
    if (read.columns.target == read.columns.id) {
        return unexpected(ErrorCode::InvalidArgument, "params.target: \"" + read.columns.target +
                                                          "\" is the id column as well");
    }
    const auto data_file = files.input("data", data);
    if (!data_file) return unexpected(data_file.error());
    const auto model_path = files.output("model", model);
    if (!model_path) return unexpected(model_path.error());
    const auto output_path = files.output("output", output);
    if (!output_path) return unexpected(output_path.error());
    read.data = *data_file;
    read.model = *model_path;
    read.submission = *output_path;
    return read;
}

Result<void> check(const nlohmann::json& params, const JobContext& context) {
    JobFiles files{context};
    const auto read = read_params(params, files);
    if (!read) return unexpected(read.error());
    return files.check_outputs();
}

nlohmann::json weights_by_name(const data::Model& model) {
    nlohmann::json weights = nlohmann::json::object();
    const auto names = model.preprocessing.feature_names();
    for (std::size_t i = 0; i < names.size(); ++i) weights[names[i]] = model.linear.weights[i];
    return weights;
}

/// Writes the model and the training set's predictions, and sums up.
Result<nlohmann::json> finish_training(const TrainParams& params,
                                       const data::PreparedTraining& training,
                                       const programs::TrainProgram& program,
                                       const OutputWriter& writer) {
    const auto metrics = data::measure(training.labels, program.scores());
    if (!metrics) return unexpected(metrics.error());
    data::Model model;
    model.preprocessing = training.preprocessing;
    model.id = params.columns.id;
    model.target = params.columns.target;
    model.classes = training.classes;
    model.parameters = {{"C", params.inverse_l2}};
    model.linear = program.model();
    model.iterations = program.iterations();
    model.training_metrics = *metrics;
    model.data_sha256 = training.data_sha256;
    const std::string model_text = data::model_text(model);
    const data::Submission submission{params.columns.id, params.columns.target, training.ids,
                                      program.scores(), training.classes};
    const auto submission_text = data::submission_text(submission);
    if (!submission_text) return unexpected(submission_text.error());
    if (auto written = writer.write(params.model, as_byte_span(model_text)); !written) {
        return unexpected(written.error());
    }
    if (auto written = writer.write(params.submission, as_byte_span(*submission_text)); !written) {
        return unexpected(written.error());
    }
    nlohmann::json result = {
        {"algorithm", algorithm_name},
        {"rows", metrics->row_count},
        {"iterations", program.iterations()},
        {"objective", program.objective()},
        {"gradient_max", program.gradient_max()},
        {"metrics", {{"accuracy", metrics->accuracy}, {"log_loss", metrics->log_loss}}},
        {"weights", weights_by_name(model)},
        {"intercept", model.linear.intercept},
        {"model_sha256", to_hex(data::model_sha256(model.linear))},
        {"files", {{"model", params.model.shown()}, {"submission", params.submission.shown()}}},
        {"notes", training.notes}};
    if (metrics->auc) result["metrics"]["auc"] = *metrics->auc;
    return result;
}

Result<PreparedJob> prepare(const nlohmann::json& json, const JobContext& context) {
    JobFiles files{context};
    auto params = read_params(json, files);
    if (!params) return unexpected(params.error());
    InputHashes hashes;
    if (auto added = hashes.add("data", params->data); !added) return unexpected(added.error());
    auto training = data::prepare_training(
        params->data, params->columns, [&](const Bytes& tile) { return context.blobs->put(tile); });
    if (!training) return unexpected(training.error());
    auto inputs = hashes.finish();
    if (!inputs) return unexpected(inputs.error());
    training->plan.l2 = 1 / params->inverse_l2;
    training->plan.iterations_max = params->iterations_max;
    auto program = std::make_unique<programs::TrainProgram>(training->plan);
    PreparedJob prepared;
    prepared.rounds_may_follow = true;
    prepared.notes = training->notes;
    prepared.inputs = std::move(*inputs);
    params->data = {};  // Closes it.
    prepared.finish = [params = std::move(*params),
                       kept = std::make_shared<data::PreparedTraining>(std::move(*training)),
                       finished = program.get(), writer = OutputWriter{context}] {
        return finish_training(params, *kept, *finished, writer);
    };
    prepared.program = std::move(program);
    return prepared;
}

}  // namespace

JobType train_job() {
    return {"train", check, prepare};
}

}  // namespace netcompute::engine
