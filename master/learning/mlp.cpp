#include "learning/learner.hpp"
#include "learning/onnx_parts.hpp"
#include "learning/standardization.hpp"
#include <netcompute/programs/network.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace netcompute::learning {
namespace {

using kernels::Activation;
using kernels::Network;
using kernels::NetworkForm;
using params::Choice;
using params::Number;
using params::ParamValues;
using params::WholeNumber;

constexpr std::string_view activation_names[] = {"relu", "tanh", "logistic"};
constexpr std::string_view solver_names[] = {"adam", "sgd"};
constexpr std::string_view network_truths[] = {"true", "false"};

constexpr params::Text network_hidden{
    .name = "hidden_layer_sizes",
    .what = "The widths of the hidden layers, with commas between them: `100` or `64,32`",
    .otherwise = "100"};
constexpr Choice network_activation{.name = "activation",
                                    .what = "What a unit of a hidden layer makes of its sum",
                                    .choices = activation_names,
                                    .otherwise = "relu"};
constexpr Choice network_solver{.name = "solver",
                                .what = "How a step follows from the gradient",
                                .choices = solver_names,
                                .otherwise = "adam"};
constexpr Number network_alpha{
    .name = "alpha", .what = "The L2 penalty's strength", .min = 0, .max = 1e9, .otherwise = 1e-4};
constexpr WholeNumber network_batch{.name = "batch_size",
                                    .what = "Rows of a step; all, where there are fewer",
                                    .min = 1,
                                    .max = 1'000'000,
                                    .otherwise = 200};
constexpr Number network_rate{.name = "learning_rate_init",
                              .what = "The length of a step",
                              .min = 1e-9,
                              .max = 1e3,
                              .otherwise = 1e-3};
constexpr WholeNumber network_epochs{.name = "max_iter",
                                     .what = "Epochs, at most: how often every row is learned from",
                                     .min = 1,
                                     .max = kernels::network_epochs_max,
                                     .otherwise = 200};
constexpr Number network_momentum{.name = "momentum",
                                  .what = "How much of a step the next one keeps, with `sgd`",
                                  .min = 0,
                                  .max = 0.9999,
                                  .otherwise = 0.9};
constexpr Number network_tol{
    .name = "tol",
    .what = "What an epoch must better the loss, or the score, by to count",
    .min = 0,
    .max = 1e9,
    .otherwise = 1e-4};
constexpr Choice network_stops_early{
    .name = "early_stopping",
    .what = "Whether the score of rows that are held out says when to stop, and which weights stay",
    .choices = network_truths,
    .otherwise = "false"};
constexpr Number network_held_out{.name = "validation_fraction",
                                  .what = "The share of rows that early_stopping holds out",
                                  .min = 0.001,
                                  .max = 0.9,
                                  .otherwise = 0.1};
constexpr WholeNumber network_patience{
    .name = "n_iter_no_change",
    .what =
        "Epochs in a row that do not count, or, of several replicas, outer steps, after which "
        "the training stops, if one more follows",
    .min = 1,
    .max = kernels::network_epochs_max,
    .otherwise = 10};
constexpr WholeNumber network_seed{
    .name = "random_state",
    .what = "The seed by which first weights, orders of rows and rows to hold out are drawn",
    .min = 0,
    .max = 0xffffffff,
    .otherwise = 0};
constexpr WholeNumber network_replicas{
    .name = "replicas",
    .what =
        "Networks that learn at the same time, each from its part of the rows; every "
        "`local_epochs` an outer step follows all of them. The model depends on it",
    .min = 1,
    .max = 64,
    .otherwise = 1};
constexpr WholeNumber network_local_epochs{
    .name = "local_epochs",
    .what = "Epochs between two outer steps of several replicas",
    .min = 1,
    .max = kernels::network_epochs_max,
    .otherwise = 1};
constexpr Number network_outer_rate{.name = "outer_learning_rate",
                                    .what = "The length of an outer step of several replicas",
                                    .min = 1e-6,
                                    .max = 10,
                                    .otherwise = 0.7};
constexpr Number network_outer_momentum{.name = "outer_momentum",
                                        .what = "How much of an outer step the next one keeps",
                                        .min = 0,
                                        .max = 0.9999,
                                        .otherwise = 0.9};

/// All rows of a replica lie in a worker's memory.
constexpr std::uint64_t replica_values_max = std::uint64_t{1} << 25;

/// Where a choice stands among its words.
std::uint32_t place_of(const Choice& choice, const std::string& word) {
    return static_cast<std::uint32_t>(std::ranges::find(choice.choices, word) -
                                      choice.choices.begin());
}

/// "64,32"; nothing for what is no such list.
std::optional<std::vector<std::uint32_t>> hidden_widths(std::string_view text) {
    std::vector<std::uint32_t> widths;
    const char* at = text.data();
    const char* const end = at + text.size();
    while (true) {
        while (at != end && *at == ' ') ++at;
        std::uint32_t width = 0;
        const auto [rest, error] = std::from_chars(at, end, width);
        if (error != std::errc{} || width < 1 || width > kernels::network_width_max ||
            widths.size() == kernels::network_hidden_max) {
            return std::nullopt;
        }
        widths.push_back(width);
        at = rest;
        while (at != end && *at == ' ') ++at;
        if (at == end) return widths;
        if (*at++ != ',') return std::nullopt;
    }
}

Result<void> check_network(const ParamValues& values) {
    const std::string& sizes = values[network_hidden];
    if (!hidden_widths(sizes)) {
        return unexpected(ErrorCode::InvalidArgument,
                          "params.hidden_layer_sizes: \"" + sizes + "\" is not 1 to " +
                              std::to_string(kernels::network_hidden_max) + " widths from 1 to " +
                              std::to_string(kernels::network_width_max) +
                              ", with commas between them: \"100\" or \"64,32\"");
    }
    if (values[network_stops_early] == "true" && values[network_replicas] > 1) {
        return unexpected(ErrorCode::InvalidArgument,
                          "params.early_stopping: \"true\" is for one replica, and there are " +
                              std::to_string(values[network_replicas]) +
                              ": leave it or replicas out; several replicas stop by their loss");
    }
    return {};
}

NetworkForm form_of(const PreparedTraining& table, const ParamValues& values) {
    NetworkForm form;
    form.activation =
        static_cast<Activation>(place_of(network_activation, values[network_activation]));
    form.class_count = static_cast<std::uint32_t>(table.classes.size());
    form.widths = hidden_widths(values[network_hidden]).value_or(std::vector{1U});
    form.widths.insert(form.widths.begin(), table.features.feature_count);
    form.widths.push_back(kernels::network_outputs(form.class_count));
    return form;
}

std::uint32_t rows_of_batch(const PreparedTraining& table, const ParamValues& values) {
    return static_cast<std::uint32_t>(
        std::min<std::uint64_t>(values[network_batch], table.target.size()));
}

/// How many rows early stopping would hold out, as the kernel does.
std::uint64_t held_out_rows(const PreparedTraining& table, double share) {
    std::vector<std::uint64_t> sizes(std::max<std::size_t>(1, table.classes.size()));
    if (table.target.labels.empty()) sizes[0] = table.target.numbers.size();
    for (const std::uint8_t label : table.target.labels) ++sizes[label];
    std::uint64_t rows = 0;
    for (const std::uint64_t size : sizes) {
        rows += static_cast<std::uint64_t>(share * static_cast<double>(size) + 0.5);
    }
    return rows;
}

Result<void> check_network_table(const PreparedTraining& table, const ParamValues& values) {
    const auto refuse = [](ErrorCode code, const std::string& message) {
        return unexpected(code, "params." + message);
    };
    const NetworkForm form = form_of(table, values);
    const std::uint64_t weights = kernels::network_weight_count(form);
    if (weights > kernels::network_weights_max) {
        return refuse(ErrorCode::LimitExceeded,
                      "hidden_layer_sizes: \"" + values[network_hidden] + "\" makes " +
                          std::to_string(weights) + " weights of " +
                          std::to_string(form.widths.front()) + " features; at most " +
                          std::to_string(kernels::network_weights_max) +
                          " are learned: choose narrower layers");
    }
    const std::uint64_t batch_max =
        kernels::network_batch_values_max / kernels::network_value_count(form);
    if (rows_of_batch(table, values) > batch_max) {
        return refuse(ErrorCode::LimitExceeded,
                      "batch_size: " + std::to_string(values[network_batch]) +
                          " is too large for a network of these layers: choose at most " +
                          std::to_string(batch_max));
    }
    const std::uint64_t parts = table.features.blobs.size();
    if (values[network_replicas] > parts) {
        return refuse(ErrorCode::InvalidArgument,
                      "replicas: " + std::to_string(values[network_replicas]) +
                          " is more than the " + std::to_string(parts) + " parts that " +
                          std::to_string(table.target.size()) + " rows have: choose at most " +
                          std::to_string(parts));
    }
    const std::uint64_t values_of_replica =
        table.target.size() * form.widths.front() / values[network_replicas];
    if (values_of_replica > replica_values_max) {
        return refuse(ErrorCode::LimitExceeded,
                      "replicas: with " + std::to_string(values[network_replicas]) +
                          " a worker would hold " + std::to_string(values_of_replica >> 17) +
                          " MiB of rows, at most " + std::to_string(replica_values_max >> 17) +
                          " are taken: choose more replicas");
    }
    if (values[network_stops_early] == "true") {
        const std::uint64_t rows = held_out_rows(table, values[network_held_out]);
        if (rows == 0 || rows >= table.target.size()) {
            return refuse(ErrorCode::InvalidArgument,
                          "validation_fraction: it would hold out " + std::to_string(rows) +
                              " of " + std::to_string(table.target.size()) +
                              " rows: choose another one, or leave early_stopping out");
        }
    }
    return {};
}

ScoreForm network_score_form(std::uint32_t classes) {
    const ScoreKind kind = classes == 0   ? ScoreKind::Numbers
                           : classes == 2 ? ScoreKind::LogOdds
                                          : ScoreKind::Logits;
    return {kind, kernels::network_outputs(classes)};
}

class NetworkFit final : public Fit {
 public:
    NetworkFit(Network network, std::uint32_t epochs)
        : network_{std::move(network)}, epochs_{epochs} {}

