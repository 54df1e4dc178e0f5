#include "learning/learner.hpp"
#include "learning/onnx_parts.hpp"
#include <netcompute/kernels/logistic.hpp>
#include <netcompute/programs/linear.hpp>
#include <netcompute/programs/predict.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <numeric>
#include <utility>

// Linear regressions, which differ in their penalty alone. Their weights are for standardised
// features, as those of every learner of tiles: a weight is what the prediction changes by where
// its feature is a standard deviation larger.

namespace netcompute::learning {
namespace {

using params::Number;
using params::ParamValues;
using params::WholeNumber;
using programs::LinearPenalty;

constexpr Number alpha{
    .name = "alpha", .what = "The penalty's strength", .min = 0, .max = 1e12, .otherwise = 1};
constexpr Number l1_ratio{.name = "l1_ratio",
                          .what = "The share of the L1 penalty; the rest is L2",
                          .min = 0,
                          .max = 1,
                          .otherwise = 0.5};
constexpr WholeNumber max_iter{.name = "max_iter",
                               .what = "Sweeps over all features after which the training fails",
                               .min = 1,
                               .max = 1'000'000,
                               .otherwise = 10'000};
constexpr Number tol{.name = "tol",
                     .what = "The largest duality gap, as a share of the target's variance",
                     .min = 1e-14,
                     .max = 1,
                     .otherwise = 1e-8};

/// "sex=male": 0.5, ….
nlohmann::json by_feature(std::span<const std::string> feature_names,
                          std::span<const double> values) {
    nlohmann::json named = nlohmann::json::object();
    for (std::size_t i = 0; i < feature_names.size(); ++i) named[feature_names[i]] = values[i];
    return named;
}

class LinearFit final : public Fit {
 public:
    /// `errors`: standard errors of the weights, then the intercept, or nothing.
    LinearFit(programs::LogisticModel linear, std::vector<double> errors)
        : linear_{std::move(linear)}, errors_{std::move(errors)} {}

    /// Of the weights, then the intercept, as f64: what LinearProgram::result_bytes() hold.
    [[nodiscard]] Sha256 sha256() const override {
        return netcompute::sha256(kernels::encode_weights(linear_.weights, linear_.intercept));
    }
    void write(nlohmann::ordered_json& document) const override {
        document["weights"] = linear_.weights;
        document["intercept"] = linear_.intercept;
        if (!errors_.empty()) document["standard_errors"] = errors_;
    }
    void describe(std::span<const std::string> feature_names,
                  nlohmann::json& result) const override {
        result["weights"] = by_feature(feature_names, linear_.weights);
        result["intercept"] = linear_.intercept;
        if (errors_.empty()) return;
        result["standard_errors"] = by_feature(feature_names, errors_);
        result["intercept_standard_error"] = errors_.back();
    }
    [[nodiscard]] Scoring score(const Tiles& features) const override {
        auto program = std::make_unique<programs::PredictProgram>(
            programs::PredictPlan{features.blobs, features.row_counts, linear_});
        const auto* const finished = program.get();
        return {std::move(program), [finished] { return std::span{finished->scores()}; }};
    }
    [[nodiscard]] ScoreForm form() const override { return {ScoreKind::Numbers, 1}; }
    [[nodiscard]] std::optional<std::string> write_onnx(
        OnnxGraph& graph, const std::string& features) const override {
        return onnx_linear(graph, features, linear_.weights, std::span{&linear_.intercept, 1});
    }

 private:
    programs::LogisticModel linear_;
    std::vector<double> errors_;
};

/// Of values of the learner's parameters, what keeps the weights small.
using FindPenalty = programs::LinearFit (*)(const ParamValues& values);

programs::LinearFit no_penalty(const ParamValues&) {
    return {};
}

programs::LinearFit ridge_penalty(const ParamValues& values) {
    return {.penalty = LinearPenalty::Ridge, .alpha = values[alpha]};
}

programs::LinearFit l1_penalty(const ParamValues& values, double share) {
    return {.penalty = LinearPenalty::ElasticNet,
            .sweeps_max = static_cast<std::uint32_t>(values[max_iter]),
            .alpha = values[alpha],
            .l1_ratio = share,
            .tolerance = values[tol]};
}

programs::LinearFit lasso_penalty(const ParamValues& values) {
    return l1_penalty(values, 1);
}

programs::LinearFit elastic_net_penalty(const ParamValues& values) {
    return l1_penalty(values, values[l1_ratio]);
}

programs::LinearPlan plan_of(const PreparedTraining& table, const programs::LinearFit& penalty) {
    programs::LinearPlan plan;
    plan.feature_count = table.features.feature_count;
    for (std::size_t i = 0; i < table.features.blobs.size(); ++i) {
        plan.shards.push_back(
            {table.features.blobs[i], table.label_tiles[i], table.features.row_counts[i]});
    }
    const auto& numbers = table.target.numbers;
    plan.shift =
        std::accumulate(numbers.begin(), numbers.end(), 0.0) / static_cast<double>(numbers.size());
    plan.penalty = penalty.penalty;
    plan.alpha = penalty.alpha;
    plan.l1_ratio = penalty.l1_ratio;
    plan.tolerance = penalty.tolerance;
    plan.sweeps_max = penalty.sweeps_max;
    return plan;
}

Training training_of(programs::LinearPlan plan) {
    const LinearPenalty penalty = plan.penalty;
    auto program = std::make_unique<programs::LinearProgram>(std::move(plan));
    const auto* const finished = program.get();
    return {std::move(program), [finished, penalty] {
                const programs::LinearFigures& found = finished->figures();
                nlohmann::json figures = nlohmann::json::object();
                if (penalty == LinearPenalty::ElasticNet) {
                    figures["sweeps"] = found.sweeps;
                    figures["duality_gap"] = found.gap;
                } else {
                    figures["rank"] = found.rank;
                }
                return Trained{std::make_shared<const LinearFit>(finished->model(), found.errors),
                               finished->scores(), std::move(figures)};
            }};
}

std::shared_ptr<const Fit> read_linear_fit(ModelReader& reader, std::uint32_t feature_count) {
    programs::LogisticModel linear{reader.numbers("weights"), reader.number("intercept")};
    if (linear.weights.size() != feature_count || feature_count == 0) {
        reader.fail("weights", "there are " + std::to_string(linear.weights.size()) +
                                   ", but the columns make " + std::to_string(feature_count) +
                                   " features");
    }
    std::vector<double> errors;
    if (reader.has("standard_errors")) errors = reader.numbers("standard_errors");
    if (!errors.empty() && errors.size() != std::size_t{feature_count} + 1) {
        reader.fail("standard_errors", "there are " + std::to_string(errors.size()) +
                                           ", but must be one a feature and one more");
    }
    return std::make_shared<const LinearFit>(std::move(linear), std::move(errors));
}

/// "  weight Age                      -0.546…".
std::string weight_line(const std::string& name, double value) {
    std::array<char, 64> number{};
    std::snprintf(number.data(), number.size(), "%+.12g", value);
    std::string line = "  weight " + name;
    constexpr std::size_t number_column = 34;
    line.resize(std::max(line.size() + 1, number_column), ' ');
    return line + number.data();
}

std::vector<std::string> report_linear(const nlohmann::json& result) {
    std::vector<std::string> lines{"trained on " + result.at("rows").dump() + " rows"};
    for (const auto& [name, weight] : result.at("weights").items()) {
        lines.push_back(weight_line(name, weight.get<double>()));
    }
    lines.push_back(weight_line("of 1 (the intercept)", result.at("intercept").get<double>()));
    return lines;
}

Learner linear_learner(FindPenalty penalty_of) {
    return {.name = "",
            .title = "",
            .article = "",
            .summary = "",
            .features_max = kernels::logistic_features_max,
            .targets = {.classes_most = 0, .numbers = true},
            .params = {},
            .train =
                [penalty_of](const PreparedTraining& table, const ParamValues& values) {
                    return training_of(plan_of(table, penalty_of(values)));
                },
            .read_fit = read_linear_fit,
            .fit =
                [penalty_of](const PreparedTraining&, const ParamValues& values) {
                    return FitParams{programs::FitFamily::LinearRegression,
                                     programs::encode_fit(penalty_of(values)),
                                     {ScoreKind::Numbers, 1}};
                },
            .report = report_linear};
}

}  // namespace

/// Source: Hastie, Tibshirani and Friedman, "The Elements of Statistical Learning", 2nd ed., 3.2.
Learner linear_regression_learner() {
    Learner learner = linear_learner(no_penalty);
    learner.name = "linear_regression";
    learner.title = "Linear regression";
    learner.article = "a linear regression";
    learner.summary = "A number, by least squares, with standard errors";
    return learner;
}

/// Source: the same, 3.4.1.
Learner ridge_learner() {
    Learner learner = linear_learner(ridge_penalty);
    learner.name = "ridge";
    learner.title = "Ridge regression";
    learner.article = "a ridge regression";
    learner.summary = "A number, by least squares with an L2 penalty";
    learner.params = {alpha};
    return learner;
}

/// Source: the same, 3.4.2.
Learner lasso_learner() {
    Learner learner = linear_learner(lasso_penalty);
    learner.name = "lasso";
    learner.title = "Lasso";
    learner.article = "a lasso";
    learner.summary = "A number, by least squares with an L1 penalty, which leaves features out";
    learner.params = {alpha, max_iter, tol};
    return learner;
}

/// Source: Zou and Hastie, "Regularization and variable selection via the elastic net", J. R.
/// Stat. Soc. B 67 (2005).
Learner elastic_net_learner() {
    Learner learner = linear_learner(elastic_net_penalty);
    learner.name = "elastic_net";
    learner.title = "Elastic net";
    learner.article = "an elastic net";
    learner.summary = "A number, by least squares with L1 and L2 penalties";
    learner.params = {alpha, l1_ratio, max_iter, tol};
    return learner;
}

}  // namespace netcompute::learning
