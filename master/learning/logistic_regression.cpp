#include "learning/learner.hpp"
#include <netcompute/kernels/logistic.hpp>
#include <netcompute/programs/predict.hpp>
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
                                             .what = "Newton steps after which the training fails",
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

 private:
    programs::LogisticModel linear_;
    std::uint32_t iterations_;
};

Training train(const PreparedTraining& table, const ParamValues& values) {
    programs::TrainPlan plan;
    plan.feature_count = table.features.feature_count;
    for (std::size_t i = 0; i < table.features.blobs.size(); ++i) {
        plan.shards.push_back(
            {table.features.blobs[i], table.label_tiles[i], table.features.row_counts[i]});
    }
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

std::shared_ptr<const Fit> read_fit(ModelReader& reader, std::uint32_t feature_count) {
    programs::LogisticModel linear{reader.numbers("weights"), reader.number("intercept")};
    if (linear.weights.size() != feature_count || feature_count == 0) {
        reader.fail("weights", "there are " + std::to_string(linear.weights.size()) +
                                   ", but the columns make " + std::to_string(feature_count) +
                                   " features");
    }
    const std::uint64_t iterations = reader.count("iterations");
    if (iterations > std::numeric_limits<std::uint32_t>::max()) {
        reader.fail("iterations", std::to_string(iterations) + " is too many");
    }
    return std::make_shared<const LogisticFit>(std::move(linear),
                                               static_cast<std::uint32_t>(iterations));
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
    std::vector<std::string> lines{"trained on " + result.at("rows").dump() + " rows in " +
                                   result.at("iterations").dump() + " Newton iterations"};
    for (const auto& [name, weight] : result.at("weights").items()) {
        lines.push_back(figure_line("weight", name, weight.get<double>()));
    }
    lines.push_back(figure_line("intercept", "", result.at("intercept").get<double>()));
    return lines;
}

}  // namespace

/// Source: McCullagh and Nelder, "Generalized Linear Models", 2nd ed., chapters 2 and 4.
Learner logistic_regression_learner() {
    return {.name = "logistic_regression",
            .title = "Logistic regression",
            .article = "a logistic regression",
            .summary = "Two classes, from a weighted sum of the features, with an L2 penalty",
            .features_max = kernels::logistic_features_max,
            .targets = {.classes_most = 2},
            .params = {inverse_l2, max_iterations},
            .train = train,
            .read_fit = read_fit,
            .report = report};
}

}  // namespace netcompute::learning
