#include "jobs/job_files.hpp"
#include "jobs/job_types.hpp"
#include "jobs/submission.hpp"
#include "learning/ids.hpp"
#include "learning/learner.hpp"

#include <utility>

namespace netcompute::jobs {
namespace {

constexpr InputFile table_file{.name = "data",
                               .what = "The table to learn from: a CSV file with a header",
                               .otherwise = "Data/train.csv"};
constexpr Text target{.name = "target",
                      .what = "The column to predict, which has two classes",
                      .otherwise = "Survived"};
constexpr Text id{
    .name = "id", .what = "The column that names the rows", .otherwise = "PassengerId"};
constexpr OutputFile model_file{
    .name = "model", .what = "Where the model goes", .otherwise = "Data/model.json"};
constexpr OutputFile submission_file{.name = "output",
                                     .what = "Where the predictions for the same rows go",
                                     .otherwise = "Data/submission_train.csv"};

Choice algorithm_choice() {
    return {.name = "algorithm",
            .what = "What learns",
            .choices = learning::learner_names(),
            .otherwise = learning::learner_names().front()};
}

/// What is known of a training before it is computed.
struct PlannedTraining {
    learning::Model model;  ///< But for what is learned.
    data::Table table;
    data::Texts ids;
    data::DataPath model_path;
    data::DataPath submission_path;
    OutputWriter writer;
    std::vector<std::uint8_t> labels;
    std::vector<std::string> notes;
    std::function<learning::Trained()> finish;
};

Result<void> check_together(const ParamValues& values) {
    if (values[target] != values[id]) return {};
    return unexpected(ErrorCode::InvalidArgument,
                      "params.target: \"" + values[target] + "\" is the id column as well");
}

/// Writes the model and the training set's predictions, and sums up.
Result<nlohmann::json> finish_training(const PlannedTraining& training,
                                       const programs::Program& program) {
    const learning::Trained trained = training.finish();
    const auto metrics = learning::measure(training.labels, trained.scores);
    if (!metrics) return unexpected(metrics.error());
    learning::Model model = training.model;
    model.fit = trained.fit;
    model.training_metrics = *metrics;
    const std::string model_text = learning::model_text(model);
    const learning::TableForm& form = model.form;
    const auto submission =
        submission_text({form.id, form.target, training.ids, trained.scores, form.classes});
    if (!submission) return unexpected(submission.error());
    const OutputWriter& writer = training.writer;
    if (auto written = writer.write(training.model_path, as_byte_span(model_text)); !written) {
        return unexpected(written.error());
    }
    if (auto written = writer.write(training.submission_path, as_byte_span(*submission));
        !written) {
        return unexpected(written.error());
    }
    nlohmann::json result = trained.figures;
    result["algorithm"] = model.algorithm;
    result["rows"] = metrics->row_count;
    result["metrics"] = learning::metrics_document(*metrics);
    model.fit->describe(form.preprocessing.feature_names(), result);
    result["model_sha256"] = to_hex(model.fit->sha256());
    result["result_sha256"] = to_hex(sha256(program.result_bytes()));
    result["files"] = {{"model", training.model_path.shown()},
                       {"submission", training.submission_path.shown()}};
    result["notes"] = training.notes;
    return result;
}

Result<PreparedJob> make(const ParamValues& values, const JobContext& context) {
    const learning::Learner& learner = *learning::find_learner(values[algorithm_choice()]);
    const learning::TrainingOptions options{values[target], values[id], learner.article,
                                            learner.features_max,
                                            learner.bins_max ? learner.bins_max(values) : 0};
    const std::string& name = values[table_file].name();
    auto table = context.table(values[table_file], {.id = options.id}, [&](auto names) {
        return learning::check_training_header(name, names, options);
    });
    if (!table) return unexpected(table.error());
    auto prepared = learning::prepare_training(
        *table, options, [&](const Bytes& tile) { return context.blobs->put(tile); });
    if (!prepared) return unexpected(prepared.error());
    const auto ids = learning::ids_of(*table, options.id);
    if (!ids) return unexpected(ids.error());

    learning::Training training = learner.train(*prepared, values);
    PlannedTraining plan{
        {std::string{learner.name},
         params::values_document(learner.params, values),
         {std::move(prepared->preprocessing), options.id, options.target, prepared->classes},
         nullptr,
         {},
         prepared->data_sha256},
        std::move(*table),
        *ids,
        values[model_file],
        values[submission_file],
        OutputWriter{context},
        std::move(prepared->labels),
        prepared->notes,
        std::move(training.finish)};
    PreparedJob job;
    job.rounds_may_follow = true;
    job.notes = std::move(prepared->notes);
    job.finish = [kept = std::make_shared<const PlannedTraining>(std::move(plan)),
                  finished = training.program.get()] { return finish_training(*kept, *finished); };
    job.program = std::move(training.program);
    return job;
}

}  // namespace

JobType train_job() {
    ParamTable params{
        .common = {table_file, target, id, algorithm_choice(), model_file, submission_file},
        .choice = algorithm_choice()};
    for (const learning::Learner& learner : learning::learners()) {
        params.variants.push_back({learner.name, learner.params});
    }
    return {.name = "train",
            .title = "Training",
            .summary = "Learns a model from a table, and predicts the table with it",
            .params = std::move(params),
            .make = make,
            .check_together = check_together};
}

}  // namespace netcompute::jobs
