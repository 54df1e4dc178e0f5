#include "jobs/job_files.hpp"
#include "jobs/job_types.hpp"
#include "jobs/submission.hpp"
#include "jobs/training_table.hpp"

#include <utility>

namespace netcompute::jobs {
namespace {

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
    TrainingTable table;
    data::DataPath model_path;
    data::DataPath submission_path;
    OutputWriter writer;
    std::function<learning::Trained()> finish;
};

/// Writes the model and the training set's predictions, and sums up.
Result<nlohmann::json> finish_training(const PlannedTraining& training,
                                       const programs::Program& program) {
    const learning::Trained trained = training.finish();
    learning::Model model = training.model;
    const learning::Scores scores{trained.fit->form(), trained.scores};
    const learning::TargetValues& target = training.table.prepared.target;
    const auto metrics = learning::measure(target, scores, model.form.classes.size());
    if (!metrics) return unexpected(metrics.error());
    model.fit = trained.fit;
    model.training_metrics = *metrics;
    const std::string model_text = learning::model_text(model);
    if (auto fits = check_model_size(training.model_path, model_text); !fits) {
        return unexpected(fits.error());
    }
    const learning::TableForm& form = model.form;
    const auto submission = submission_text(
        {training.table.ids.name, form.target, training.table.ids.texts, scores, form.classes});
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
    if (form.classes.size() > 2) {
        result["confusion"] = confusion_document(form.classes, target.labels, scores);
    }
    model.fit->describe(form.preprocessing.feature_names(), result);
    result["model_sha256"] = to_hex(model.fit->sha256());
    result["result_sha256"] = to_hex(sha256(program.result_bytes()));
    result["files"] = {{"model", training.model_path.shown()},
                       {"submission", training.submission_path.shown()}};
    result["notes"] = training.table.prepared.notes;
    return result;
}

Result<PreparedJob> make(const ParamValues& values, const JobContext& context) {
    const learning::Learner& learner = *learning::find_learner(values[algorithm_choice()]);
    auto table = take_training_table(values, context, learner,
                                     {learner.bins_max ? learner.bins_max(values) : 0, {}});
    if (!table) return unexpected(table.error());
    learning::Training training = learner.train(table->prepared, values);
    learning::Model model = planned_model(*table, learner, values);
    std::vector<std::string> notes = table->prepared.notes;
    PlannedTraining plan{std::move(model),      std::move(*table),
                         values[model_file],    values[submission_file],
                         OutputWriter{context}, std::move(training.finish)};
    PreparedJob job;
    job.rounds_may_follow = true;
    job.notes = std::move(notes);
    job.finish = [kept = std::make_shared<const PlannedTraining>(std::move(plan)),
                  finished = training.program.get()] { return finish_training(*kept, *finished); };
    job.program = std::move(training.program);
    return job;
}

}  // namespace

JobType train_job() {
    ParamTable params{.common = {training_data, training_target, training_id, params::reading_param,
                                 params::columns_param, params::missing_param, max_categories,
                                 algorithm_choice(), model_file, submission_file},
                      .choice = algorithm_choice()};
    for (const learning::Learner& learner : learning::learners()) {
        params.variants.push_back({learner.name, learning::params_of(learner)});
    }
    return {.name = "train",
            .title = "Training",
            .summary = "Learns a model from a table, and predicts the table with it",
            .params = std::move(params),
            .make = make,
            .check_together = [](const ParamValues& values) {
                return check_training_params(values,
                                             *learning::find_learner(values[algorithm_choice()]));
            }};
}

}  // namespace netcompute::jobs
