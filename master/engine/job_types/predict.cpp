#include "data/model.hpp"
#include "data/prediction_data.hpp"
#include "data/submission.hpp"
#include "engine/job_inputs.hpp"
#include "engine/job_paths.hpp"
#include "engine/job_types/job_types.hpp"
#include "engine/param_reader.hpp"
#include <netcompute/programs/predict.hpp>

#include <algorithm>

namespace netcompute::engine {
namespace fs = std::filesystem;
namespace {

struct PredictParams {
    fs::path data;
    fs::path model;
    fs::path submission;
    std::optional<fs::path> labels;
    std::optional<std::string> id;  ///< Otherwise the model's.
};

Result<PredictParams> read_params(const nlohmann::json& params, const JobContext& context) {
    ParamReader reader{params};
    const std::string data = reader.text("data", "Data/test.csv");
    const std::string model = reader.text("model", "Data/model.json");
    const std::string output = reader.text("output", "Data/submission_test.csv");
    const std::string labels = reader.text("labels", "");
    const std::string id = reader.text("id", "");
    if (auto finished = reader.finish(); !finished) return unexpected(finished.error());
    PredictParams read;
    if (!id.empty()) read.id = id;
    const auto model_path = resolve_job_path(context, "model", model);
    if (!model_path) return unexpected(model_path.error());
    if (!fs::exists(*model_path)) {
        return unexpected(ErrorCode::NotFound, model_path->string() +
                                                   ": there is no model yet; train first (a job "
                                                   "of type train, or --mode train)");
    }
    const auto data_path = resolve_input(context, "data", data);
    if (!data_path) return unexpected(data_path.error());
    const auto output_path = resolve_output(context, "output", output);
    if (!output_path) return unexpected(output_path.error());
    if (!labels.empty()) {
        const auto labels_path = resolve_input(context, "labels", labels);
        if (!labels_path) return unexpected(labels_path.error());
        read.labels = *labels_path;
    }
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

/// What is known of a prediction before it is computed.
struct Prediction {
    PredictParams params;
    data::Model model;
    data::PreparedPrediction prepared;
};

Result<nlohmann::json> finish_prediction(const Prediction& prediction,
                                         const programs::PredictProgram& program) {
    const auto& [params, model, prepared] = prediction;
    const std::string& id = params.id ? *params.id : model.id;
    const data::Submission submission{id, model.target, prepared.ids, program.scores(),
                                      model.classes};
    if (auto written = data::write_submission(params.submission, submission); !written) {
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
                             {"files", {{"submission", params.submission.string()}}},
                             {"notes", prepared.notes}};
    if (prepared.labels) {
        const auto metrics = data::measure(*prepared.labels, program.scores());
        if (!metrics) return unexpected(metrics.error());
        result["metrics"] = {{"accuracy", metrics->accuracy}, {"log_loss", metrics->log_loss}};
        if (metrics->auc) result["metrics"]["auc"] = *metrics->auc;
    }
    return result;
}

Result<void> hash_inputs(const PredictParams& params, InputHashes& hashes) {
    if (auto added = hashes.add("data", params.data); !added) return added;
    if (auto added = hashes.add("model", params.model); !added) return added;
    return params.labels ? hashes.add("labels", *params.labels) : Result<void>{};
}

Result<PreparedJob> prepare(const nlohmann::json& json, const JobContext& context) {
    auto params = read_params(json, context);
    if (!params) return unexpected(params.error());
    InputHashes hashes{context.root};
    if (auto added = hash_inputs(*params, hashes); !added) return unexpected(added.error());
    auto model = data::load_model(params->model);
    if (!model) return unexpected(model.error());
    const std::string id = params->id ? *params->id : model->id;
    auto prepared = data::prepare_prediction(
        params->data, *model, id, [&](const Bytes& tile) { return context.blobs->put(tile); });
    if (!prepared) return unexpected(prepared.error());
    if (params->labels) {
        auto labels =
            data::read_labels(*params->labels, id, model->target, model->classes, prepared->ids);
        if (!labels) return unexpected(labels.error());
        prepared->labels = std::move(*labels);
    }
    auto inputs = hashes.finish();
    if (!inputs) return unexpected(inputs.error());
    PreparedJob job;
    job.inputs = std::move(*inputs);
    job.notes = prepared->notes;
    auto program = std::make_unique<programs::PredictProgram>(prepared->plan);
    job.finish = [kept = std::make_shared<Prediction>(
                      Prediction{std::move(*params), std::move(*model), std::move(*prepared)}),
                  finished = program.get()] { return finish_prediction(*kept, *finished); };
    job.program = std::move(program);
    return job;
}

}  // namespace

JobType predict_job() {
    return {"predict", check, prepare, false, {"output"}};
}

}  // namespace netcompute::engine
