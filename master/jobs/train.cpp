#include "jobs/job_files.hpp"
#include "jobs/job_types.hpp"
#include "jobs/submission.hpp"
#include "jobs/table_params.hpp"
#include "learning/ids.hpp"
#include "learning/learner.hpp"

#include <utility>

namespace netcompute::jobs {
namespace {

constexpr InputFile table_file{.name = "data",
                               .what = "The table to learn from: a CSV file with a header",
                               .otherwise = "Data/train.csv"};
constexpr Text target{.name = "target",
                      .what = "The column to predict: classes, or, for some learners, numbers",
                      .otherwise = "Survived"};
constexpr Text id{.name = "id",
                  .what = "The column that names the rows",
                  .example = "PassengerId",
                  .if_left_out = "`PassengerId`, or found, or the rows are numbered"};
constexpr WholeNumber max_categories{
    .name = "max_categories",
    .what = "Categories of a column of texts; the less frequent ones are one more, \"other\"",
    .min = 2,
    .max = learning::categories_given_max,
    .example = 50,
    .if_left_out = "20, and columns of more are left out"};
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
    learning::RowIds ids;
    data::DataPath model_path;
    data::DataPath submission_path;
    OutputWriter writer;
    learning::TargetValues target;
    std::vector<std::string> notes;
    std::function<learning::Trained()> finish;
};

Result<void> check_together(const ParamValues& values) {
    if (values.has(id) && values[target] == values[id]) {
        return unexpected(ErrorCode::InvalidArgument,
                          "params.target: \"" + values[target] + "\" is the id column as well");
    }
    const learning::Learner& learner = *learning::find_learner(values[algorithm_choice()]);
    return learner.check ? learner.check(values) : Result<void>{};
}

/// Writes the model and the training set's predictions, and sums up.
Result<nlohmann::json> finish_training(const PlannedTraining& training,
                                       const programs::Program& program) {
    const learning::Trained trained = training.finish();
    learning::Model model = training.model;
    const learning::Scores scores{trained.fit->form(), trained.scores};
    const auto metrics = learning::measure(training.target, scores, model.form.classes.size());
    if (!metrics) return unexpected(metrics.error());
    model.fit = trained.fit;
    model.training_metrics = *metrics;
    const std::string model_text = learning::model_text(model);
    if (model_text.size() > learning::model_bytes_max) {
        return unexpected(ErrorCode::LimitExceeded,
                          training.model_path.shown() + ": the model would have " +
                              std::to_string(model_text.size() >> 20) + " MiB; at most " +
                              std::to_string(learning::model_bytes_max >> 20) +
                              " are read again: choose fewer or smaller trees");
    }
    const learning::TableForm& form = model.form;
    const auto submission =
        submission_text({training.ids.name, form.target, training.ids.texts, scores, form.classes});
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
        result["confusion"] = confusion_document(form.classes, training.target.labels, scores);
    }
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
    data::ReadingOptions reading = reading_of(values);
    reading.finds_id = !values.has(id);
    const data::ReadingOptions told = reading;
    reading.id = values[id];
    learning::TrainingOptions options{values[target],
                                      {},
                                      learning::question_of(learner, values),
                                      learner.features_max,
                                      learner.bins_max ? learner.bins_max(values) : 0};
    if (values.has(max_categories)) options.max_categories = values[max_categories];
    const std::string& name = values[table_file].name();
    auto table = context.table(values[table_file], reading, [&](auto names) -> Result<void> {
        if (auto known = check_columns(name, names, reading); !known) return known;
        const auto as = reading.columns.find(options.target);
        if (as != reading.columns.end() && as->second == data::ColumnKind::Ignore) {
            return unexpected(ErrorCode::InvalidArgument,
                              "params.columns: " + data::quote(options.target) +
                                  " is the target, and cannot be passed over");
        }
        options.id = id_column(reading, names);
        return learning::check_training_header(name, names, options);
    });
    if (!table) return unexpected(table.error());
    auto prepared = learning::prepare_training(
        *table, options, [&](const Bytes& tile) { return context.blobs->put(tile); });
    if (!prepared) return unexpected(prepared.error());
    auto ids = learning::row_ids(*table, options.id);
    if (!ids) return unexpected(ids.error());
    add_id_note(reading, options.id, prepared->notes);
    if (!options.id.empty()) learning::add_repeated_id_note(*table, *ids, prepared->notes);

    learning::Training training = learner.train(*prepared, values);
    PlannedTraining plan{{std::string{learner.name},
                          params::values_document(learner.params, values),
                          {std::move(prepared->preprocessing), options.id, options.target,
                           prepared->classes, model_reading(told, *table)},
                          nullptr,
                          {},
                          prepared->data_sha256},
                         std::move(*table),
                         std::move(*ids),
                         values[model_file],
                         values[submission_file],
                         OutputWriter{context},
                         std::move(prepared->target),
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
    ParamTable params{.common = {table_file, target, id, params::reading_param,
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
            .check_together = check_together};
}

}  // namespace netcompute::jobs
