#include "jobs/job_files.hpp"
#include "jobs/job_types.hpp"
#include "learning/model.hpp"
#include "learning/onnx_model.hpp"

#include <memory>
#include <utility>

namespace netcompute::jobs {
namespace {

constexpr InputFile model_file{
    .name = "model",
    .what = "The model, as a training wrote it",
    .otherwise = "Data/model.json",
    .if_missing = "there is no model yet; train first (a job of type train, or --mode train)"};
constexpr OutputFile onnx_file{
    .name = "output", .what = "Where the ONNX file goes", .otherwise = "Data/model.onnx"};

Result<PreparedJob> make(const ParamValues& values, const JobContext& context) {
    const auto model = learning::load_model(values[model_file]);
    if (!model) return unexpected(model.error());
    auto written = learning::onnx_model(*model);
    if (!written) {
        return unexpected(written.error().code,
                          values[model_file].name() + ": " + written.error().message);
    }
    nlohmann::json result = {{"algorithm", model->algorithm},
                             {"model_sha256", to_hex(model->fit->sha256())},
                             {"result_sha256", to_hex(sha256(written->file))},
                             {"inputs", {{"numbers", written->numbers}, {"texts", written->texts}}},
                             {"outputs", written->outputs},
                             {"files", {{"onnx", values[onnx_file].shown()}}}};
    PreparedJob job;
    job.next_jobs = [kept = std::make_shared<const learning::OnnxModel>(std::move(*written)),
                     document = std::move(result), writer = OutputWriter{context},
                     path = values[onnx_file]](auto) -> Result<JobsOrResult> {
        if (auto good = writer.write(path, kept->file); !good) return unexpected(good.error());
        return JobsOrResult{{}, document};
    };
    return job;
}

}  // namespace

JobType export_job() {
    return {.name = "export",
            .title = "Export",
            .summary = "Writes a model as ONNX, which other programs run",
            .params = {.common = {model_file, onnx_file}},
            .make = make};
}

}  // namespace netcompute::jobs
