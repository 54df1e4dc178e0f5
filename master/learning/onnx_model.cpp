#include "learning/onnx_model.hpp"

#include "data/field_place.hpp"
#include "learning/learned_column.hpp"
#include "learning/onnx_graph.hpp"
#include "learning/standardization.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <span>
#include <utility>

namespace netcompute::learning {
namespace {

using Attributes = OnnxGraph::Attributes;
using Type = OnnxGraph::Type;

constexpr std::string_view ml = "ai.onnx.ml";

Attributes along(std::int64_t axis) {
    Attributes attributes;
    attributes.whole("axis", axis);
    return attributes;
}

/// A text in the cases that people write true and false in; other texts as they are.
std::vector<std::string> spellings(const std::string& text, bool is_boolean) {
    if (!is_boolean) return {text};
    std::string lower = text;
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    std::string upper = text;
    for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    std::string title = lower;
    title.front() = upper.front();
    std::vector<std::string> all{lower, title, upper, text};
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
}

/// Columns into features, in their order.
class FeatureGraph {
 public:
    /// `standardised`: features are scaled and never missing; otherwise they are as they are read.
    FeatureGraph(OnnxGraph& graph, OnnxModel& model, bool standardised)
        : graph_{graph}, model_{model}, standardised_{standardised} {}

    void add(const FeatureColumn& column) {
        if (const auto* const numeric = std::get_if<NumericEncoding>(&column.encoding)) {
            add_number(column.name, *numeric);
        } else if (const auto* const dates = std::get_if<DateEncoding>(&column.encoding)) {
            for (std::size_t i = 0; i < dates->parts.size(); ++i) {
                add_number(column.name + " " + std::string{date_part_names[i]}, dates->parts[i]);
            }
        } else if (const auto* const text = std::get_if<CategoricalEncoding>(&column.encoding)) {
            add_categories(column.name, *text);
        }
    }

    /// The name of all features: shape [rows][features].
    std::string features() {
        std::vector<std::string> pieces;
        std::vector<std::int64_t> order;
        if (!number_inputs_.empty()) {
            pieces.push_back(numbers());
            order = number_features_;
        }
        for (auto& [piece, places] : categories_) {
            pieces.push_back(piece);
            order.insert(order.end(), places.begin(), places.end());
        }
        // Where each feature stands in the pieces.
        std::vector<std::int64_t> from(order.size());
        for (std::size_t i = 0; i < order.size(); ++i) {
            from[static_cast<std::size_t>(order[i])] = static_cast<std::int64_t>(i);
        }
        const std::array gathered{graph_.apply("Concat", pieces, along(1)), graph_.constant(from)};
        return graph_.apply("Gather", gathered, along(1));
    }

 private:
    void add_number(const std::string& name, const NumericEncoding& encoding) {
        model_.numbers.push_back(name);
        number_inputs_.push_back(graph_.input(name, Type::Double));
        number_features_.push_back(next_feature_++);
        medians_.push_back(encoding.median);
        means_.push_back(encoding.standardization.mean);
        deviations_.push_back(encoding.standardization.deviation);
    }

    std::string numbers() {
        const std::string raw = graph_.apply("Concat", number_inputs_, along(1));
        if (!standardised_) return raw;
        const std::array shape{std::int64_t{1}, static_cast<std::int64_t>(medians_.size())};
        const std::array filled{graph_.apply("IsNaN", std::array{raw}),
                                graph_.constant(medians_, shape), raw};
        const std::array moved{graph_.apply("Where", filled), graph_.constant(means_, shape)};
        const std::array scaled{graph_.apply("Sub", moved), graph_.constant(deviations_, shape)};
        return graph_.apply("Div", scaled);
    }

