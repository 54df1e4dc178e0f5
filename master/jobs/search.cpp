#include "data/number.hpp"
#include "jobs/csv_line.hpp"
#include "jobs/job_files.hpp"
#include "jobs/job_types.hpp"
#include "jobs/judging.hpp"
#include "jobs/search_program.hpp"
#include "learning/candidates.hpp"
#include "learning/metrics.hpp"
#include "learning/search_plan.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

namespace netcompute::jobs {
namespace {

/// Candidates of which the result tells; the file has them all.
constexpr std::size_t candidates_listed_max = 1000;
/// Tables that are prepared for the values of a parameter that changes the table.
constexpr std::size_t tables_max = 16;
/// Rows that the smallest rung learns from at least.
constexpr double rung_rows_min = 50;
/// Lots of outer folds are others than those of the inner ones.
constexpr std::uint32_t outer_stream = 1;

constexpr Structured grid{
    .name = "grid",
    .what =
        "What is tried: for the names of the learner's parameters a list of values each, every "
        "combination of which is a candidate; or, with `n_iter`, a range to draw from",
    .schema = R"({"type": "object", "minProperties": 1, "additionalProperties": {"oneOf": [
        {"type": "array", "items": {}, "minItems": 1, "maxItems": 500},
        {"type": "object", "required": ["min", "max"], "additionalProperties": false,
         "properties": {"min": {"type": "number"}, "max": {"type": "number"},
                        "scale": {"type": "string", "enum": ["linear", "log"]}}}]}})",
    .check = learning::check_grid,
    .example = R"({"C": [0.1, 1, 10]})"};
constexpr WholeNumber draws{.name = "n_iter",
                            .what = "How many candidates are drawn from the grid, by the seed",
                            .min = 1,
                            .max = learning::candidates_max,
                            .example = 20,
                            .if_left_out = "every combination of the lists is tried"};
constexpr WholeNumber factor{
    .name = "factor",
    .what =
        "Successive halving: all candidates learn from a small share of the rows; one in so many "
        "goes on to a share that is so many times as large, until the last ones learn from all",
    .min = 2,
    .max = 10,
    .example = 3,
    .if_left_out = "every candidate learns from all rows of its folds"};
constexpr WholeNumber outer_folds{
    .name = "outer_folds",
    .what =
        "Judges the search itself: so many parts are each predicted by the best candidate of a "
        "search over the others (nested cross-validation)",
    .min = 2,
    .max = 100,
    .example = 5,
    .if_left_out = "only candidates are judged"};
constexpr OutputFile model_file{.name = "model",
                                .what = "Where the best candidate's model of all rows goes",
                                .otherwise = "Data/model.json"};
constexpr OutputFile table_file{
    .name = "output", .what = "Where the ranked candidates go", .otherwise = "Data/search.csv"};

/// The choice that leaves it to the target.
constexpr std::string_view usual_scoring = "auto";

Choice scoring() {
    static const std::vector<std::string_view> names = [] {
        std::vector<std::string_view> all{usual_scoring};
        const auto metrics = learning::all_metric_names();
        all.insert(all.end(), metrics.begin(), metrics.end());
        return all;
    }();
    return {.name = "scoring",
            .what =
                "The metric by which candidates are ranked: its mean over the folds; `auto`: "
                "accuracy, or r2 of a number",
            .choices = names,
            .otherwise = usual_scoring};
}

/// Its name and its place among the table's. Errors: those of find_metric().
Result<std::size_t> scoring_of(const ParamValues& values, const JudgedTable& table) {
    const std::string& chosen = values[scoring()];
    if (chosen != usual_scoring) return find_metric(table, "scoring", chosen);
    return find_metric(table, "scoring", table.class_count() == 0 ? "r2" : "accuracy");
}

learning::SearchSpace space_of(const ParamValues& values) {
    learning::SearchSpace space{values[grid], {}, fold_options(values).seed};
    if (values.has(draws)) space.draws = values[draws];
    return space;
}

Result<void> check_together(const ParamValues& values) {
    const std::string& metric = values[scoring()];
    if (metric != usual_scoring) {
        if (auto suits = check_metric(values, "scoring", metric); !suits) return suits;
    }
    const auto count = learning::check_candidates(judged_learner(values), values, space_of(values));
    if (!count) return unexpected(count.error());
    const std::uint64_t scopes = values.has(outer_folds) ? 1 + values[outer_folds] : 1;
    return check_judging_params(values, *count * scopes);
}

