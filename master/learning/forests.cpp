#include "learning/binning_json.hpp"
#include "learning/learner.hpp"
#include "learning/onnx_parts.hpp"
#include <netcompute/assert.hpp>
#include <netcompute/kernels/forest.hpp>
#include <netcompute/programs/forest.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <utility>

namespace netcompute::learning {
namespace {

using kernels::Forest;
using kernels::ForestNode;
using kernels::ForestTree;
using params::Choice;
using params::ParamValues;
using params::WholeNumber;

constexpr WholeNumber forest_trees{.name = "n_estimators",
                                   .what = "How many trees",
                                   .min = 1,
                                   .max = kernels::forest_trees_max,
                                   .otherwise = 100};
constexpr WholeNumber forest_depth{
    .name = "max_depth",
    .what = "How many splits lie between a tree's root and a leaf, at most",
    .min = 1,
    .max = kernels::forest_depth_max,
    .example = 12,
    .if_left_out = "as many as it takes"};
constexpr WholeNumber min_samples_split{.name = "min_samples_split",
                                        .what = "Rows that a node must have to be divided",
                                        .min = 2,
                                        .max = 1'000'000'000,
                                        .otherwise = 2};
constexpr WholeNumber min_samples_leaf{.name = "min_samples_leaf",
                                       .what = "Rows that each side of a split must have",
                                       .min = 1,
                                       .max = 1'000'000'000,
                                       .otherwise = 1};
constexpr std::array<std::string_view, 5> feature_shares{"auto", "sqrt", "log2", "third", "all"};
constexpr Choice max_features{
    .name = "max_features",
    .what =
        "How many features each node looks at, drawn anew; `auto`: the square root of how many "
        "there are, for a number all of them",
    .choices = feature_shares,
    .otherwise = "auto"};
constexpr std::array<std::string_view, 2> truths{"true", "false"};
constexpr Choice bootstrap{.name = "bootstrap",
                           .what =
                               "Whether each tree learns from rows drawn with replacement, as "
                               "many as there are, in place of all rows",
                           .choices = truths,
                           .otherwise = "true"};
constexpr Choice no_bootstrap{
    .name = bootstrap.name, .what = bootstrap.what, .choices = truths, .otherwise = "false"};
constexpr Choice oob_score{.name = "oob_score",
                           .what =
                               "Whether the trees are judged by the rows that they did not "
                               "draw: accuracy, or R2 of a number",
                           .choices = truths,
                           .otherwise = "false"};
constexpr WholeNumber forest_bins{.name = "max_bin",
                                  .what = "How many bins a feature's values are put into, at most",
                                  .min = 2,
                                  .max = kernels::bins_max,
                                  .otherwise = kernels::bins_max};
constexpr WholeNumber forest_seed{.name = "random_state",
                                  .what = "The seed by which rows and features are drawn",
                                  .min = 0,
                                  .max = 0xffffffff,
                                  .otherwise = 0};

/// The key "trees" of model.json: lists, a tree each. A node is followed by all of its left side,
/// then all of its right side. "feature" has an entry a node, -1 for a leaf; "cut" and
/// "missing_left" (0 or 1) have one a split. Rows go left whose value is below cuts[feature][cut],
/// which for a cut beyond the last one are all that are not missing. "value" has for each leaf the
/// mean of a number, the share of the second of two classes, or those of all.
nlohmann::ordered_json forest_tree_document(const ForestTree& tree) {
    nlohmann::ordered_json document;
    for (const char* const key : {"feature", "cut", "missing_left"}) {
        document[key] = nlohmann::ordered_json::array();
    }
    for (const ForestNode& node : tree.nodes) {
        if (node.is_leaf()) {
            document["feature"].push_back(-1);
            continue;
        }
        document["feature"].push_back(node.feature);
        document["cut"].push_back(node.bin);
        document["missing_left"].push_back(node.missing_left ? 1 : 0);
    }
    document["value"] = tree.values;
    return document;
}

bool is_whole_below(double number, double end) {
    return number >= 0 && number < end && number == std::trunc(number);
}

/// Reads forest_tree_document(). What is wrong is told to the reader.
ForestTree read_forest_tree(ModelReader reader, std::uint32_t feature_count,
                            std::uint32_t class_count) {
    const std::vector<double> features = reader.numbers("feature");
    const std::vector<double> cuts = reader.numbers("cut");
    const std::vector<double> sides = reader.numbers("missing_left");
    ForestTree tree;
    tree.values = reader.numbers("value");
    const auto splits = static_cast<std::size_t>(
        std::ranges::count_if(features, [](double feature) { return feature != -1; }));
    if (cuts.size() != splits || sides.size() != splits ||
        tree.values.size() !=
            (features.size() - splits) * kernels::forest_leaf_width(class_count)) {
        reader.fail("feature", "its lists do not fit together");
        return {};
    }
    std::size_t split = 0;
    for (const double feature : features) {
        ForestNode& node = tree.nodes.emplace_back();
        if (feature == -1) continue;
        if (!is_whole_below(feature, feature_count) ||
            !is_whole_below(cuts[split], kernels::bins_max) || !is_whole_below(sides[split], 2)) {
            reader.fail("feature", "it has a split that the table cannot make");
            return {};
        }
        node = {static_cast<std::uint16_t>(feature), static_cast<std::uint8_t>(cuts[split]),
                sides[split] == 1};
        ++split;
    }
    if (kernels::is_forest_tree(tree.nodes, feature_count)) return tree;
    reader.fail("feature", "its nodes are not one tree: each split has a left and a right side");
    return {};
}

ScoreForm forest_form(std::uint32_t class_count) {
    return {class_count == 0 ? ScoreKind::Numbers : ScoreKind::Probabilities,
            kernels::forest_score_width(class_count)};
}

class ForestFit final : public Fit {
 public:
    ForestFit(Forest forest, Binning binning, std::vector<double> importances)
        : forest_{std::move(forest)},
          binning_{std::move(binning)},
          importances_{std::move(importances)} {}

