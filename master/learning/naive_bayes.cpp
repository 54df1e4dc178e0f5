#include "learning/learner.hpp"
#include "learning/onnx_parts.hpp"
#include <netcompute/math.hpp>
#include <netcompute/programs/naive_bayes.hpp>

#include <array>
#include <numbers>
#include <utility>

namespace netcompute::learning {
namespace {

using kernels::GaussianClasses;
using params::ParamValues;

constexpr params::Number var_smoothing{
    .name = "var_smoothing",
    .what = "The share of the largest variance that is added to all, so that none is 0",
    .min = 1e-15,
    .max = 1,
    .otherwise = 1e-9};

/// Shape [classes][features], as a list a class.
nlohmann::ordered_json lists_of(std::span<const double> cells, std::size_t classes) {
    auto lists = nlohmann::ordered_json::array();
    const std::size_t width = cells.size() / classes;
    for (std::size_t c = 0; c < classes; ++c) {
        const auto of_class = cells.subspan(c * width, width);
        lists.push_back(std::vector<double>{of_class.begin(), of_class.end()});
    }
    return lists;
}

class NaiveBayesFit final : public Fit {
 public:
    explicit NaiveBayesFit(GaussianClasses model) : model_{std::move(model)} {}

    [[nodiscard]] Sha256 sha256() const override {
        return netcompute::sha256(kernels::encode_gaussian_classes(model_));
    }
    void write(nlohmann::ordered_json& document) const override {
        document["class_prior"] = model_.priors;
        document["theta"] = lists_of(model_.means, model_.class_count);
        document["var"] = lists_of(model_.variances, model_.class_count);
    }
    /// A list a feature, with an entry a class.
    void describe(std::span<const std::string> feature_names,
                  nlohmann::json& result) const override {
        nlohmann::json means = nlohmann::json::object();
        nlohmann::json variances = nlohmann::json::object();
        for (std::size_t i = 0; i < feature_names.size(); ++i) {
            for (std::size_t c = 0; c < model_.class_count; ++c) {
                const std::size_t cell = c * model_.feature_count + i;
                means[feature_names[i]].push_back(model_.means[cell]);
                variances[feature_names[i]].push_back(model_.variances[cell]);
            }
        }
        result["class_prior"] = model_.priors;
        result["theta"] = std::move(means);
        result["var"] = std::move(variances);
    }
    [[nodiscard]] Scoring score(const Tiles& features) const override {
        auto program = std::make_unique<programs::NaiveBayesScoresProgram>(
            programs::NaiveBayesScoresPlan{features.blobs, features.row_counts, model_});
        const auto* const finished = program.get();
        return {std::move(program), [finished] { return std::span{finished->scores()}; }};
    }
    [[nodiscard]] ScoreForm form() const override {
        return {ScoreKind::Logits, model_.class_count};
    }
    /// A class after the other: squares about its means, which no rounding of products blurs.
    [[nodiscard]] std::optional<std::string> write_onnx(
        OnnxGraph& graph, const std::string& features) const override {
        const auto width = static_cast<std::int64_t>(model_.feature_count);
        std::vector<std::string> columns;
        std::vector<double> bases;
        for (std::size_t c = 0; c < model_.class_count; ++c) {
            const auto cells = [&](const std::vector<double>& all) {
                return std::span{all}.subspan(c * model_.feature_count, model_.feature_count);
            };
            const auto means = cells(model_.means);
            std::vector<double> halves;
            double logs = 0;
            for (const double variance : cells(model_.variances)) {
                halves.push_back(-0.5 / variance);
                logs += math::log(2 * std::numbers::pi * variance);
            }
            bases.push_back(math::log(model_.priors[c]) - 0.5 * logs);
            const std::array from{features,
                                  graph.constant(means, std::array{std::int64_t{1}, width})};
            const std::string apart = graph.apply("Sub", from);
            const std::array product{graph.apply("Mul", std::array{apart, apart}),
                                     graph.constant(halves, std::array{width, std::int64_t{1}})};
            columns.push_back(graph.apply("MatMul", product));
        }
        OnnxGraph::Attributes along_classes;
        along_classes.whole("axis", 1);
        const std::array sum{
            graph.apply("Concat", columns, along_classes),
            graph.constant(
                bases, std::array{std::int64_t{1}, static_cast<std::int64_t>(model_.class_count)})};
        return graph.apply("Add", sum);
    }

 private:
    GaussianClasses model_;
};

Training train_naive_bayes(const PreparedTraining& table, const ParamValues& values) {
    programs::NaiveBayesPlan plan;
    plan.feature_count = table.features.feature_count;
    plan.class_count = static_cast<std::uint32_t>(table.classes.size());
    plan.var_smoothing = values[var_smoothing];
    for (std::size_t i = 0; i < table.features.blobs.size(); ++i) {
        plan.shards.push_back(
            {table.features.blobs[i], table.label_tiles[i], table.features.row_counts[i]});
    }
    auto program = std::make_unique<programs::NaiveBayesProgram>(std::move(plan));
    const auto* const finished = program.get();
    return {std::move(program), [finished] {
                return Trained{std::make_shared<const NaiveBayesFit>(finished->model()),
                               finished->scores(), nlohmann::json::object()};
            }};
}

std::shared_ptr<const Fit> read_naive_bayes_fit(ModelReader& reader, std::uint32_t feature_count) {
    GaussianClasses model;
    model.feature_count = feature_count;
    model.priors = reader.numbers("class_prior");
    model.class_count = static_cast<std::uint32_t>(model.priors.size());
    model.means = reader.matrix("theta", model.class_count, feature_count);
    model.variances = reader.matrix("var", model.class_count, feature_count);
    if (!reader.is_good()) return nullptr;
    const auto checked = kernels::decode_gaussian_classes(kernels::encode_gaussian_classes(model));
    if (!checked) {
        reader.fail("class_prior", checked.error().message);
        return nullptr;
    }
    return std::make_shared<const NaiveBayesFit>(std::move(model));
}

std::vector<std::string> report_naive_bayes(const nlohmann::json& result) {
    return {"trained on " + result.at("rows").dump() +
            " rows: " + std::to_string(result.at("class_prior").size()) + " classes, " +
            std::to_string(result.at("theta").size()) + " features"};
}

}  // namespace

/// Source: Hastie, Tibshirani and Friedman, "The Elements of Statistical Learning", 2nd ed., 6.6.3.
Learner naive_bayes_learner() {
    return {.name = "naive_bayes",
            .title = "Naive Bayes",
            .article = "a naive Bayes classifier",
            .summary = "Classes, each with features that are normal and independent of each other",
            .features_max = kernels::naive_bayes_features_max,
            .targets = {.classes_most = kernels::naive_bayes_classes_max},
            .params = {var_smoothing},
            .train = train_naive_bayes,
            .read_fit = read_naive_bayes_fit,
            .fit =
                [](const PreparedTraining& table, const ParamValues& values) {
                    return FitParams{
                        programs::FitFamily::NaiveBayes,
                        programs::encode_fit(programs::NaiveBayesFit{values[var_smoothing]}),
                        {ScoreKind::Logits, static_cast<std::uint32_t>(table.classes.size())}};
                },
            .report = report_naive_bayes};
}

}  // namespace netcompute::learning
