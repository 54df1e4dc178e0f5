#include "learning/learner.hpp"
#include "learning/onnx_parts.hpp"
#include <netcompute/programs/neighbors.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace netcompute::learning {
namespace {

using kernels::Neighbors;
using params::ParamValues;

constexpr std::string_view neighbor_weightings[] = {"uniform", "distance"};

constexpr params::WholeNumber n_neighbors{.name = "n_neighbors",
                                          .what = "How many of the nearest rows are asked",
                                          .min = 1,
                                          .max = kernels::neighbors_most,
                                          .otherwise = 5};
constexpr params::Choice neighbor_weights{.name = "weights",
                                          .what = "Whether they count the same, or by 1 / distance",
                                          .choices = neighbor_weightings,
                                          .otherwise = "uniform"};

OnnxGraph::Attributes along_row(bool keeps_dimension) {
    OnnxGraph::Attributes attributes;
    attributes.whole("keepdims", keeps_dimension ? 1 : 0);
    return attributes;
}

ScoreForm neighbors_form(std::uint32_t class_count) {
    return {class_count == 0 ? ScoreKind::Numbers : ScoreKind::Probabilities,
            kernels::neighbors_width(class_count)};
}

class NeighborsFit final : public Fit {
 public:
    explicit NeighborsFit(Neighbors model) : model_{std::move(model)} {}

    [[nodiscard]] Sha256 sha256() const override {
        return netcompute::sha256(kernels::encode_neighbors(model_));
    }
    void write(nlohmann::ordered_json& document) const override {
        document["n_neighbors"] = model_.count;
        document["by_distance"] = model_.by_distance;
        document["rows"] = nlohmann::ordered_json::array();
        const std::span all{model_.features};
        for (std::size_t row = 0; row < model_.targets.size(); ++row) {
            const auto features = all.subspan(row * model_.feature_count, model_.feature_count);
            document["rows"].push_back(std::vector<double>{features.begin(), features.end()});
        }
        document["targets"] = model_.targets;
    }
    void describe(std::span<const std::string>, nlohmann::json& result) const override {
        result["n_neighbors"] = model_.count;
        result["values"] = model_.features.size();
    }
    [[nodiscard]] Scoring score(const Tiles& features) const override {
        auto program = std::make_unique<programs::NeighborsProgram>(
            programs::NeighborsPlan{features.blobs, features.row_counts, model_});
        const auto* const finished = program.get();
        return {std::move(program), [finished] { return std::span{finished->scores()}; }};
    }
    [[nodiscard]] ScoreForm form() const override { return neighbors_form(model_.class_count); }
    /// Distances are summed feature after feature, as the kernel does, so that equal ones are equal
    /// there too, and the first row wins.
    [[nodiscard]] std::optional<std::string> write_onnx(
        OnnxGraph& graph, const std::string& features) const override {
        const std::string squares = onnx_squares(graph, features);
        OnnxGraph::Attributes nearest;
        nearest.whole("axis", 1).whole("largest", 0).whole("sorted", 1);
        const std::array count{std::int64_t{model_.count}};
        const auto found =
            graph.apply_for("TopK", std::array{squares, graph.constant(count)}, 2, nearest);
        const std::array rows{static_cast<std::int64_t>(model_.targets.size())};
        const std::array chosen{graph.constant(model_.targets, rows), found[1]};
        const std::string targets = graph.apply("Gather", chosen);
        const std::string weights = onnx_weights(graph, found[0]);
        if (model_.class_count == 0) return onnx_mean(graph, targets, weights);
        // [rows][count][classes]: 1 where a neighbour is of the class.
        std::vector<double> places;
        for (std::uint32_t c = 0; c < model_.class_count; ++c) places.push_back(c);
        const std::array shape{std::int64_t{1}, std::int64_t{1}, std::int64_t{model_.class_count}};
        const std::array equal{onnx_deeper(graph, targets), graph.constant(places, shape)};
        const std::string of_class = to_double(graph, graph.apply("Equal", equal));
        const std::array weighed{of_class, onnx_deeper(graph, weights)};
        const std::array share{onnx_sum(graph, graph.apply("Mul", weighed), false),
                               onnx_sum(graph, weights, true)};
        return graph.apply("Div", share);
    }