    /// Of encode_forest(), then for each feature a u32, how many cuts it has, and these as f64.
    [[nodiscard]] Sha256 sha256() const override {
        Bytes bytes = kernels::encode_forest(forest_);
        ByteWriter writer{bytes};
        write_binning(writer, binning_);
        return netcompute::sha256(bytes);
    }
    void write(nlohmann::ordered_json& document) const override {
        document["feature_importances"] = importances_;
        document["cuts"] = binning_.cuts;
        document["trees"] = nlohmann::ordered_json::array();
        for (const ForestTree& tree : forest_.trees) {
            document["trees"].push_back(forest_tree_document(tree));
        }
    }
    void describe(std::span<const std::string> feature_names,
                  nlohmann::json& result) const override {
        std::size_t leaves = 0;
        for (const ForestTree& tree : forest_.trees) leaves += tree.nodes.size() / 2 + 1;
        result["trees"] = forest_.trees.size();
        result["leaves"] = leaves;
        result["feature_importances"] = importances_document(feature_names, importances_);
    }
    [[nodiscard]] Scoring score(const Tiles& features) const override {
        auto program = std::make_unique<programs::ForestScoresProgram>(
            programs::ForestScoresPlan{features.blobs, features.row_counts, forest_.class_count,
                                       kernels::encode_forest(forest_)});
        const auto* const finished = program.get();
        return {std::move(program), [finished] { return std::span{finished->scores()}; }};
    }
    [[nodiscard]] ScoreForm form() const override { return forest_form(forest_.class_count); }
    [[nodiscard]] const Binning* binning() const override { return &binning_; }
    [[nodiscard]] std::optional<std::string> write_onnx(
        OnnxGraph& graph, const std::string& features) const override {
        std::vector<OnnxTree> trees;
        for (const ForestTree& tree : forest_.trees) trees.push_back(onnx_tree(tree));
        return onnx_trees(graph, features, trees, form().width);
    }

 private:
    /// What a leaf adds to the mean of all trees.
    [[nodiscard]] std::vector<std::pair<std::uint32_t, double>> shares_of(
        std::span<const double> leaf) const {
        const auto trees = static_cast<double>(forest_.trees.size());
        if (forest_.class_count == 2) return {{0, (1 - leaf[0]) / trees}, {1, leaf[0] / trees}};
        std::vector<std::pair<std::uint32_t, double>> shares;
        for (const double value : leaf) {
            shares.emplace_back(static_cast<std::uint32_t>(shares.size()), value / trees);
        }
        return shares;
    }

    /// A left side follows its node; a right side follows the left one.
    [[nodiscard]] OnnxTree onnx_tree(const ForestTree& tree) const {
        const std::size_t width = kernels::forest_leaf_width(forest_.class_count);
        std::span<const double> leaves = tree.values;
        OnnxTree nodes;
        std::vector<std::size_t> open;  // Splits whose right side is still to come.
        for (const kernels::ForestNode& node : tree.nodes) {
            if (!node.is_leaf()) {
                open.push_back(nodes.size());
                nodes.push_back(onnx_split(binning_, node.feature, node.bin, node.missing_left));
                nodes.back().left = static_cast<std::int64_t>(nodes.size());
                continue;
            }
            nodes.push_back({.adds = shares_of(leaves.first(width))});
            leaves = leaves.subspan(width);
            if (open.empty()) break;
            nodes[open.back()].right = static_cast<std::int64_t>(nodes.size());
            open.pop_back();
        }
        return nodes;
    }

