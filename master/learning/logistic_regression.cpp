#include "learning/learner.hpp"
#include "learning/onnx_parts.hpp"
#include <netcompute/kernels/logistic.hpp>
#include <netcompute/programs/predict.hpp>
#include <netcompute/programs/softmax_scores.hpp>
#include <netcompute/programs/softmax_train.hpp>
#include <netcompute/programs/train.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <limits>
#include <utility>

namespace netcompute::learning {
namespace {

using params::ParamValues;

constexpr params::Number inverse_l2{.name = "C",
                                    .what = "The inverse of the L2 penalty's strength",
                                    .min = 1e-6,
                                    .max = 1e9,
                                    .otherwise = 1};
constexpr params::WholeNumber max_iterations{.name = "max_iterations",
                                             .what =
                                                 "Newton steps after which the training fails; "
                                                 "L-BFGS steps, of more than two classes, are "
                                                 "ten times as many",
                                             .min = 1,
                                             .max = 10'000,
                                             .otherwise = 100};

class LogisticFit final : public Fit {
 public:
    LogisticFit(programs::LogisticModel linear, std::uint32_t iterations)
        : linear_{std::move(linear)}, iterations_{iterations} {}

    /// Of the weights, then the intercept, as f64: what TrainProgram::result_bytes() hold.
    [[nodiscard]] Sha256 sha256() const override {
        Bytes bytes;
        ByteWriter writer{bytes};
        writer.numbers(std::span{linear_.weights});
        writer.number(linear_.intercept);
        return netcompute::sha256(bytes);
    }
    void write(nlohmann::ordered_json& document) const override {
        document["weights"] = linear_.weights;
        document["intercept"] = linear_.intercept;
        document["iterations"] = iterations_;
    }
    void describe(std::span<const std::string> feature_names,
                  nlohmann::json& result) const override {
        nlohmann::json weights = nlohmann::json::object();
        for (std::size_t i = 0; i < feature_names.size(); ++i) {
            weights[feature_names[i]] = linear_.weights[i];
        }
        result["weights"] = std::move(weights);
        result["intercept"] = linear_.intercept;
        result["iterations"] = iterations_;
    }
    [[nodiscard]] Scoring score(const Tiles& features) const override {
        auto program = std::make_unique<programs::PredictProgram>(
            programs::PredictPlan{features.blobs, features.row_counts, linear_});
        const auto* const finished = program.get();
        return {std::move(program), [finished] { return std::span{finished->scores()}; }};
    }
    [[nodiscard]] std::optional<std::string> write_onnx(
        OnnxGraph& graph, const std::string& features) const override {
        return onnx_linear(graph, features, linear_.weights, std::span{&linear_.intercept, 1});
    }

 private:
    programs::LogisticModel linear_;
    std::uint32_t iterations_;
};

/// Of more than two classes: weights and an intercept for each of them.
class SoftmaxFit final : public Fit {
 public:
    /// `weights`: shape [class_count][feature_count + 1], the intercept last.
    SoftmaxFit(std::uint32_t class_count, std::vector<double> weights, std::uint32_t iterations)
        : class_count_{class_count}, weights_{std::move(weights)}, iterations_{iterations} {}