 private:
    [[nodiscard]] std::string onnx_squares(OnnxGraph& graph, const std::string& features) const {
        OnnxGraph::Attributes columns;
        columns.whole("axis", 1);
        const std::array shape{std::int64_t{1}, static_cast<std::int64_t>(model_.targets.size())};
        std::string sum;
        for (std::size_t i = 0; i < model_.feature_count; ++i) {
            std::vector<double> points;
            for (std::size_t at = i; at < model_.features.size(); at += model_.feature_count) {
                points.push_back(model_.features[at]);
            }
            const std::array place{static_cast<std::int64_t>(i)};
            const std::array column{features, graph.constant(place)};
            const std::array apart{graph.apply("Gather", column, columns),
                                   graph.constant(points, shape)};
            const std::string difference = graph.apply("Sub", apart);
            const std::string square = graph.apply("Mul", std::array{difference, difference});
            sum = i == 0 ? square : graph.apply("Add", std::array{sum, square});
        }
        return sum;
    }

    /// Of each neighbour: [rows][count].
    [[nodiscard]] std::string onnx_weights(OnnxGraph& graph, const std::string& squares) const {
        const std::array one{1.0};
        const std::array shape{std::int64_t{1}};
        const std::string unit = graph.constant(one, shape);
        if (!model_.by_distance) {
            // Squares times 0 would be no number where one is infinite.
            const std::array same{graph.apply("Equal", std::array{squares, squares}), unit, unit};
            return graph.apply("Where", same);
        }
        const std::array zero{0.0};
        const std::string nothing = graph.constant(zero, shape);
        const std::string is_on = graph.apply("Equal", std::array{squares, nothing});
        const std::string on = to_double(graph, is_on);
        const std::array any{onnx_sum(graph, on, true), nothing};
        const std::array inverse{unit, graph.apply("Sqrt", std::array{squares})};
        const std::array choice{graph.apply("Greater", any), on, graph.apply("Div", inverse)};
        return graph.apply("Where", choice);
    }

    static std::string to_double(OnnxGraph& graph, const std::string& values) {
        OnnxGraph::Attributes type;
        type.whole("to", static_cast<std::int64_t>(OnnxGraph::Type::Double));
        return graph.apply("Cast", std::array{values}, type);
    }
    /// Over the neighbours.
    static std::string onnx_sum(OnnxGraph& graph, const std::string& values, bool keeps_dimension) {
        const std::array second{std::int64_t{1}};
        const std::array of{values, graph.constant(second)};
        return graph.apply("ReduceSum", of, along_row(keeps_dimension));
    }
    static std::string onnx_deeper(OnnxGraph& graph, const std::string& values) {
        const std::array third{std::int64_t{2}};
        const std::array of{values, graph.constant(third)};
        return graph.apply("Unsqueeze", of);
    }
    static std::string onnx_mean(OnnxGraph& graph, const std::string& values,
                                 const std::string& weights) {
        const std::string weighed = graph.apply("Mul", std::array{values, weights});
        const std::array share{onnx_sum(graph, weighed, true), onnx_sum(graph, weights, true)};
        return graph.apply("Div", share);
    }

