#include "data/field_place.hpp"
#include "learning/binning_json.hpp"
#include "learning/learner.hpp"
#include "learning/onnx_parts.hpp"
#include <netcompute/kernels/boosting.hpp>
#include <netcompute/programs/boosted_scores.hpp>
#include <netcompute/programs/boosting.hpp>

#include <algorithm>
#include <numeric>
#include <utility>

namespace netcompute::learning {
namespace {

using kernels::BoostedLevel;
using kernels::BoostedNode;
using kernels::BoostedTree;
using kernels::BoostingObjective;
using params::Number;
using params::ParamValues;
using params::WholeNumber;

constexpr WholeNumber n_estimators{
    .name = "n_estimators",
    .what = "How many trees, of each class where there are more than two",
    .min = 1,
    .max = 10'000,
    .otherwise = 100};
constexpr WholeNumber max_depth{
    .name = "max_depth",
    .what = "How many splits lie between a tree's root and a leaf, at most",
    .min = 1,
    .max = kernels::boosting_depth_max,
    .otherwise = 6};
constexpr Number learning_rate{.name = "learning_rate",
                               .what = "The share of each tree's correction that is made",
                               .min = 1e-6,
                               .max = 1,
                               .otherwise = 0.3};
constexpr Number reg_lambda{.name = "reg_lambda",
                            .what = "The L2 penalty of leaves' values",
                            .min = 0,
                            .max = 1e9,
                            .otherwise = 1};
constexpr Number reg_alpha{.name = "reg_alpha",
                           .what = "The L1 penalty of leaves' values",
                           .min = 0,
                           .max = 1e9,
                           .otherwise = 0};
constexpr Number min_split_gain{.name = "gamma",
                                .what = "What a split must gain at least",
                                .min = 0,
                                .max = 1e9,
                                .otherwise = 0};
constexpr Number min_child_weight{.name = "min_child_weight",
                                  .what =
                                      "The curvature of the loss that each side of a split must "
                                      "have at least: a quarter for a row at first",
                                  .min = 0,
                                  .max = 1e9,
                                  .otherwise = 1};
constexpr Number subsample{.name = "subsample",
                           .what = "The share of the rows that each tree learns from, drawn anew",
                           .min = 0.001,
                           .max = 1,
                           .otherwise = 1};
constexpr Number colsample_bytree{.name = "colsample_bytree",
                                  .what = "The share of the features that each tree may use",
                                  .min = 0.001,
                                  .max = 1,
                                  .otherwise = 1};
constexpr WholeNumber max_bin{.name = "max_bin",
                              .what = "How many bins a feature's values are put into, at most",
                              .min = 2,
                              .max = kernels::bins_max,
                              .otherwise = kernels::bins_max};
constexpr WholeNumber random_state{.name = "random_state",
                                   .what = "The seed by which rows and features are drawn",
                                   .min = 0,
                                   .max = 0xffffffff,
                                   .otherwise = 0};

/// As model.json says them, in the order of BoostingObjective.
constexpr std::array<std::string_view, 3> objective_names{"log_loss", "squared_error", "softmax"};

/// The trees as programs have them, and what each split was worth.
struct BoostedModel {
    BoostingObjective objective = BoostingObjective::LogLoss;
    std::uint32_t class_count = 1;  ///< Scores of a row; tree t is of class t mod class_count.
    double base_score = 0;
    std::vector<BoostedTree> trees;
    std::vector<double> gains;  ///< Of all splits, in the order of trees, levels and nodes.

    /// What boosted_scores@1 reads.
    [[nodiscard]] Bytes bytes() const {
        Bytes bytes;
        ByteWriter writer{bytes};
        writer.number(base_score);
        for (const BoostedTree& tree : trees) kernels::write_tree(writer, tree);
        return bytes;
    }
};

/// A tree's keys in model.json. Nodes come level by level, from left to right, and each split has
/// two nodes in the next level. `feature` has an entry a node, -1 for a leaf; `cut`, `missing_left`
/// and `gain` have one a split, `value` one a leaf. Rows go left whose value is below
/// cuts[feature][cut], which for a cut beyond the last one are all that are not missing.
nlohmann::ordered_json tree_document(const BoostedTree& tree, std::span<const double>& gains) {
    nlohmann::ordered_json document;
    for (const char* const key : {"feature", "cut", "missing_left", "gain", "value"}) {
        document[key] = nlohmann::ordered_json::array();
    }
    for (const BoostedLevel& level : tree) {
        for (const BoostedNode& node : level) {
            if (node.is_leaf()) {
                document["feature"].push_back(-1);
                document["value"].push_back(node.value);
                continue;
            }
            document["feature"].push_back(node.feature);
            document["cut"].push_back(node.bin);
            document["missing_left"].push_back(node.missing_left);
            document["gain"].push_back(gains.front());
            gains = gains.subspan(1);
        }
    }
    return document;
}

/// Reads tree_document(). What is wrong is told to the reader.
class TreeReader {
 public:
    TreeReader(ModelReader reader, const Binning& binning)
        : reader_{std::move(reader)}, binning_{binning} {}