    /// Of what the kernels read: SoftmaxProgram::result_bytes().
    [[nodiscard]] Sha256 sha256() const override {
        return netcompute::sha256(kernels::encode_softmax_weights(class_count_, weights_));
    }
    void write(nlohmann::ordered_json& document) const override {
        document["weights"] = nlohmann::ordered_json::array();
        document["intercepts"] = nlohmann::ordered_json::array();
        for (std::uint32_t c = 0; c < class_count_; ++c) {
            const auto of_class = weights_of(c);
            const auto weights = of_class.first(of_class.size() - 1);
            document["weights"].push_back(std::vector<double>{weights.begin(), weights.end()});
            document["intercepts"].push_back(of_class.back());
        }
        document["iterations"] = iterations_;
    }
    /// A list a feature, with an entry a class.
    void describe(std::span<const std::string> feature_names,
                  nlohmann::json& result) const override {
        nlohmann::json weights = nlohmann::json::object();
        nlohmann::json intercepts = nlohmann::json::array();
        for (std::uint32_t c = 0; c < class_count_; ++c) {
            const auto of_class = weights_of(c);
            for (std::size_t i = 0; i < feature_names.size(); ++i) {
                weights[feature_names[i]].push_back(of_class[i]);
            }
            intercepts.push_back(of_class.back());
        }
        result["weights"] = std::move(weights);
        result["intercepts"] = std::move(intercepts);
        result["iterations"] = iterations_;
    }
    [[nodiscard]] Scoring score(const Tiles& features) const override {
        auto program = std::make_unique<programs::SoftmaxScoresProgram>(programs::SoftmaxScoresPlan{
            features.blobs, features.row_counts, class_count_, weights_});
        const auto* const finished = program.get();
        return {std::move(program), [finished] { return std::span{finished->scores()}; }};
    }
    [[nodiscard]] ScoreForm form() const override { return {ScoreKind::Logits, class_count_}; }
    [[nodiscard]] std::optional<std::string> write_onnx(
        OnnxGraph& graph, const std::string& features) const override {
        std::vector<double> weights;
        std::vector<double> intercepts;
        for (std::uint32_t c = 0; c < class_count_; ++c) {
            const auto of_class = weights_of(c);
            weights.insert(weights.end(), of_class.begin(), of_class.end() - 1);
            intercepts.push_back(of_class.back());
        }
        return onnx_linear(graph, features, weights, intercepts);
    }

 private:
    [[nodiscard]] std::span<const double> weights_of(std::uint32_t of_class) const {
        const std::size_t size = weights_.size() / class_count_;
        return std::span{weights_}.subspan(of_class * size, size);
    }