    [[nodiscard]] Sha256 sha256() const override {
        return netcompute::sha256(kernels::encode_network(network_));
    }
    void write(nlohmann::ordered_json& document) const override {
        const NetworkForm& form = network_.form;
        document["activation"] = activation_names[static_cast<std::size_t>(form.activation)];
        document["layers"] = nlohmann::ordered_json::array();
        each_layer([&](std::uint32_t inputs, std::uint32_t outputs, std::span<const double> from) {
            nlohmann::ordered_json layer;
            layer["coefs"] = nlohmann::ordered_json::array();
            for (std::uint32_t i = 0; i < inputs; ++i) {
                const auto row = from.subspan(std::size_t{i} * outputs, outputs);
                layer["coefs"].push_back(std::vector<double>{row.begin(), row.end()});
            }
            const auto biases = from.last(outputs);
            layer["intercepts"] = std::vector<double>{biases.begin(), biases.end()};
            document["layers"].push_back(std::move(layer));
        });
        document["epochs"] = epochs_;
    }
    void describe(std::span<const std::string>, nlohmann::json& result) const override {
        result["layers"] = network_.form.widths;
        result["weights"] = network_.weights.size();
        result["epochs"] = epochs_;
    }
    [[nodiscard]] Scoring score(const Tiles& features) const override {
        auto program = std::make_unique<programs::NetworkScoresProgram>(
            programs::NetworkScoresPlan{features.blobs, features.row_counts, network_});
        const auto* const finished = program.get();
        return {std::move(program), [finished] { return std::span{finished->scores()}; }};
    }
    [[nodiscard]] ScoreForm form() const override {
        return network_score_form(network_.form.class_count);
    }
    [[nodiscard]] std::optional<std::string> write_onnx(
        OnnxGraph& graph, const std::string& features) const override {
        constexpr std::string_view operators[] = {"Relu", "Tanh", "Sigmoid"};
        std::string values = features;
        std::size_t layer = 0;
        each_layer([&](std::uint32_t inputs, std::uint32_t outputs, std::span<const double> from) {
            std::vector<double> by_output;
            for (std::uint32_t o = 0; o < outputs; ++o) {
                for (std::uint32_t i = 0; i < inputs; ++i) {
                    by_output.push_back(from[std::size_t{i} * outputs + o]);
                }
            }
            if (layer++ > 0) {
                values = graph.apply(operators[static_cast<std::size_t>(network_.form.activation)],
                                     std::array{values});
            }
            values = onnx_linear(graph, values, by_output, from.last(outputs));
        });
        return values;
    }