    BoostedTree read(std::vector<double>& gains) {
        features_ = reader_.numbers("feature");
        cuts_ = reader_.numbers("cut");
        values_ = reader_.numbers("value");
        const std::vector<double> own_gains = reader_.numbers("gain");
        const nlohmann::json& sides = reader_.array("missing_left");
        const auto splits = static_cast<std::size_t>(
            std::ranges::count_if(features_, [](double feature) { return feature != -1; }));
        const bool are_sides =
            std::ranges::all_of(sides, [](auto& side) { return side.is_boolean(); });
        if (cuts_.size() != splits || own_gains.size() != splits || sides.size() != splits ||
            values_.size() + splits != features_.size() || !are_sides) {
            return failed("its lists do not fit together");
        }
        for (const auto& side : sides) sides_.push_back(side.get<bool>());
        gains.insert(gains.end(), own_gains.begin(), own_gains.end());
        return levels();
    }

 private:
    BoostedTree failed(const std::string& what) {
        reader_.fail("feature", what);
        return {};
    }

    BoostedTree levels() {
        BoostedTree tree;
        std::size_t at = 0;
        for (std::size_t nodes = 1; nodes > 0; nodes = kernels::nodes_after(tree.back())) {
            if (nodes > features_.size() - at || tree.size() > kernels::boosting_depth_max) {
                return failed("it has no such levels, each with two nodes a split before it");
            }
            BoostedLevel& level = tree.emplace_back();
            for (std::size_t i = 0; i < nodes; ++i, ++at) {
                const auto node = node_of(features_[at]);
                if (!node) return failed("it has a split that the table cannot make");
                level.push_back(*node);
            }
        }
        return at == features_.size() ? tree : failed("it has more nodes than its levels");
    }

    std::optional<BoostedNode> node_of(double feature) {
        if (feature == -1) return BoostedNode{.value = values_[leaf_++]};
        const std::size_t split = split_++;
        const double cut = cuts_[split];
        const bool is_feature = feature >= 0 &&
                                feature < static_cast<double>(binning_.cuts.size()) &&
                                feature == static_cast<double>(static_cast<std::uint32_t>(feature));
        if (!is_feature || !(cut >= 0 && cut < kernels::bins_max) ||
            cut != static_cast<double>(static_cast<std::uint8_t>(cut))) {
            return std::nullopt;
        }
        return BoostedNode{static_cast<std::uint16_t>(feature), static_cast<std::uint8_t>(cut),
                           sides_[split], 0};
    }

    ModelReader reader_;
    const Binning& binning_;
    std::vector<double> features_;
    std::vector<double> cuts_;
    std::vector<double> values_;
    std::vector<bool> sides_;
    std::size_t split_ = 0;
    std::size_t leaf_ = 0;
};

ScoreForm form_of(BoostingObjective objective, std::uint32_t class_count) {
    switch (objective) {
        case BoostingObjective::LogLoss:
            return {ScoreKind::LogOdds, 1};
        case BoostingObjective::SquaredError:
            return {ScoreKind::Numbers, 1};
        case BoostingObjective::Softmax:
            break;
    }
    return {ScoreKind::Logits, class_count};
}

class BoostedFit final : public Fit {
 public:
    BoostedFit(BoostedModel model, Binning binning)
        : model_{std::move(model)}, binning_{std::move(binning)} {}