using Tables = std::vector<std::shared_ptr<const JudgedTable>>;

struct PlannedSearch {
    const learning::Learner* learner = nullptr;
    Tables tables;
    std::vector<learning::Candidate> candidates;
    learning::SearchPlan plan;
    std::string scoring;
    bool is_halved = false;
    data::DataPath model_path;
    data::DataPath table_path;
    OutputWriter writer;

    [[nodiscard]] MetricNames metrics() const { return tables.front()->metrics(); }
    [[nodiscard]] const TrainingTable& table_of(std::uint32_t candidate) const {
        return tables[plan.tables[candidate]]->training;
    }
};

/// Plans the splits of a search, and puts their roles into the store.
class SplitPlanner {
 public:
    SplitPlanner(const ParamValues& values, const JobContext& context, const JudgedTable& table,
                 learning::SearchPlan& plan)
        : values_{values},
          context_{context},
          table_{table},
          rows_{table.rows()},
          options_{fold_options(values)},
          plan_{plan} {
        if (values.has(factor)) {
            plan_.factor = static_cast<std::uint32_t>(values[factor]);
            rungs_ = learning::rung_count(plan_.tables.size(), plan_.factor);
            // The first rung has enough rows to learn anything.
            const double folds = options_.test_size ? 2 : options_.folds;
            const double rows = static_cast<double>(rows_.row_count) * (1 - 1 / folds);
            while (rungs_ > 1 && rows * share(0) < rung_rows_min) --rungs_;
        }
    }

    [[nodiscard]] std::uint64_t split_count() const {
        const std::uint64_t parts = options_.test_size ? 1 : options_.folds;
        const std::uint64_t outer = values_.has(outer_folds) ? values_[outer_folds] : 0;
        return (1 + outer) * parts * options_.repeats * rungs_ + outer;
    }

    Result<void> run() {
        if (auto whole = add_scope(learning::all_rows(rows_.row_count), ""); !whole) return whole;
        if (!values_.has(outer_folds)) return {};
        learning::FoldOptions outer = options_;
        outer.folds = static_cast<std::uint32_t>(values_[outer_folds]);
        outer.repeats = 1;
        outer.test_size.reset();
        outer.stream = outer_stream;
        auto splits = learning::plan_splits(rows_, outer, learning::all_rows(rows_.row_count));
        if (!splits) {
            return unexpected(splits.error().code, "params.outer_folds: " + splits.error().message);
        }
        for (const learning::Split& split : *splits) {
            std::vector<std::uint32_t> within;
            for (std::uint32_t row = 0; row < split.roles.size(); ++row) {
                if (split.roles[row] == programs::RowRole::Training) within.push_back(row);
            }
            const std::string name = "outer fold " + std::to_string(split.fold + 1) + ": ";
            if (auto scope = add_scope(within, name); !scope) return scope;
            if (auto defined = check_defined(split, name); !defined) return defined;
            auto outer_split = add(split);
            if (!outer_split) return unexpected(outer_split.error());
            plan_.scopes.back().outer = *outer_split;
        }
        return {};
    }

    [[nodiscard]] std::vector<learning::FitSplit> take() { return std::move(splits_); }
    [[nodiscard]] std::uint32_t rungs() const { return rungs_; }

 private:
    [[nodiscard]] double share(std::uint32_t rung) const {
        double share = 1;
        for (std::uint32_t i = rung + 1; i < rungs_; ++i) share /= plan_.factor;
        return share;
    }

    Result<std::uint32_t> add(const learning::Split& split) {
        auto fit = fit_split(split, table_, context_);
        if (!fit) return unexpected(fit.error());
        splits_.push_back(std::move(*fit));
        return static_cast<std::uint32_t>(splits_.size() - 1);
    }

