#include "jobs/judging.hpp"

#include "learning/metrics.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <unordered_map>
#include <utility>

namespace netcompute::jobs {
namespace {

constexpr std::array<std::string_view, 2> split_names{"stratified", "random"};

/// Rows times splits: each takes a byte on the disk and a few in memory.
constexpr std::uint64_t split_rows_max = std::uint64_t{1} << 28;

constexpr WholeNumber folds{.name = "folds",
                            .what =
                                "Into how many parts the rows are divided, each of which is "
                                "predicted by a model of the others",
                            .min = 2,
                            .max = 1000,
                            .otherwise = 5};
constexpr WholeNumber repeats{.name = "repeats",
                              .what = "How often, each time divided anew",
                              .min = 1,
                              .max = 1000,
                              .otherwise = 1};
constexpr Choice split_choice{
    .name = "split",
    .what =
        "Whether each part gets its share of each class (`stratified`), or rows by lot alone, as "
        "for a target of numbers always",
    .choices = split_names,
    .otherwise = "stratified"};
constexpr Text groups_param{.name = "groups",
                            .what =
                                "The column whose equal values stay in one part: several rows "
                                "of one patient. Nothing is learned from it",
                            .example = "patient",
                            .if_left_out = "each row stands for itself"};
constexpr Number test_size{.name = "test_size",
                           .what =
                               "The share of the rows that is held out, in place of parts; 0: "
                               "the rows are divided into `folds`",
                           .min = 0,
                           .max = 0.999,
                           .otherwise = 0};
constexpr WholeNumber seed{.name = "seed",
                           .what = "By which lots are drawn: the same seed gives the same",
                           .otherwise = 0};

Choice algorithm_choice() {
    return {.name = "algorithm",
            .what = "What learns",
            .choices = learning::learner_names(),
            .otherwise = learning::learner_names().front()};
}

/// Numbers the values of the column that groups rows, in the order in which they come.
Result<std::vector<std::uint32_t>> groups_of(const data::Table& table, const std::string& name) {
    std::vector<std::uint32_t> groups;
    if (name.empty()) return groups;
    const auto column = data::require_column(table, name, "params.groups");
    if (!column) return unexpected(column.error());
    std::unordered_map<std::string, std::uint32_t> known;
    for (std::uint64_t row = 0; row < table.dataset->row_count(); ++row) {
        if (data::is_missing_at(**column, row)) {
            return unexpected(
                ErrorCode::InvalidArgument,
                table.place(row, name) +
                    ": no value, but this column groups the rows; every row needs one");
        }
        const auto number = static_cast<std::uint32_t>(known.size());
        groups.push_back(known.emplace(data::field_text(**column, row), number).first->second);
    }
    return groups;
}

Result<void> check_size(const TrainingTable& table) {
    const std::uint64_t rows = table.prepared.target.size();
    const std::uint64_t features = table.prepared.preprocessing.feature_count();
    if (rows <= programs::fit_rows_max && rows * features <= programs::fit_values_max) return {};
    return unexpected(
        ErrorCode::LimitExceeded,
        table.table.name + ": " + std::to_string(rows) + " rows x " + std::to_string(features) +
            " features are more than one task takes, which is " +
            std::to_string(programs::fit_rows_max) + " rows and " +
            std::to_string(programs::fit_values_max) + " values; judge by a sample of the rows");
}

/// What fit@2 reads before its own inputs.
Result<learning::FitInputs> fit_inputs(const TrainingTable& table, const programs::FitTable& header,
                                       const JobContext& context) {
    const learning::PreparedTraining& prepared = table.prepared;
    const auto labels =
        learning::cut_labels(prepared.target, std::span{&header.row_count, 1},
                             [&](const Bytes& tile) { return context.blobs->put(tile); });
    if (!labels) return unexpected(labels.error());
    learning::FitInputs inputs{{programs::encode_fit_table(header), labels->front()}};
    const auto& parts = prepared.binned ? prepared.binned->groups : prepared.features.blobs;
    inputs.shared.insert(inputs.shared.end(), parts.begin(), parts.end());
    return inputs;
}

/// A target of two classes, of three (as of more), of numbers: 2, 3, 0, as far as it may be one.
std::vector<std::size_t> possible_targets(const ParamValues& values) {
    const learning::TargetQuestion question = learning::question_of(judged_learner(values), values);
    const bool may_be_classes =
        question.taken.classes_most > 0 && question.task != learning::Task::Regression;
    const bool may_be_numbers =
        question.taken.numbers && question.task != learning::Task::Classification;
    std::vector<std::size_t> targets;
    if (may_be_classes) targets.push_back(2);
    if (may_be_classes && question.taken.classes_most > 2) targets.push_back(3);
    if (may_be_numbers) targets.push_back(0);
    return targets;
}

/// "accuracy, log_loss or auc".
std::string list_of(const std::vector<std::string_view>& names) {
    std::string text;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (i > 0) text += i + 1 == names.size() ? " or " : ", ";
        text += names[i];
    }
    return text;
}

Unexpected unsuited(std::string_view param, std::string_view metric, const std::string& target,
                    const std::vector<std::string_view>& suited) {
    return unexpected(ErrorCode::InvalidArgument, "params." + std::string{param} + ": \"" +
                                                      std::string{metric} + "\" is no metric of " +
                                                      target + "; choose " + list_of(suited));
}

}  // namespace

