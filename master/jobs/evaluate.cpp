#include "jobs/importances.hpp"
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

constexpr WholeNumber importance_repeats{
    .name = "importance_repeats",
    .what =
        "How often each column is permuted among the rows that are held out, to tell by how much "
        "worse the metrics are what the models depend on (permutation importance); 0: not at all",
    .max = programs::fit_repeats_max,
    .otherwise = 0};

constexpr std::size_t training_sizes_max = 50;

/// Errors begin with the key, as Structured::check says.
Result<void> check_training_sizes(const nlohmann::json& list) {
    const auto bad = [](const std::string& what) {
        return unexpected(ErrorCode::InvalidArgument,
                          "training_sizes: " + what +
                              "; give shares of the training rows, rising, above 0 and at most 1, "
                              "such as [0.1, 0.3, 1]");
    };
    if (!list.is_array() || list.size() > training_sizes_max) {
        return bad("is no list of at most " + std::to_string(training_sizes_max) + " shares");
    }
    double before = 0;
    for (const nlohmann::json& share : list) {
        if (!share.is_number()) return bad(share.dump() + " is no number");
        const auto value = share.get<double>();
        if (!(value > 0 && value <= 1)) return bad(share.dump() + " is no share");
        if (value <= before) return bad(share.dump() + " is not above the one before it");
        before = value;
    }
    return {};
}

constexpr Structured training_sizes{
    .name = "training_sizes",
    .what =
        "A learning curve: in each fold also models of these shares of its training rows, a "
        "smaller share's rows being among a larger one's",
    .schema = R"({"type": "array", "maxItems": 50, "items": {"type": "number",
                  "exclusiveMinimum": 0, "maximum": 1}})",
    .check = check_training_sizes,
    .example = "[0.1, 0.3, 1]",
    .if_left_out = "models learn from all rows of their folds alone"};

std::vector<double> sizes_of(const ParamValues& values) {
    std::vector<double> sizes;
    if (!values.has(training_sizes)) return sizes;
    for (const nlohmann::json& share : values[training_sizes]) sizes.push_back(share.get<double>());
    return sizes;
}

struct PlannedEvaluation {
    std::shared_ptr<const JudgedTable> table;
    std::vector<learning::Split> splits;
    std::vector<double> sizes;  ///< Of the learning curve.
    /// Rows that models of each split, of each size, learn from. Their fits follow the splits'.
    std::vector<std::vector<std::uint64_t>> rows_of_sizes;
    PermutedColumns permuted;
    std::string_view algorithm;
    nlohmann::json parameters;
    data::DataPath path;
    OutputWriter writer;
};