    Neighbors model_;
};

Result<void> check_neighbors_table(const PreparedTraining& table, const ParamValues& values) {
    const std::uint64_t rows = table.target.size();
    const std::uint64_t numbers = rows * (std::uint64_t{table.features.feature_count} + 1);
    if (values[n_neighbors] > rows) {
        return unexpected(ErrorCode::InvalidArgument,
                          "params.n_neighbors: " + std::to_string(values[n_neighbors]) +
                              " is more than the " + std::to_string(rows) +
                              " rows of the table: choose at most " + std::to_string(rows));
    }
    if (numbers <= kernels::neighbors_values_max) return {};
    return unexpected(ErrorCode::LimitExceeded,
                      "params.data: a model of nearest neighbours holds all rows, and " +
                          std::to_string(rows) + " rows of " +
                          std::to_string(table.features.feature_count) + " features are " +
                          std::to_string(numbers) + " numbers, more than " +
                          std::to_string(kernels::neighbors_values_max) +
                          ": leave out rows or columns, or choose another algorithm");
}

Training train_neighbors(const PreparedTraining& table, const ParamValues& values) {
    Neighbors model;
    model.class_count = static_cast<std::uint32_t>(table.classes.size());
    model.feature_count = table.features.feature_count;
    model.count = static_cast<std::uint32_t>(values[n_neighbors]);
    model.by_distance = values[neighbor_weights] == "distance";
    model.targets = table.target.part(0, table.target.size());
    auto program = std::make_unique<programs::NeighborsTraining>(
        programs::NeighborsPlan{table.features.blobs, table.features.row_counts, std::move(model)});
    const auto* const finished = program.get();
    return {std::move(program), [finished] {
                return Trained{std::make_shared<const NeighborsFit>(finished->model()),
                               finished->scores(), nlohmann::json::object()};
            }};
}

std::shared_ptr<const Fit> read_neighbors_fit(ModelReader& reader, std::uint32_t feature_count) {
    const nlohmann::json& classes = reader.value("classes");
    Neighbors model;
    model.class_count = classes.is_array()  ? static_cast<std::uint32_t>(classes.size())
                        : classes.is_null() ? 0
                                            : 2;
    model.feature_count = feature_count;
    const std::uint64_t count = reader.count("n_neighbors");
    model.by_distance = reader.truth("by_distance");
    model.targets = reader.numbers("targets");
    model.features = reader.matrix("rows", model.targets.size(), feature_count);
    if (!reader.is_good()) return nullptr;
    if (count < 1 || count > model.targets.size() || count > kernels::neighbors_most) {
        reader.fail("n_neighbors", std::to_string(count) + " is not 1 to the number of rows, " +
                                       std::to_string(model.targets.size()));
        return nullptr;
    }
    model.count = static_cast<std::uint32_t>(count);
    const auto checked = kernels::decode_neighbors(kernels::encode_neighbors(model));
    if (!checked) {
        reader.fail("targets", checked.error().message);
        return nullptr;
    }
    return std::make_shared<const NeighborsFit>(std::move(model));
}

std::vector<std::string> report_neighbors(const nlohmann::json& result) {
    return {"keeps " + result.at("rows").dump() + " rows, and asks the nearest " +
            result.at("n_neighbors").dump()};
}

}  // namespace

/// Source: Cover and Hart, "Nearest neighbor pattern classification", IEEE Trans. Inf. Theory 13
/// (1967).
Learner nearest_neighbors_learner() {
    return {
        .name = "nearest_neighbors",
        .title = "Nearest neighbours",
        .article = "a model of nearest neighbours",
        .summary = "Classes or a number, by the nearest rows that were learned from",
        .features_max = kernels::neighbors_features_max,
        .targets = {.classes_most = kernels::neighbors_classes_max, .numbers = true},
        .params = {n_neighbors, neighbor_weights},
        .check_table = check_neighbors_table,
        .train = train_neighbors,
        .read_fit = read_neighbors_fit,
        .fit =
            [](const PreparedTraining& table, const ParamValues& values) {
                const programs::NeighborsFit params{static_cast<std::uint32_t>(values[n_neighbors]),
                                                    values[neighbor_weights] == "distance"};
                return FitParams{programs::FitFamily::NearestNeighbors,
                                 programs::encode_fit(params),
                                 neighbors_form(static_cast<std::uint32_t>(table.classes.size()))};
            },
        .report = report_neighbors};
}

}  // namespace netcompute::learning