ParamTable judging_params(std::vector<Param> before, std::vector<Param> after) {
    ParamTable table{.common = {training_data, training_target, training_id, params::reading_param,
                                params::columns_param, params::missing_param, max_categories,
                                algorithm_choice()},
                     .choice = algorithm_choice()};
    const std::vector<Param> own{folds, repeats, split_choice, groups_param, test_size, seed};
    for (const auto* const list : {&std::as_const(before), &own, &std::as_const(after)}) {
        table.common.insert(table.common.end(), list->begin(), list->end());
    }
    for (const learning::Learner& learner : learning::learners()) {
        table.variants.push_back({learner.name, learning::params_of(learner)});
    }
    return table;
}

const learning::Learner& judged_learner(const ParamValues& values) {
    return *learning::find_learner(values[algorithm_choice()]);
}

learning::FoldOptions fold_options(const ParamValues& values) {
    learning::FoldOptions options;
    options.folds = static_cast<std::uint32_t>(values[folds]);
    options.repeats = static_cast<std::uint32_t>(values[repeats]);
    if (values[test_size] > 0) options.test_size = values[test_size];
    options.is_stratified = values[split_choice] == split_names[0];
    options.seed = values[seed];
    return options;
}

Result<void> check_judging_params(const ParamValues& values, std::uint64_t fits_a_split) {
    if (auto good = check_training_params(values, judged_learner(values)); !good) return good;
    const std::uint64_t parts = values[test_size] > 0 ? 1 : values[folds];
    const std::uint64_t fits = parts * values[repeats] * fits_a_split;
    if (fits <= fits_max) return {};
    return unexpected(
        ErrorCode::InvalidArgument,
        "params.repeats: " + std::to_string(values[repeats]) + " x " + std::to_string(parts) +
            " folds are " + std::to_string(fits) + " fits, more than " + std::to_string(fits_max) +
            "; give fewer repeats or folds" + (fits_a_split > 1 ? ", or fewer candidates" : ""));
}

Result<void> check_split_count(const JudgedTable& table, std::uint64_t splits) {
    if (splits * table.row_count() <= split_rows_max) return {};
    return unexpected(ErrorCode::LimitExceeded,
                      "params.repeats: the rows are divided " + std::to_string(splits) +
                          " times in all; a table of " + std::to_string(table.row_count()) +
                          " rows can be at most " +
                          std::to_string(split_rows_max / table.row_count()) +
                          " times; give fewer repeats or folds");
}

Result<void> check_metric(const ParamValues& values, std::string_view param,
                          std::string_view metric) {
    std::vector<std::string_view> suited;
    const std::vector<std::size_t> targets = possible_targets(values);
    for (const std::size_t target : targets) {
        for (const std::string_view name : learning::judged_metric_names(target)) {
            if (name == metric) return {};
            if (std::ranges::find(suited, name) == suited.end()) suited.push_back(name);
        }
    }
    const bool are_numbers = targets.back() == 0 && targets.size() == 1;
    return unsuited(param, metric, are_numbers ? "a number" : "classes", suited);
}

Result<std::size_t> find_metric(const JudgedTable& table, std::string_view param,
                                std::string_view metric) {
    const auto names = table.metrics();
    const auto found = std::ranges::find(names, metric);
    if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
    const std::string target =
        "the target \"" + table.training.target + "\", which " +
        (table.class_count() == 0 ? "is a number"
                                  : "has " + std::to_string(table.class_count()) + " classes");
    return unsuited(param, metric, target, {names.begin(), names.end()});
}

std::uint32_t bins_of(const learning::Learner& learner, const ParamValues& values) {
    return learner.bins_max ? learner.bins_max(values) : 0;
}

Result<JudgedTable> take_judged_table(const ParamValues& values, const JobContext& context,
                                      const learning::Learner& learner, std::uint32_t bins_max) {
    auto table = take_training_table(values, context, learner, {bins_max, values[groups_param]});
    if (!table) return unexpected(table.error());
    if (auto fits = check_size(*table); !fits) return unexpected(fits.error());
    auto groups = groups_of(table->table, values[groups_param]);
    if (!groups) return unexpected(groups.error());
    const learning::FitParams fit = learner.fit(table->prepared, values);
    const learning::PreparedTraining& prepared = table->prepared;
    const programs::FitTable header{fit.family, static_cast<std::uint32_t>(prepared.target.size()),
                                    prepared.preprocessing.feature_count(),
                                    static_cast<std::uint32_t>(prepared.classes.size())};
    auto inputs = fit_inputs(*table, header, context);
    if (!inputs) return unexpected(inputs.error());
    return JudgedTable{std::move(*table), std::move(*groups), header, std::move(*inputs), fit.form};
}

