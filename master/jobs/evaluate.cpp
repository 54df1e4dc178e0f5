#include "jobs/job_files.hpp"
#include "jobs/job_types.hpp"
#include "jobs/judging.hpp"
#include "jobs/out_of_fold.hpp"

#include <memory>
#include <utility>

namespace netcompute::jobs {
namespace {

constexpr OutputFile predictions_file{
    .name = "output",
    .what = "Where the predictions of rows by models that have not seen them go",
    .otherwise = "Data/out_of_fold.csv"};

struct PlannedEvaluation {
    std::shared_ptr<const JudgedTable> table;
    std::vector<learning::Split> splits;
    std::string_view algorithm;
    nlohmann::json parameters;
    data::DataPath path;
    OutputWriter writer;
};

nlohmann::json folds_document(const PlannedEvaluation& planned,
                              std::span<const learning::FitRecord> records) {
    nlohmann::json document = nlohmann::json::array();
    for (std::size_t i = 0; i < records.size(); ++i) {
        const learning::Split& split = planned.splits[i];
        document.push_back({{"repeat", split.repeat + 1},
                            {"fold", split.fold + 1},
                            {"training_rows", split.training_count},
                            {"held_out_rows", split.held_out.size()},
                            {"steps", records[i].steps},
                            {"metrics", figures_document(planned.table->metrics(), records[i])}});
    }
    return document;
}

Result<nlohmann::json> finish_evaluation(const PlannedEvaluation& planned,
                                         const learning::FitsProgram& program) {
    const auto records = program.records();
    std::vector<const learning::FitRecord*> all;
    for (std::size_t i = 0; i < records.size(); ++i) {
        if (!records[i].failure.empty()) {
            return unexpected(ErrorCode::InvalidArgument,
                              "fold " + std::to_string(planned.splits[i].fold + 1) + " of repeat " +
                                  std::to_string(planned.splits[i].repeat + 1) + ": " +
                                  records[i].failure);
        }
        all.push_back(&records[i]);
    }
    const OutOfFold found = out_of_fold(*planned.table, planned.splits, program.score_sums());
    const std::string text = predictions_text(*planned.table, found);
    if (auto written = planned.writer.write(planned.path, as_byte_span(text)); !written) {
        return unexpected(written.error());
    }
    const MetricNames metrics = planned.table->metrics();
    nlohmann::json result{{"algorithm", planned.algorithm},
                          {"params", planned.parameters},
                          {"rows", planned.table->row_count()},
                          {"fits", records.size()},
                          {"metrics", means_document(metrics, all, &MeanFigure::mean)},
                          {"deviations", means_document(metrics, all, &MeanFigure::deviation)},
                          {"folds", folds_document(planned, records)},
                          {"result_sha256", to_hex(sha256(program.result_bytes()))},
                          {"files", {{"predictions", planned.path.shown()}}},
                          {"notes", planned.table->training.prepared.notes}};
    add_curves(*planned.table, found, result);
    return result;
}

Result<PreparedJob> make(const ParamValues& values, const JobContext& context) {
    const learning::Learner& learner = judged_learner(values);
    auto taken = take_judged_table(values, context, learner, bins_of(learner, values));
    if (!taken) return unexpected(taken.error());
    const auto table = std::make_shared<const JudgedTable>(std::move(*taken));
    const auto rows = table->rows();
    const learning::FoldOptions options = fold_options(values);
    const std::uint64_t parts = options.test_size ? 1 : options.folds;
    if (auto few = check_split_count(*table, parts * options.repeats); !few) {
        return unexpected(few.error());
    }
    auto splits =
        learning::plan_splits(rows, fold_options(values), learning::all_rows(table->row_count()));
    if (!splits) return unexpected(splits.error());

    learning::FitsPlan plan;
    plan.tables = {table->inputs};
    plan.candidates = {{0, learner.fit(table->training.prepared, values).params}};
    std::vector<learning::FitTask> tasks;
    for (const learning::Split& split : *splits) {
        auto fit = fit_split(split, *table, context);
        if (!fit) return unexpected(fit.error());
        tasks.push_back({0, static_cast<std::uint32_t>(plan.splits.size())});
        plan.splits.push_back(std::move(*fit));
    }
    plan.metric_count = table->metrics().size();
    plan.score_width = table->form.width;
    plan.fit_count = tasks.size();
    plan.rows_predicted = table->row_count();
    plan.measure = measure_by(table);
    plan.next = [tasks](std::span<const learning::FitRecord> records) {
        return records.empty() ? tasks : std::vector<learning::FitTask>{};
    };
    auto program = std::make_unique<learning::FitsProgram>(std::move(plan));
    PreparedJob job;
    job.notes = table->training.prepared.notes;
    job.finish = [kept = std::make_shared<const PlannedEvaluation>(
                      PlannedEvaluation{table, std::move(*splits), learner.name,
                                        params::values_document(learner.params, values),
                                        values[predictions_file], OutputWriter{context}}),
                  finished = program.get()] { return finish_evaluation(*kept, *finished); };
    job.program = std::move(program);
    return job;
}

/// The figures of each fold, then their means.
std::vector<std::string> report(const nlohmann::json& result) {
    std::vector<std::string> lines;
    for (const nlohmann::json& fold : result.at("folds")) {
        std::string line =
            "fold " + fold.at("fold").dump() + ", " + fold.at("held_out_rows").dump() + " rows:";
        for (const auto& [name, figure] : fold.at("metrics").items()) {
            line += " " + name + " " + figure_text(figure.get<double>());
        }
        lines.push_back(std::move(line));
    }
    lines.push_back("mean of " + result.at("fits").dump() + " fits:" + means_text(result));
    return lines;
}

}  // namespace

JobType evaluate_job() {
    return {
        .name = "evaluate",
        .title = "Evaluation",
        .summary =
            "Tells how well a learner does on rows that it has not seen, by models of "
            "the other rows",
        .params = judging_params({}, {predictions_file}),
        .make = make,
        .check_together = [](const ParamValues& values) { return check_judging_params(values, 1); },
        .report = report};
}

}  // namespace netcompute::jobs