 private:
    /// Visits inputs, outputs, and the weights with the biases behind them.
    template <typename Visit>
    void each_layer(Visit&& visit) const {
        std::span<const double> rest = network_.weights;
        const auto& widths = network_.form.widths;
        for (std::size_t i = 0; i + 1 < widths.size(); ++i) {
            const std::size_t size = (std::size_t{widths[i]} + 1) * widths[i + 1];
            visit(widths[i], widths[i + 1], rest.first(size));
            rest = rest.subspan(size);
        }
    }

    Network network_;
    std::uint32_t epochs_;
};

/// But for its shards, and what numbers are scaled by.
programs::NetworkJob network_job(const PreparedTraining& table, const ParamValues& values) {
    programs::NetworkJob job;
    kernels::NetworkPlan& plan = job.plan;
    plan.form = form_of(table, values);
    plan.solver =
        static_cast<kernels::NetworkSolver>(place_of(network_solver, values[network_solver]));
    plan.batch_size = rows_of_batch(table, values);
    plan.epochs_max = static_cast<std::uint32_t>(values[network_epochs]);
    plan.patience = static_cast<std::uint32_t>(values[network_patience]);
    plan.replicas = static_cast<std::uint32_t>(values[network_replicas]);
    plan.early_stopping = values[network_stops_early] == "true";
    plan.alpha = values[network_alpha];
    plan.learning_rate = values[network_rate];
    plan.momentum = values[network_momentum];
    plan.tolerance = values[network_tol];
    plan.validation_fraction = values[network_held_out];
    plan.seed = values[network_seed];
    job.local_epochs = static_cast<std::uint32_t>(values[network_local_epochs]);
    job.outer_learning_rate = values[network_outer_rate];
    job.outer_momentum = values[network_outer_momentum];
    return job;
}

Training train_network(const PreparedTraining& table, const ParamValues& values) {
    programs::NetworkJob job = network_job(table, values);
    kernels::NetworkPlan& plan = job.plan;
    if (plan.form.class_count == 0) {
        // Steps have a length of their own, so numbers are learned as standardised ones.
        const auto figures = fit_standardization(table.target.numbers, 0);
        if (figures) {
            plan.shift = figures->mean;
            plan.scale = figures->deviation;
        }
    }
    for (std::size_t i = 0; i < table.features.blobs.size(); ++i) {
        job.shards.push_back(
            {table.features.blobs[i], table.label_tiles[i], table.features.row_counts[i]});
    }
    const bool early = plan.early_stopping;
    auto program = std::make_unique<programs::NetworkProgram>(std::move(job));
    const auto* const finished = program.get();
    return {std::move(program), [finished, early] {
                const programs::NetworkFigures& found = finished->figures();
                nlohmann::json figures = {{"loss", found.loss}};
                if (early) figures["validation_score"] = found.best_score;
                return Trained{std::make_shared<const NetworkFit>(finished->model(), found.epochs),
                               finished->scores(), std::move(figures)};
            }};
}

std::shared_ptr<const Fit> read_network_fit(ModelReader& reader, std::uint32_t feature_count) {
    const nlohmann::json& classes = reader.value("classes");
    Network network;
    NetworkForm& form = network.form;
    form.class_count = classes.is_array()  ? static_cast<std::uint32_t>(classes.size())
                       : classes.is_null() ? 0
                                           : 2;
    const std::string name = reader.text("activation");
    const std::uint32_t place = place_of(network_activation, name);
    if (place == std::size(activation_names)) {
        reader.fail("activation", "\"" + name + "\" is none");
        return nullptr;
    }
    form.activation = static_cast<Activation>(place);
    form.widths = {feature_count};
    const nlohmann::json& layers = reader.array("layers");
    if (layers.size() > kernels::network_hidden_max + 1) {
        reader.fail("layers", "there are " + std::to_string(layers.size()) + ", too many");
        return nullptr;
    }
    for (std::size_t i = 0; i < layers.size() && reader.is_good(); ++i) {
        ModelReader layer = reader.element("layers", i);
        const std::vector<double> biases = layer.numbers("intercepts");
        const auto outputs = static_cast<std::uint32_t>(biases.size());
        const auto weights = layer.matrix("coefs", form.widths.back(), outputs);
        network.weights.insert(network.weights.end(), weights.begin(), weights.end());
        network.weights.insert(network.weights.end(), biases.begin(), biases.end());
        form.widths.push_back(outputs);
    }
    const std::uint64_t epochs = reader.count("epochs");
    if (!reader.is_good()) return nullptr;
    if (epochs > kernels::network_epochs_max) {
        reader.fail("epochs", std::to_string(epochs) + " are too many");
    }
    if (!kernels::is_network_form(form)) {
        reader.fail("layers",
                    "they are no network of these features and classes: the last one has " +
                        std::to_string(form.widths.back()) + " outputs");
        return nullptr;
    }
    return std::make_shared<const NetworkFit>(std::move(network),
                                              static_cast<std::uint32_t>(epochs));
}

std::vector<std::string> report_network(const nlohmann::json& result) {
    return {"trained on " + result.at("rows").dump() + " rows in " + result.at("epochs").dump() +
            " epochs: " + result.at("weights").dump() + " weights, loss " +
            result.at("loss").dump()};
}

}  // namespace

/// Source: Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors",
/// Nature 323 (1986).
Learner mlp_learner() {
    return {
        .name = "mlp",
        .title = "Neural network",
        .article = "a neural network",
        .summary = "Classes or a number, by a multi-layer perceptron",
        .features_max = kernels::network_features_max,
        .targets = {.classes_most = kernels::network_classes_max, .numbers = true},
        .params = {network_hidden, network_activation, network_solver, network_alpha, network_batch,
                   network_rate, network_epochs, network_momentum, network_tol, network_stops_early,
                   network_held_out, network_patience, network_seed, network_replicas,
                   network_local_epochs, network_outer_rate, network_outer_momentum},
        .check = check_network,
        .check_table = check_network_table,
        .train = train_network,
        .read_fit = read_network_fit,
        .fit =
            [](const PreparedTraining& table, const ParamValues& values) {
                programs::NetworkFit params{network_job(table, values)};
                const ScoreForm form = network_score_form(params.job.plan.form.class_count);
                return FitParams{programs::FitFamily::NeuralNetwork, programs::encode_fit(params),
                                 form};
            },
        .report = report_network};
}

}  // namespace netcompute::learning