    /// A metric that folds of one class, or of equal numbers, do not have would fail every
    /// candidate.
    [[nodiscard]] Result<void> check_defined(const learning::Split& split,
                                             const std::string& name) const {
        const std::string_view metric = table_.metrics()[plan_.metric];
        if (!learning::may_be_undefined(metric)) return {};
        const learning::TargetValues truth = truth_of(table_, split.held_out);
        const auto differs = [](const auto& values) {
            return std::ranges::any_of(values, [&](auto each) { return each != values.front(); });
        };
        if (truth.labels.empty() ? differs(truth.numbers) : differs(truth.labels)) return {};
        const bool is_number = truth.labels.empty();
        return unexpected(ErrorCode::InvalidArgument,
                          "params.scoring: " + name + "the rows that fold " +
                              std::to_string(split.fold + 1) + " holds out are of one " +
                              (is_number ? "number" : "class") + " only, so there is no " +
                              std::string{metric} + "; choose " +
                              (is_number ? "rmse" : "log_loss") + ", or give fewer folds");
    }

    Result<void> add_scope(std::span<const std::uint32_t> within, const std::string& name) {
        auto splits = learning::plan_splits(rows_, options_, within);
        if (!splits) return unexpected(splits.error().code, name + splits.error().message);
        learning::SearchScope scope;
        scope.rungs.resize(rungs_);
        for (const learning::Split& split : *splits) {
            if (auto defined = check_defined(split, name); !defined) return defined;
            for (std::uint32_t rung = 0; rung < rungs_; ++rung) {
                auto index =
                    rung + 1 == rungs_
                        ? add(split)
                        : add(learning::with_share(split, rows_, share(rung), options_.seed));
                if (!index) return unexpected(index.error());
                scope.rungs[rung].push_back(*index);
            }
        }
        plan_.scopes.push_back(std::move(scope));
        return {};
    }

    const ParamValues& values_;
    const JobContext& context_;
    const JudgedTable& table_;
    learning::FoldRowsInfo rows_;
    learning::FoldOptions options_;
    learning::SearchPlan& plan_;
    std::uint32_t rungs_ = 1;
    std::vector<learning::FitSplit> splits_;
};

/// The tables that candidates need: one, unless a parameter of the grid changes how values become
/// bins.
Result<void> take_tables(const ParamValues& values, const JobContext& context,
                         PlannedSearch& search) {
    std::map<std::uint32_t, std::uint32_t> table_of_bins;
    for (const learning::Candidate& candidate : search.candidates) {
        const std::uint32_t bins = bins_of(*search.learner, candidate.values);
        const auto number = static_cast<std::uint32_t>(table_of_bins.size());
        search.plan.tables.push_back(table_of_bins.emplace(bins, number).first->second);
    }
    if (table_of_bins.size() > tables_max) {
        return unexpected(ErrorCode::InvalidArgument,
                          "params.grid: its candidates put values into bins in " +
                              std::to_string(table_of_bins.size()) +
                              " ways, each of which is a table of its own; list at most " +
                              std::to_string(tables_max) + " values");
    }
    search.tables.resize(table_of_bins.size());
    for (const auto& [bins, number] : table_of_bins) {
        auto table = take_judged_table(values, context, *search.learner, bins);
        if (!table) return unexpected(table.error());
        search.tables[number] = std::make_shared<const JudgedTable>(std::move(*table));
    }
    return {};
}

nlohmann::json candidate_document(const PlannedSearch& search,
                                  const learning::ScopeStanding& standing, std::size_t place) {
    const std::uint32_t candidate = standing.order[place];
    const learning::CandidateStanding& own = standing.candidates[candidate];
    nlohmann::json document = {
        {"rank", place + 1},
        {"params", search.candidates[candidate].params},
        {"metrics", means_document(search.metrics(), own.records, &MeanFigure::mean)},
        {"deviations", means_document(search.metrics(), own.records, &MeanFigure::deviation)}};
    if (search.is_halved) document["rung"] = own.rung + 1;
    for (const learning::FitRecord* const record : own.records) {
        if (!record->failure.empty()) document["failure"] = record->failure;
    }
    return document;
}