    /// Of the base score as f64 and the trees, then for each feature a u32, how many cuts it has,
    /// and these as f64; then, but for the log-loss, u32 objective and u32 class_count.
    [[nodiscard]] Sha256 sha256() const override {
        Bytes bytes = model_.bytes();
        ByteWriter writer{bytes};
        write_binning(writer, binning_);
        if (model_.objective != BoostingObjective::LogLoss) {
            writer.number(static_cast<std::uint32_t>(model_.objective));
            writer.number(model_.class_count);
        }
        return netcompute::sha256(bytes);
    }
    void write(nlohmann::ordered_json& document) const override {
        // Of two classes there is no such key: the first models had none.
        if (model_.objective != BoostingObjective::LogLoss) {
            document["objective"] = objective_names[static_cast<std::size_t>(model_.objective)];
        }
        document["base_score"] = model_.base_score;
        document["cuts"] = binning_.cuts;
        document["trees"] = nlohmann::ordered_json::array();
        std::span<const double> gains = model_.gains;
        for (const BoostedTree& tree : model_.trees) {
            document["trees"].push_back(tree_document(tree, gains));
        }
    }
    void describe(std::span<const std::string> feature_names,
                  nlohmann::json& result) const override {
        result["trees"] = model_.trees.size();
        result["feature_importances"] = importances_document(feature_names, gain_shares());
    }
    [[nodiscard]] Scoring score(const Tiles& features) const override {
        auto program = std::make_unique<programs::BoostedScoresProgram>(programs::BoostedScoresPlan{
            features.blobs, features.row_counts, model_.bytes(), model_.class_count});
        const auto* const finished = program.get();
        return {std::move(program), [finished] { return std::span{finished->scores()}; }};
    }
    [[nodiscard]] ScoreForm form() const override {
        return form_of(model_.objective, model_.class_count);
    }
    [[nodiscard]] const Binning* binning() const override { return &binning_; }
    [[nodiscard]] std::optional<std::string> write_onnx(
        OnnxGraph& graph, const std::string& features) const override {
        const std::uint32_t outputs = form().width;
        std::vector<OnnxTree> trees;
        for (std::size_t i = 0; i < model_.trees.size(); ++i) {
            trees.push_back(onnx_tree(model_.trees[i], static_cast<std::uint32_t>(i) % outputs));
        }
        const std::vector<double> base(outputs, model_.base_score);
        const std::array shape{std::int64_t{1}, std::int64_t{outputs}};
        const std::array sums{onnx_trees(graph, features, trees, outputs),
                              graph.constant(base, shape)};
        return graph.apply("Add", sums);
    }

 private:
    /// Nodes are numbered level by level, so the two below the k-th split of a level are the 2k-th
    /// and the next one of the level after it.
    [[nodiscard]] OnnxTree onnx_tree(const BoostedTree& tree, std::uint32_t output) const {
        OnnxTree nodes;
        for (const BoostedLevel& level : tree) {
            auto below = static_cast<std::int64_t>(nodes.size() + level.size());
            for (const BoostedNode& node : level) {
                if (node.is_leaf()) {
                    nodes.push_back({.adds = {{output, node.value}}});
                    continue;
                }
                nodes.push_back(onnx_split(binning_, node.feature, node.bin, node.missing_left));
                nodes.back().left = below++;
                nodes.back().right = below++;
            }
        }
        return nodes;
    }
    /// The share of all gain that the splits of each feature have.
    [[nodiscard]] std::vector<double> gain_shares() const {
        std::vector<double> shares(binning_.cuts.size());
        std::size_t split = 0;
        for (const BoostedTree& tree : model_.trees) {
            for (const BoostedLevel& level : tree) {
                for (const BoostedNode& node : level) {
                    if (!node.is_leaf()) shares[node.feature] += model_.gains[split++];
                }
            }
        }
        const double total = std::accumulate(shares.begin(), shares.end(), 0.0);
        for (double& share : shares) share = total > 0 ? share / total : 0;
        return shares;
    }