    /// A text becomes a row of a table, with an entry a feature. The last row is that of texts that
    /// are of no category.
    void add_categories(const std::string& name, const CategoricalEncoding& encoding) {
        model_.texts.push_back(name);
        const std::size_t count = encoding.category_count();
        const std::size_t features = encoding.feature_count();
        std::vector<double> table;
        for (std::size_t row = 0; row <= count; ++row) {
            for (std::size_t i = 0; i < features; ++i) {
                const double value = row == encoding.first_kept() + i ? 1 : 0;
                table.push_back(standardised_ ? standardize(value, encoding.standardizations[i])
                                              : value);
            }
        }
        std::vector<std::string> keys;
        std::vector<std::int64_t> rows;
        const auto add_key = [&](const std::string& text, std::size_t row) {
            keys.push_back(text);
            rows.push_back(static_cast<std::int64_t>(row));
        };
        for (std::size_t i = 0; i < encoding.categories.size(); ++i) {
            for (const auto& text : spellings(encoding.categories[i], encoding.are_booleans)) {
                add_key(text, i);
            }
        }
        add_key("", encoding.has_missing ? count - 1 : count);
        const std::size_t other = encoding.has_other ? encoding.categories.size() : count;
        Attributes attributes;
        attributes.texts("keys_strings", keys)
            .wholes("values_int64s", rows)
            .whole("default_int64", static_cast<std::int64_t>(other));
        const std::array shape{static_cast<std::int64_t>(count + 1),
                               static_cast<std::int64_t>(features)};
        const std::array looked_up{
            graph_.constant(table, shape),
            graph_.apply("LabelEncoder", std::array{graph_.input(name, Type::Text)}, attributes,
                         ml)};
        const std::array one_column{std::int64_t{1}};
        const std::array flat{graph_.apply("Gather", looked_up, along(0)),
                              graph_.constant(one_column)};
        std::vector<std::int64_t> places;
        for (std::size_t i = 0; i < features; ++i) places.push_back(next_feature_++);
        categories_.emplace_back(graph_.apply("Squeeze", flat), std::move(places));
    }

    OnnxGraph& graph_;
    OnnxModel& model_;
    bool standardised_;
    std::int64_t next_feature_ = 0;
    std::vector<std::string> number_inputs_;
    std::vector<std::int64_t> number_features_;
    std::vector<double> medians_;
    std::vector<double> means_;
    std::vector<double> deviations_;
    std::vector<std::pair<std::string, std::vector<std::int64_t>>> categories_;
};

/// The probability of each class from the scores: shape [rows][classes].
std::string probabilities(OnnxGraph& graph, const std::string& scores, ScoreKind kind) {
    if (kind == ScoreKind::Probabilities) return scores;
    if (kind == ScoreKind::Logits) return graph.apply("Softmax", std::array{scores}, along(1));
    const std::string second = graph.apply("Sigmoid", std::array{scores});
    const std::array one{1.0};
    const std::array shape{std::int64_t{1}, std::int64_t{1}};
    const std::array rest{graph.constant(one, shape), second};
    const std::array both{graph.apply("Sub", rest), second};
    return graph.apply("Concat", both, along(1));
}

void add_outputs(OnnxGraph& graph, const std::string& scores, const Model& model,
                 OnnxModel& written) {
    const ScoreForm form = model.fit->form();
    if (form.kind == ScoreKind::Numbers) {
        const std::array one_column{std::int64_t{1}};
        const std::array flat{scores, graph.constant(one_column)};
        graph.output("prediction", graph.apply("Squeeze", flat), Type::Double, 0);
        written.outputs = {"prediction"};
        return;
    }
    const auto& classes = model.form.classes.texts;
    const std::string shares = probabilities(graph, scores, form.kind);
    Attributes first_of_equal = along(1);
    first_of_equal.whole("keepdims", 0);
    const std::array label{graph.constant(classes),
                           graph.apply("ArgMax", std::array{shares}, first_of_equal)};
    graph.output("label", graph.apply("Gather", label, along(0)), Type::Text, 0);
    graph.output("probabilities", shares, Type::Double, static_cast<std::uint32_t>(classes.size()));
    written.outputs = {"label", "probabilities"};
}

}  // namespace

Result<OnnxModel> onnx_model(const Model& model) {
    OnnxModel written;
    OnnxGraph graph;
    FeatureGraph features{graph, written, model.fit->binning() == nullptr};
    for (const FeatureColumn& column : model.form.preprocessing.columns) features.add(column);
    const auto scores = model.fit->write_onnx(graph, features.features());
    if (!scores) {
        return unexpected(ErrorCode::InvalidArgument,
                          "models of " + data::quote(model.algorithm) +
                              " cannot be written as ONNX; predict with them here");
    }
    add_outputs(graph, *scores, model, written);
    const std::array about{std::pair{std::string{"model_sha256"}, to_hex(model.fit->sha256())},
                           std::pair{std::string{"algorithm"}, model.algorithm},
                           std::pair{std::string{"target"}, model.form.target}};
    written.file = graph.file(about);
    return written;
}

}  // namespace netcompute::learning
