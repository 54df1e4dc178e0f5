#include "data/model.hpp"
#include "data/prediction_data.hpp"
#include "data/submission.hpp"
#include "engine/job_files.hpp"
#include "engine/job_inputs.hpp"
#include "engine/job_types/job_types.hpp"
#include "engine/param_reader.hpp"
#include <netcompute/programs/predict.hpp>

#include <algorithm>

namespace netcompute::engine {
namespace {

struct PredictParams {
    data::InputFile data;
    data::InputFile model;
    std::optional<data::InputFile> labels;
    data::DataPath submission;
    std::optional<std::string> id;  ///< Otherwise the model's.
};

Result<data::InputFile> open_model(JobFiles& files, const std::string& text) {
    auto model = files.input("model", text);
    if (model || model.error().code != ErrorCode::NotFound) return model;
    return unexpected(ErrorCode::NotFound,
                      "params.model: " + text +
                          ": there is no model yet; train first (a job of type train, or --mode "
                          "train)");
}

Result<PredictParams> read_params(const nlohmann::json& params, JobFiles& files) {
    ParamReader reader{params};
    const std::string data = reader.text("data", "Data/test.csv");
    const std::string model = reader.text("model", "Data/model.json");
    const std::string output = reader.text("output", "Data/submission_test.csv");
    const std::string labels = reader.text("labels", "");
    const std::string id = reader.text("id", "");
    if (auto finished = reader.finish(); !finished) return unexpected(finished.error());
    PredictParams read;
    if (!id.empty()) read.id = id;
    const auto model_file = open_model(files, model);
    if (!model_file) return unexpected(model_file.error());
    const auto data_file = files.input("data", data);
    if (!data_file) return unexpected(data_file.error());
    if (!labels.empty()) {
        const auto labels_file = files.input("labels", labels);
        if (!labels_file) return unexpected(labels_file.error());
        read.labels = *labels_file;
    }
    const auto output_path = files.output("output", output);
    if (!output_path) return unexpected(output_path.error());
    read.data = *data_file;
    read.model = *model_file;
    read.submission = *output_path;
    return read;
}

Result<void> check(const nlohmann::json& params, const JobContext& context) {
    JobFiles files{context};
    const auto read = read_params(params, files);
    if (!read) return unexpected(read.error());
    return files.check_outputs();
}

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

Result<void> hash_inputs(const PredictParams& params, InputHashes& hashes) {
    if (auto added = hashes.add("data", params.data); !added) return added;
    if (auto added = hashes.add("model", params.model); !added) return added;
    return params.labels ? hashes.add("labels", *params.labels) : Result<void>{};
}

Result<PreparedJob> prepare(const nlohmann::json& json, const JobContext& context) {
    JobFiles files{context};
    const auto params = read_params(json, files);
    if (!params) return unexpected(params.error());
    InputHashes hashes;
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
                      Prediction{params->submission, OutputWriter{context}, id, std::move(*model),
                                 std::move(*prepared)}),
                  finished = program.get()] { return finish_prediction(*kept, *finished); };
    job.program = std::move(program);
    return job;
}

}  // namespace

JobType predict_job() {
    return {"predict", check, prepare};
}

}  // namespace netcompute::engine