    BoostedModel model_;
    Binning binning_;
};

double mean_of(std::span<const double> numbers) {
    return std::accumulate(numbers.begin(), numbers.end(), 0.0) /
           static_cast<double>(numbers.size());
}

/// Of the whole table.
kernels::BoostingPlan boosting_plan(const PreparedTraining& table, const ParamValues& values) {
    const BinnedTable& binned = *table.binned;
    kernels::BoostingPlan plan{.row_count = binned.row_count,
                               .feature_count = binned.feature_count,
                               .max_depth = static_cast<std::uint32_t>(values[max_depth]),
                               .learning_rate = values[learning_rate],
                               .reg_lambda = values[reg_lambda],
                               .reg_alpha = values[reg_alpha],
                               .gamma = values[min_split_gain],
                               .min_child_weight = values[min_child_weight],
                               .subsample = values[subsample],
                               .colsample_bytree = values[colsample_bytree],
                               .seed = values[random_state]};
    if (table.classes.empty()) {
        plan.objective = BoostingObjective::SquaredError;
        plan.base_margin = mean_of(table.target.numbers);
    } else if (table.classes.size() > 2) {
        plan.objective = BoostingObjective::Softmax;
        plan.class_count = static_cast<std::uint32_t>(table.classes.size());
    }
    return plan;
}

std::uint32_t trees_of(const kernels::BoostingPlan& plan, const ParamValues& values) {
    return static_cast<std::uint32_t>(values[n_estimators]) * plan.class_count;
}

FitParams boosting_fit_params(const PreparedTraining& table, const ParamValues& values) {
    const kernels::BoostingPlan plan = boosting_plan(table, values);
    return {programs::FitFamily::GradientBoosting,
            programs::encode_fit(programs::BoostingFit{plan, trees_of(plan, values)}),
            form_of(plan.objective, plan.class_count)};
}

Training train_boosting(const PreparedTraining& table, const ParamValues& values) {
    const BinnedTable& binned = *table.binned;
    programs::BoostingJob job;
    job.plan = boosting_plan(table, values);
    job.tree_count = trees_of(job.plan, values);
    job.labels = binned.labels;
    job.bins = binned.groups;
    BoostedModel empty{job.plan.objective, job.plan.class_count, job.plan.base_margin, {}, {}};
    auto program = std::make_unique<programs::BoostingProgram>(std::move(job));
    const auto* const finished = program.get();
    const auto finish = [finished, empty = std::move(empty), binning = binned.binning,
                         features = binned.feature_count] {
        auto trees = kernels::read_trees(finished->trees(), features);
        NETCOMPUTE_ASSERT(trees.has_value(), "a program's trees are trees");
        BoostedModel model = empty;
        model.trees = std::move(*trees);
        model.gains = finished->gains();
        return Trained{std::make_shared<const BoostedFit>(std::move(model), binning),
                       finished->scores(), nlohmann::json::object()};
    };
    return {std::move(program), finish};
}

void read_objective(ModelReader& reader, BoostedModel& model) {
    if (!reader.has("objective")) return;
    const std::string name = reader.text("objective");
    if (name == objective_names[1]) {
        model.objective = BoostingObjective::SquaredError;
        return;
    }
    const std::size_t classes = reader.array("classes").size();
    if (name != objective_names[2] || classes < 2 || classes > kernels::boosting_classes_max) {
        reader.fail("objective", data::quote(name) + " with " + std::to_string(classes) +
                                     " classes is none that this version has");
        return;
    }
    model.objective = BoostingObjective::Softmax;
    model.class_count = static_cast<std::uint32_t>(classes);
}

std::shared_ptr<const Fit> read_boosted_fit(ModelReader& reader, std::uint32_t feature_count) {
    BoostedModel model;
    read_objective(reader, model);
    model.base_score = reader.number("base_score");
    Binning binning = read_binning(reader, feature_count);
    const nlohmann::json& trees = reader.array("trees");
    for (std::size_t i = 0; i < trees.size(); ++i) {
        TreeReader tree{reader.element("trees", i), binning};
        model.trees.push_back(tree.read(model.gains));
    }
    if (trees.size() % model.class_count != 0) {
        reader.fail("trees", "there are " + std::to_string(trees.size()) +
                                 ", not as many for each "
                                 "of " +
                                 std::to_string(model.class_count) + " classes");
    }
    if (!reader.is_good()) return nullptr;
    return std::make_shared<const BoostedFit>(std::move(model), std::move(binning));
}

std::vector<std::string> report_boosting(const nlohmann::json& result) {
    std::vector<std::string> lines{"trained on " + result.at("rows").dump() +
                                   " rows: " + result.at("trees").dump() + " trees"};
    add_importances(result, "of the gain", lines);
    return lines;
}

}  // namespace

/// Source: Chen and Guestrin, "XGBoost: a scalable tree boosting system", KDD 2016.
Learner gradient_boosting_learner() {
    return {
        .name = "gradient_boosting",
        .title = "Gradient boosting",
        .article = "gradient boosting",
        .summary = "Classes or numbers, from many trees, each of which corrects those before it",
        .features_max = kernels::boosting_features_max,
        .targets = {.classes_most = kernels::boosting_classes_max, .numbers = true},
        .params = {n_estimators, max_depth, learning_rate, reg_lambda, reg_alpha, min_split_gain,
                   min_child_weight, subsample, colsample_bytree, max_bin, random_state},
        .bins_max =
            [](const ParamValues& values) { return static_cast<std::uint32_t>(values[max_bin]); },
        .train = train_boosting,
        .read_fit = read_boosted_fit,
        .fit = boosting_fit_params,
        .report = report_boosting};
}

}  // namespace netcompute::learning
