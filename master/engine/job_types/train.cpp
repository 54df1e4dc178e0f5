#include "data/model.hpp"
#include "data/submission.hpp"
#include "data/training_data.hpp"
#include "engine/job_inputs.hpp"
#include "engine/job_paths.hpp"
#include "engine/job_types/job_types.hpp"
#include "engine/param_reader.hpp"
#include <netcompute/programs/train.hpp>

namespace netcompute::engine {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view algorithm_name = "logistic_regression";

struct TrainParams {
    fs::path data;
    fs::path model;
    fs::path submission;
    data::TrainingOptions columns;
    double inverse_l2 = 1;
    std::uint32_t iterations_max = 100;
};

Result<TrainParams> read_params(const nlohmann::json& params, const JobContext& context) {
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
    const auto data_path = resolve_input(context, "data", data);
    if (!data_path) return unexpected(data_path.error());
    const auto model_path = resolve_output(context, "model", model);
    if (!model_path) return unexpected(model_path.error());
    const auto output_path = resolve_output(context, "output", output);
    if (!output_path) return unexpected(output_path.error());
    read.data = *data_path;
    read.model = *model_path;
    read.submission = *output_path;
    return read;
}

Result<void> check(const nlohmann::json& params, const JobContext& context) {
    const auto read = read_params(params, context);
    if (!read) return unexpected(read.error());
    return {};
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
                                       const programs::TrainProgram& program) {
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
    if (auto saved = data::save_model(model, params.model); !saved) {
        return unexpected(saved.error());
    }
    const data::Submission submission{params.columns.id, params.columns.target, training.ids,
                                      program.scores(), training.classes};
    if (auto written = data::write_submission(params.submission, submission); !written) {
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
        {"files", {{"model", params.model.string()}, {"submission", params.submission.string()}}},
        {"notes", training.notes}};
    if (metrics->auc) result["metrics"]["auc"] = *metrics->auc;
    return result;
}

Result<PreparedJob> prepare(const nlohmann::json& json, const JobContext& context) {
    auto params = read_params(json, context);
    if (!params) return unexpected(params.error());
    InputHashes hashes{context.root};
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
    prepared.finish = [params = std::move(*params),
                       kept = std::make_shared<data::PreparedTraining>(std::move(*training)),
                       finished = program.get()] {
        return finish_training(params, *kept, *finished);
    };
    prepared.program = std::move(program);
    return prepared;
}

}  // namespace

JobType train_job() {
    return {"train", check, prepare, false, {"model", "output"}};
}

}  // namespace netcompute::engine