/// The ranked candidates as a CSV: rank, the parameters, means and deviations of the metrics.
std::string ranking_text(const PlannedSearch& search, const learning::ScopeStanding& standing) {
    std::string text = "rank";
    const auto append = [&](const std::string& field) {
        text += ',';
        append_csv_field(text, field);
    };
    for (const auto& [name, value] : search.candidates.front().params.items()) append(name);
    for (const std::string_view metric : search.metrics()) {
        append(std::string{metric});
        append(std::string{metric} + " deviation");
    }
    if (search.is_halved) append("rung");
    append("failure");
    text += '\n';
    for (std::size_t place = 0; place < standing.order.size(); ++place) {
        const nlohmann::json document = candidate_document(search, standing, place);
        text += std::to_string(place + 1);
        for (const auto& [name, value] : document["params"].items()) {
            append(value.is_string() ? value.get<std::string>() : value.dump());
        }
        for (const std::string_view name : search.metrics()) {
            for (const char* const part : {"metrics", "deviations"}) {
                const auto figure = document[part].find(name);
                const bool is_there = figure != document[part].end();
                append(is_there ? data::number_text(figure->get<double>()) : std::string{});
            }
        }
        if (search.is_halved) append(document["rung"].dump());
        append(document.value("failure", ""));
        text += '\n';
    }
    return text;
}

/// What the outer folds say of the search.
nlohmann::json outer_document(const PlannedSearch& search,
                              const learning::SearchStanding& standing) {
    nlohmann::json folds = nlohmann::json::array();
    std::vector<const learning::FitRecord*> records;
    for (std::size_t scope = 1; scope < standing.scopes.size(); ++scope) {
        const learning::ScopeStanding& own = standing.scopes[scope];
        records.push_back(own.outer);
        folds.push_back({{"fold", scope},
                         {"params", search.candidates[own.order.front()].params},
                         {"metrics", figures_document(search.metrics(), *own.outer)}});
        if (!own.outer->failure.empty()) folds.back()["failure"] = own.outer->failure;
    }
    return {{"metrics", means_document(search.metrics(), records, &MeanFigure::mean)},
            {"deviations", means_document(search.metrics(), records, &MeanFigure::deviation)},
            {"folds", std::move(folds)}};
}

Result<learning::Training> plan_training(const PlannedSearch& search,
                                         std::span<const learning::FitRecord> records) {
    const auto standing = learning::follow(search.plan, records);
    const std::uint32_t best = standing.scopes.front().order.front();
    if (!standing.scopes.front().candidates[best].mean) {
        for (const auto* const record : standing.scopes.front().candidates[best].records) {
            if (record->failure.empty()) continue;
            return unexpected(
                ErrorCode::InvalidArgument,
                "no candidate could be fitted to every fold; the first one: " + record->failure);
        }
        return unexpected(ErrorCode::InvalidArgument,
                          "no candidate's " + search.scoring + " is defined in every fold");
    }
    return search.learner->train(search.table_of(best).prepared, search.candidates[best].values);
}

Result<nlohmann::json> finish_search(const PlannedSearch& search, const SearchProgram& program) {
    const auto standing = learning::follow(search.plan, program.records());
    const learning::ScopeStanding& whole = standing.scopes.front();
    const std::uint32_t best = whole.order.front();
    const TrainingTable& table = search.table_of(best);
    const learning::Trained trained = program.trained();
    const auto metrics =
        learning::measure(table.prepared.target, {trained.fit->form(), trained.scores},
                          table.prepared.classes.size());
    if (!metrics) return unexpected(metrics.error());
    learning::Model model = planned_model(table, *search.learner, search.candidates[best].values);
    model.fit = trained.fit;
    model.training_metrics = *metrics;
    const std::string model_text = learning::model_text(model);
    if (auto written = search.writer.write(search.model_path, as_byte_span(model_text)); !written) {
        return unexpected(written.error());
    }
    const std::string ranking = ranking_text(search, whole);
    if (auto written = search.writer.write(search.table_path, as_byte_span(ranking)); !written) {
        return unexpected(written.error());
    }
    nlohmann::json candidates = nlohmann::json::array();
    for (std::size_t place = 0; place < std::min(whole.order.size(), candidates_listed_max);
         ++place) {
        candidates.push_back(candidate_document(search, whole, place));
    }
    const auto& records = whole.candidates[best].records;
    nlohmann::json result = {
        {"algorithm", search.learner->name},
        {"rows", table.prepared.target.size()},
        {"fits", program.records().size()},
        {"scoring", search.scoring},
        {"best_params", search.candidates[best].params},
        {"metrics", means_document(search.metrics(), records, &MeanFigure::mean)},
        {"deviations", means_document(search.metrics(), records, &MeanFigure::deviation)},
        {"training_metrics", learning::metrics_document(*metrics)},
        {"candidate_count", whole.order.size()},
        {"candidates", std::move(candidates)},
        {"model_sha256", to_hex(model.fit->sha256())},
        {"result_sha256", to_hex(sha256(program.result_bytes()))},
        {"files",
         {{"model", search.model_path.shown()}, {"candidates", search.table_path.shown()}}},
        {"notes", table.prepared.notes}};
    if (standing.scopes.size() > 1) result["outer"] = outer_document(search, standing);
    return result;
}