Result<learning::FitSplit> fit_split(const learning::Split& split, const JudgedTable& table,
                                     const JobContext& context) {
    const std::uint64_t scores = split.held_out.size() * std::uint64_t{table.form.width};
    if (scores > programs::fit_scores_max) {
        return unexpected(
            ErrorCode::LimitExceeded,
            "params.folds: a fold holds out " + std::to_string(split.held_out.size()) +
                " rows, each with scores of " + std::to_string(table.form.width) +
                " classes, more than the " + std::to_string(programs::fit_scores_max) +
                " scores that one task answers with; give more folds, or a smaller test_size");
    }
    const auto roles = context.blobs->put(std::as_bytes(std::span{split.roles}));
    if (!roles) return unexpected(roles.error());
    return learning::FitSplit{*roles, split.held_out};
}

learning::TargetValues truth_of(const JudgedTable& table, std::span<const std::uint32_t> rows) {
    const learning::TargetValues& target = table.training.prepared.target;
    learning::TargetValues truth;
    for (const std::uint32_t row : rows) {
        if (target.labels.empty()) {
            truth.numbers.push_back(target.numbers[row]);
        } else {
            truth.labels.push_back(target.labels[row]);
        }
    }
    return truth;
}

std::function<Result<std::vector<double>>(const learning::FitSplit&, std::span<const double>)>
measure_by(std::shared_ptr<const JudgedTable> table) {
    return [table = std::move(table)](
               const learning::FitSplit& split,
               std::span<const double> scores) -> Result<std::vector<double>> {
        const learning::TargetValues truth = truth_of(*table, split.held_out);
        const std::size_t count = truth.size() * table->form.width;
        std::vector<double> figures;
        for (; !scores.empty(); scores = scores.subspan(count)) {
            const auto metrics =
                learning::judge(truth, {table->form, scores.first(count)}, table->class_count());
            if (!metrics) return unexpected(metrics.error());
            const bool is_first = figures.empty();
            std::size_t metric = 0;
            for (const learning::Figure& figure : metrics->figures) {
                const double value =
                    figure.value.value_or(std::numeric_limits<double>::quiet_NaN());
                if (is_first) {
                    figures.push_back(value);
                    continue;
                }
                const double before = figures[metric++];
                figures.push_back(learning::is_gain(figure.name) ? before - value : value - before);
            }
        }
        return figures;
    };
}

std::optional<MeanFigure> mean_of(std::span<const double> figures) {
    const auto count = static_cast<double>(figures.size());
    double sum = 0;
    for (const double figure : figures) {
        if (std::isnan(figure)) return std::nullopt;
        sum += figure;
    }
    if (figures.empty()) return std::nullopt;
    const double mean = sum / count;
    double squares = 0;
    for (const double figure : figures) squares += (figure - mean) * (figure - mean);
    return MeanFigure{mean, std::sqrt(squares / count)};
}

std::optional<MeanFigure> mean_of(std::span<const learning::FitRecord* const> records,
                                  std::size_t metric) {
    std::vector<double> figures;
    for (const learning::FitRecord* const record : records) {
        if (!record->failure.empty()) return std::nullopt;
        figures.push_back(record->figures[metric]);
    }
    return mean_of(figures);
}

nlohmann::json figures_document(MetricNames metrics, const learning::FitRecord& record) {
    nlohmann::json document = nlohmann::json::object();
    for (std::size_t metric = 0; metric < metrics.size(); ++metric) {
        const double figure = record.figures[metric];
        if (!std::isnan(figure)) document[std::string{metrics[metric]}] = figure;
    }
    return document;
}

nlohmann::json means_document(MetricNames metrics,
                              std::span<const learning::FitRecord* const> records,
                              double MeanFigure::*part) {
    nlohmann::json document = nlohmann::json::object();
    for (std::size_t metric = 0; metric < metrics.size(); ++metric) {
        const auto figure = mean_of(records, metric);
        if (figure) document[std::string{metrics[metric]}] = (*figure).*part;
    }
    return document;
}

std::string figure_text(double figure) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.5f", figure);
    return text.data();
}

std::string means_text(const nlohmann::json& document) {
    std::string text;
    for (const auto& [name, mean] : document.at("metrics").items()) {
        text += " " + name + " " + figure_text(mean.get<double>()) + " ± " +
                figure_text(document.at("deviations").at(name).get<double>());
    }
    return text;
}

}  // namespace netcompute::jobs