nlohmann::json folds_document(const PlannedEvaluation& planned,
                              std::span<const learning::FitRecord> records) {
    nlohmann::json document = nlohmann::json::array();
    for (std::size_t i = 0; i < planned.splits.size(); ++i) {
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

/// Of each size: the mean over the splits of what models of so many rows say of those held out.
nlohmann::json curve_document(const PlannedEvaluation& planned,
                              std::span<const learning::FitRecord> records) {
    nlohmann::json document = nlohmann::json::array();
    const MetricNames metrics = planned.table->metrics();
    std::size_t next = planned.splits.size();
    for (std::size_t size = 0; size < planned.sizes.size(); ++size) {
        std::vector<const learning::FitRecord*> own;
        double rows = 0;
        std::size_t failures = 0;
        for (const std::uint64_t count : planned.rows_of_sizes[size]) {
            rows += static_cast<double>(count);
            if (!records[next].failure.empty()) ++failures;
            own.push_back(&records[next++]);
        }
        nlohmann::json point = {
            {"share", planned.sizes[size]},
            {"training_rows", rows / static_cast<double>(own.size())},
            {"metrics", means_document(metrics, own, &MeanFigure::mean)},
            {"deviations", means_document(metrics, own, &MeanFigure::deviation)}};
        // A model of few rows may not be found, which says something too.
        if (failures > 0) point["failures"] = failures;
        document.push_back(std::move(point));
    }
    return document;
}

Result<nlohmann::json> finish_evaluation(const PlannedEvaluation& planned,
                                         const learning::FitsProgram& program) {
    const auto records = program.records();
    std::vector<const learning::FitRecord*> all;
    for (std::size_t i = 0; i < planned.splits.size(); ++i) {
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
    if (!planned.permuted.names.empty()) {
        result["importances"] = importances_document(*planned.table, planned.permuted, all);
    }
    if (!planned.sizes.empty()) result["learning_curve"] = curve_document(planned, records);
    return result;
}

Result<PreparedJob> make(const ParamValues& values, const JobContext& context) {
    const learning::Learner& learner = judged_learner(values);
    auto taken = take_judged_table(values, context, learner, bins_of(learner, values));
    if (!taken) return unexpected(taken.error());
    const auto table = std::make_shared<const JudgedTable>(std::move(*taken));
    const auto rows = table->rows();
    const learning::FoldOptions options = fold_options(values);
    const std::vector<double> sizes = sizes_of(values);
    const std::uint64_t parts = options.test_size ? 1 : options.folds;
    if (auto few = check_split_count(*table, parts * options.repeats * (1 + sizes.size())); !few) {
        return unexpected(few.error());
    }
    auto splits =
        learning::plan_splits(rows, fold_options(values), learning::all_rows(table->row_count()));
    if (!splits) return unexpected(splits.error());

    learning::FitsPlan plan;
    // Models of the learning curve have no columns permuted: they have a table of their own.
    const auto permuted = permuted_columns(
        *table, static_cast<std::uint32_t>(values[importance_repeats]), options.seed);
    if (auto few = check_permutations(*table, permuted, *splits); !few) {
        return unexpected(few.error());
    }
    plan.tables = {permuting_inputs(*table, permuted), table->inputs};
    const Bytes params = learner.fit(table->training.prepared, values).params;
    plan.candidates = {{0, params}, {1, params}};
    std::vector<learning::FitTask> tasks;
    const auto add = [&](const learning::Split& split, bool is_of_curve) -> Result<void> {
        auto fit = fit_split(split, *table, context);
        if (!fit) return unexpected(fit.error());
        fit->adds_scores = !is_of_curve;
        tasks.push_back({is_of_curve ? 1U : 0U, static_cast<std::uint32_t>(plan.splits.size())});
        plan.splits.push_back(std::move(*fit));
        return {};
    };
    for (const learning::Split& split : *splits) {
        if (auto added = add(split, false); !added) return unexpected(added.error());
    }
    std::vector<std::vector<std::uint64_t>> rows_of_sizes;
    for (const double share : sizes) {
        auto& counts = rows_of_sizes.emplace_back();
        for (const learning::Split& split : *splits) {
            const auto smaller = learning::with_share(split, rows, share, options.seed);
            if (auto added = add(smaller, true); !added) return unexpected(added.error());
            counts.push_back(smaller.training_count);
        }
    }
    plan.metric_count = figure_count(*table, permuted);
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
    job.finish = [kept = std::make_shared<const PlannedEvaluation>(PlannedEvaluation{
                      table, std::move(*splits), sizes, std::move(rows_of_sizes), permuted,
                      learner.name, params::values_document(learner.params, values),
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
    lines.push_back("mean of " + std::to_string(result.at("folds").size()) +
                    " fits:" + means_text(result));
    if (result.contains("importances")) {
        for (const nlohmann::json& column : result.at("importances")) {
            lines.push_back("without " + column.at("column").get<std::string>() +
                            ", worse by:" + means_text(column));
        }
    }
    if (!result.contains("learning_curve")) return lines;
    for (const nlohmann::json& point : result.at("learning_curve")) {
        lines.push_back("learning from " + point.at("share").dump() +
                        " of the rows:" + means_text(point));
    }
    return lines;
}

}  // namespace

JobType evaluate_job() {
    return {.name = "evaluate",
            .title = "Evaluation",
            .summary =
                "Tells how well a learner does on rows that it has not seen, by models of "
                "the other rows",
            .params = judging_params({}, {importance_repeats, training_sizes, predictions_file}),
            .make = make,
            .check_together =
                [](const ParamValues& values) {
                    return check_judging_params(values, 1 + sizes_of(values).size());
                },
            .report = report};
}

}  // namespace netcompute::jobs