    Forest forest_;
    Binning binning_;
    std::vector<double> importances_;
};

/// Accuracy or R2 by the trees that did not draw a row, of the rows that there are such trees for.
std::optional<double> out_of_bag_score(const TargetValues& target, ScoreForm form,
                                       std::span<const double> values) {
    TargetValues heard;
    std::vector<double> said;
    for (std::size_t row = 0; row < target.size(); ++row) {
        const auto of_row = values.subspan(row * form.width, form.width);
        if (std::isnan(of_row[0])) continue;
        if (target.labels.empty()) {
            heard.numbers.push_back(target.numbers[row]);
        } else {
            heard.labels.push_back(target.labels[row]);
        }
        said.insert(said.end(), of_row.begin(), of_row.end());
    }
    const bool is_number = form.kind == ScoreKind::Numbers;
    const auto metrics = measure(heard, {form, said}, is_number ? 0 : form.width);
    if (!metrics) return std::nullopt;
    return metrics->find(is_number ? "r2" : "accuracy");
}

std::uint32_t features_of_node(const std::string& share, std::uint32_t features, bool is_number) {
    const auto whole = [&](double value) {
        return std::max<std::uint32_t>(1, static_cast<std::uint32_t>(value));
    };
    if (share == "all" || (share == "auto" && is_number)) return features;
    if (share == "third") return whole(features / 3.0);
    if (share == "log2") return whole(std::bit_width(features) - 1);
    return whole(std::sqrt(features));
}

/// So that the model is about as large as one that is read again: a leaf and a split take some
/// twenty bytes of it.
std::uint32_t leaves_max_of(std::uint64_t trees, std::uint32_t class_count) {
    const std::uint64_t leaf_bytes =
        14 + 4 * std::uint64_t{kernels::forest_leaf_width(class_count)};
    return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(
        model_bytes_max / (trees * leaf_bytes), 2, kernels::forest_leaves_max));
}

/// Of the whole table.
kernels::ForestPlan forest_plan(const PreparedTraining& table, const ParamValues& values,
                                const Choice& draws_rows, bool random_cuts) {
    const BinnedTable& binned = *table.binned;
    kernels::ForestPlan plan;
    plan.row_count = binned.row_count;
    plan.feature_count = binned.feature_count;
    plan.class_count = static_cast<std::uint32_t>(table.classes.size());
    if (values.has(forest_depth)) plan.max_depth = static_cast<std::uint32_t>(values[forest_depth]);
    plan.min_samples_split = static_cast<std::uint32_t>(values[min_samples_split]);
    plan.min_samples_leaf = static_cast<std::uint32_t>(values[min_samples_leaf]);
    plan.max_features =
        features_of_node(values[max_features], plan.feature_count, plan.class_count == 0);
    plan.leaves_max =
        leaves_max_of(static_cast<std::uint64_t>(values[forest_trees]), plan.class_count);
    plan.bootstrap = values[draws_rows] == "true";
    plan.random_cuts = random_cuts;
    plan.oob_score = values[oob_score] == "true";
    plan.seed = values[forest_seed];
    if (plan.class_count == 0) kernels::scale_forest_labels(table.target.numbers, plan);
    return plan;
}

FitParams forest_fit_params(const PreparedTraining& table, const ParamValues& values,
                            const Choice& draws_rows, bool random_cuts) {
    const kernels::ForestPlan plan = forest_plan(table, values, draws_rows, random_cuts);
    return {programs::FitFamily::Forest,
            programs::encode_fit(
                programs::ForestFit{plan, static_cast<std::uint32_t>(values[forest_trees])}),
            forest_form(plan.class_count)};
}

Training train_forest(const PreparedTraining& table, const ParamValues& values,
                      const Choice& draws_rows, bool random_cuts) {
    const BinnedTable& binned = *table.binned;
    programs::ForestJob job;
    job.plan = forest_plan(table, values, draws_rows, random_cuts);
    job.tree_count = static_cast<std::uint32_t>(values[forest_trees]);
    job.labels = binned.labels;
    job.bins = binned.groups;
    const auto asks_out_of_bag = job.plan.oob_score;
    auto program = std::make_unique<programs::ForestProgram>(std::move(job));
    const auto* const finished = program.get();
    const auto finish = [finished, asks_out_of_bag, binning = binned.binning,
                         target = table.target] {
        auto forest = kernels::decode_forest(finished->forest());
        NETCOMPUTE_ASSERT(forest.has_value(), "a program's forest is one");
        auto fit =
            std::make_shared<const ForestFit>(std::move(*forest), binning, finished->importances());
        nlohmann::json figures = nlohmann::json::object();
        if (asks_out_of_bag) {
            const auto score = out_of_bag_score(target, fit->form(), finished->out_of_bag());
            figures["oob_score"] = score ? nlohmann::json(*score) : nlohmann::json(nullptr);
        }
        return Trained{std::move(fit), finished->scores(), std::move(figures)};
    };
    return {std::move(program), finish};
}

std::shared_ptr<const Fit> read_forest_fit(ModelReader& reader, std::uint32_t feature_count) {
    const nlohmann::json& classes = reader.value("classes");
    Forest forest;
    forest.class_count = classes.is_array()  ? static_cast<std::uint32_t>(classes.size())
                         : classes.is_null() ? 0
                                             : 2;
    forest.feature_count = feature_count;
    Binning binning = read_binning(reader, feature_count);
    std::vector<double> importances = reader.numbers("feature_importances");
    if (importances.size() != feature_count) {
        reader.fail("feature_importances", "there are " + std::to_string(importances.size()) +
                                               " for " + std::to_string(feature_count) +
                                               " features");
    }
    const nlohmann::json& trees = reader.array("trees");
    for (std::size_t i = 0; i < trees.size() && reader.is_good(); ++i) {
        forest.trees.push_back(
            read_forest_tree(reader.element("trees", i), feature_count, forest.class_count));
    }
    if (trees.empty() || trees.size() > kernels::forest_trees_max) {
        reader.fail("trees", "there are " + std::to_string(trees.size()) + ", not 1 to " +
                                 std::to_string(kernels::forest_trees_max));
    }
    if (!reader.is_good()) return nullptr;
    return std::make_shared<const ForestFit>(std::move(forest), std::move(binning),
                                             std::move(importances));
}

std::vector<std::string> report_forest(const nlohmann::json& result) {
    std::vector<std::string> lines{"trained on " + result.at("rows").dump() +
                                   " rows: " + result.at("trees").dump() + " trees, " +
                                   result.at("leaves").dump() + " leaves"};
    if (result.contains("oob_score")) {
        lines.push_back("  out-of-bag score " + result.at("oob_score").dump());
    }
    add_importances(result, "of the purity", lines);
    return lines;
}

Result<void> check_forest(const ParamValues& values, const Choice& draws_rows) {
    if (values[oob_score] == "false" || values[draws_rows] == "true") return {};
    return unexpected(ErrorCode::InvalidArgument,
                      "params.oob_score: without draws (bootstrap is \"false\") every tree learns "
                      "from every row: leave oob_score out, or set bootstrap to \"true\"");
}

/// What random forests and extra trees have in common.
Learner forest_learner(std::string_view name, std::string_view title, std::string_view article,
                       std::string_view summary, const Choice& draws_rows, bool random_cuts) {
    return {
        .name = name,
        .title = title,
        .article = article,
        .summary = summary,
        .features_max = kernels::boosting_features_max,
        .targets = {.classes_most = kernels::forest_classes_max, .numbers = true},
        .params = {forest_trees, forest_depth, min_samples_split, min_samples_leaf, max_features,
                   draws_rows, oob_score, forest_bins, forest_seed},
        .check =
            [&draws_rows](const ParamValues& values) { return check_forest(values, draws_rows); },
        .bins_max =
            [](const ParamValues& values) {
                return static_cast<std::uint32_t>(values[forest_bins]);
            },
        .train =
            [&draws_rows, random_cuts](const PreparedTraining& table, const ParamValues& values) {
                return train_forest(table, values, draws_rows, random_cuts);
            },
        .read_fit = read_forest_fit,
        .fit =
            [&draws_rows, random_cuts](const PreparedTraining& table, const ParamValues& values) {
                return forest_fit_params(table, values, draws_rows, random_cuts);
            },
        .report = report_forest};
}

}  // namespace

/// Source: Breiman, "Random forests", Machine Learning 45 (2001).
Learner random_forest_learner() {
    return forest_learner("random_forest", "Random forest", "a random forest",
                          "Classes or a number, from trees that each look at other rows and "
                          "features",
                          bootstrap, false);
}

/// Source: Geurts, Ernst and Wehenkel, "Extremely randomized trees", Machine Learning 63 (2006).
Learner extra_trees_learner() {
    return forest_learner("extra_trees", "Extra trees", "extra trees",
                          "Classes or a number, from trees whose splits are drawn by chance",
                          no_bootstrap, true);
}

}  // namespace netcompute::learning