    std::uint32_t class_count_;
    std::vector<double> weights_;
    std::uint32_t iterations_;
};

std::vector<programs::TrainingShard> shards_of(const PreparedTraining& table) {
    std::vector<programs::TrainingShard> shards;
    for (std::size_t i = 0; i < table.features.blobs.size(); ++i) {
        shards.push_back(
            {table.features.blobs[i], table.label_tiles[i], table.features.row_counts[i]});
    }
    return shards;
}

Training train_softmax(const PreparedTraining& table, const ParamValues& values) {
    programs::SoftmaxPlan plan;
    plan.feature_count = table.features.feature_count;
    plan.class_count = static_cast<std::uint32_t>(table.classes.size());
    plan.shards = shards_of(table);
    plan.l2 = 1 / values[inverse_l2];
    plan.iterations_max = 10 * static_cast<std::uint32_t>(values[max_iterations]);
    auto program = std::make_unique<programs::SoftmaxProgram>(std::move(plan));
    const auto* const finished = program.get();
    return {
        std::move(program), [finished, classes = table.classes.size()] {
            return Trained{
                std::make_shared<const SoftmaxFit>(static_cast<std::uint32_t>(classes),
                                                   finished->weights(), finished->iterations()),
                finished->scores(),
                {{"objective", finished->objective()}, {"gradient_max", finished->gradient_max()}}};
        }};
}

Training train(const PreparedTraining& table, const ParamValues& values) {
    if (table.classes.size() > 2) return train_softmax(table, values);
    programs::TrainPlan plan;
    plan.feature_count = table.features.feature_count;
    plan.shards = shards_of(table);
    plan.l2 = 1 / values[inverse_l2];
    plan.iterations_max = static_cast<std::uint32_t>(values[max_iterations]);
    auto program = std::make_unique<programs::TrainProgram>(std::move(plan));
    const auto* const finished = program.get();
    return {
        std::move(program), [finished] {
            return Trained{
                std::make_shared<const LogisticFit>(finished->model(), finished->iterations()),
                finished->scores(),
                {{"objective", finished->objective()}, {"gradient_max", finished->gradient_max()}}};
        }};
}

FitParams fit_params(const PreparedTraining& table, const ParamValues& values) {
    const auto classes = static_cast<std::uint32_t>(table.classes.size());
    return {programs::FitFamily::LogisticRegression,
            programs::encode_fit(programs::LogisticFit{
                1 / values[inverse_l2], static_cast<std::uint32_t>(values[max_iterations])}),
            classes > 2 ? ScoreForm{ScoreKind::Logits, classes} : ScoreForm{}};
}

std::uint32_t read_iterations(ModelReader& reader) {
    const std::uint64_t iterations = reader.count("iterations");
    if (iterations > std::numeric_limits<std::uint32_t>::max()) {
        reader.fail("iterations", std::to_string(iterations) + " is too many");
    }
    return static_cast<std::uint32_t>(iterations);
}

void check_weight_count(ModelReader& reader, std::size_t found, std::uint32_t feature_count) {
    if (found == feature_count && feature_count > 0) return;
    reader.fail("weights", "there are " + std::to_string(found) + ", but the columns make " +
                               std::to_string(feature_count) + " features");
}

/// A list of weights for each class.
std::shared_ptr<const Fit> read_softmax_fit(ModelReader& reader, std::uint32_t feature_count) {
    const nlohmann::json& lists = reader.array("weights");
    const std::vector<double> intercepts = reader.numbers("intercepts");
    if (intercepts.size() != lists.size() || lists.size() > kernels::softmax_classes_max) {
        reader.fail("intercepts", "there are " + std::to_string(intercepts.size()) + " for " +
                                      std::to_string(lists.size()) + " lists of weights");
    }
    std::vector<double> weights;
    for (std::size_t c = 0; c < lists.size() && reader.is_good(); ++c) {
        const bool are_numbers =
            lists[c].is_array() &&
            std::ranges::all_of(lists[c], [](const auto& weight) { return weight.is_number(); });
        if (!are_numbers) {
            reader.fail("weights", "each class must have a list of numbers");
            return nullptr;
        }
        check_weight_count(reader, lists[c].size(), feature_count);
        for (const auto& weight : lists[c]) weights.push_back(weight.get<double>());
        weights.push_back(intercepts[c]);
    }
    const std::uint32_t iterations = read_iterations(reader);
    if (!reader.is_good()) return nullptr;
    return std::make_shared<const SoftmaxFit>(static_cast<std::uint32_t>(lists.size()),
                                              std::move(weights), iterations);
}

std::shared_ptr<const Fit> read_fit(ModelReader& reader, std::uint32_t feature_count) {
    if (reader.has("intercepts")) return read_softmax_fit(reader, feature_count);
    programs::LogisticModel linear{reader.numbers("weights"), reader.number("intercept")};
    check_weight_count(reader, linear.weights.size(), feature_count);
    return std::make_shared<const LogisticFit>(std::move(linear), read_iterations(reader));
}

/// "  weight Age                      -0.546…".
std::string figure_line(const char* what, const std::string& name, double value) {
    std::array<char, 64> number{};
    std::snprintf(number.data(), number.size(), "%+.12f", value);
    std::string line = std::string{"  "} + what + " " + name;
    constexpr std::size_t number_column = 34;
    line.resize(std::max(line.size() + 1, number_column), ' ');
    return line + number.data();
}

std::vector<std::string> report(const nlohmann::json& result) {
    const bool are_many = result.contains("intercepts");
    std::vector<std::string> lines{"trained on " + result.at("rows").dump() + " rows in " +
                                   result.at("iterations").dump() +
                                   (are_many ? " L-BFGS iterations" : " Newton iterations")};
    // Weights of many classes are too many for lines.
    if (are_many) return lines;
    for (const auto& [name, weight] : result.at("weights").items()) {
        lines.push_back(figure_line("weight", name, weight.get<double>()));
    }
    lines.push_back(figure_line("intercept", "", result.at("intercept").get<double>()));
    return lines;
}

}  // namespace

/// Sources: McCullagh and Nelder, "Generalized Linear Models", 2nd ed., chapters 2 and 4; of more
/// than two classes Bishop, "Pattern Recognition and Machine Learning", section 4.3.4.
Learner logistic_regression_learner() {
    return {.name = "logistic_regression",
            .title = "Logistic regression",
            .article = "a logistic regression",
            .summary = "Classes, from weighted sums of the features, with an L2 penalty",
            .features_max = kernels::logistic_features_max,
            .targets = {.classes_most = kernels::softmax_classes_max},
            .params = {inverse_l2, max_iterations},
            .train = train,
            .read_fit = read_fit,
            .fit = fit_params,
            .report = report};
}

}  // namespace netcompute::learning