Result<PreparedJob> make(const ParamValues& values, const JobContext& context) {
    auto search = std::make_shared<PlannedSearch>();
    search->learner = &judged_learner(values);
    auto candidates = learning::plan_candidates(*search->learner, values, space_of(values));
    if (!candidates) return unexpected(candidates.error());
    search->candidates = std::move(*candidates);
    if (auto taken = take_tables(values, context, *search); !taken) {
        return unexpected(taken.error());
    }
    const auto metric = scoring_of(values, *search->tables.front());
    if (!metric) return unexpected(metric.error());
    search->plan.metric = *metric;
    search->scoring = search->metrics()[*metric];
    search->plan.is_gain = learning::is_gain(search->scoring);
    search->model_path = values[model_file];
    search->table_path = values[table_file];
    search->writer = OutputWriter{context};
    SplitPlanner splits{values, context, *search->tables.front(), search->plan};
    if (auto few = check_split_count(*search->tables.front(), splits.split_count()); !few) {
        return unexpected(few.error());
    }
    if (auto planned = splits.run(); !planned) return unexpected(planned.error());
    search->is_halved = splits.rungs() > 1;

    learning::FitsPlan plan;
    for (const auto& table : search->tables) plan.tables.push_back(table->inputs);
    for (std::size_t i = 0; i < search->candidates.size(); ++i) {
        const std::uint32_t table = search->plan.tables[i];
        plan.candidates.push_back({table, search->learner
                                              ->fit(search->tables[table]->training.prepared,
                                                    search->candidates[i].values)
                                              .params});
    }
    plan.splits = splits.take();
    plan.metric_count = search->metrics().size();
    plan.score_width = search->tables.front()->form.width;
    plan.fit_count = search->plan.fit_count() + 1;  // The last one is the model's training.
    plan.measure = measure_by(search->tables.front());
    plan.next = [search](auto records) { return learning::follow(search->plan, records).due; };
    auto program = std::make_unique<SearchProgram>(
        std::move(plan), [search](auto records) { return plan_training(*search, records); });
    PreparedJob job;
    job.rounds_may_follow = true;
    job.notes = search->tables.front()->training.prepared.notes;
    job.finish = [search, finished = program.get()] { return finish_search(*search, *finished); };
    job.program = std::move(program);
    return job;
}

/// The best candidates, and what the outer folds say.
std::vector<std::string> report(const nlohmann::json& result) {
    constexpr std::size_t shown_max = 10;
    std::vector<std::string> lines{result.at("candidate_count").dump() + " candidates, " +
                                   result.at("fits").dump() + " fits; the best by " +
                                   result.at("scoring").get<std::string>() + ":"};
    for (const nlohmann::json& candidate : result.at("candidates")) {
        if (lines.size() > shown_max) break;
        lines.push_back("  " + candidate.at("params").dump() + means_text(candidate));
    }
    if (result.contains("outer")) lines.push_back("outer folds:" + means_text(result.at("outer")));
    lines.push_back("model_sha256 " + result.at("model_sha256").get<std::string>());
    return lines;
}

}  // namespace

JobType search_job() {
    return {.name = "search",
            .title = "Search",
            .summary =
                "Finds the parameters with which a learner does best on rows that it has not "
                "seen, and trains with these",
            .params = judging_params({grid, draws, scoring()},
                                     {factor, outer_folds, model_file, table_file}),
            .make = make,
            .check_together = check_together,
            .report = report};
}

}  // namespace netcompute::jobs
