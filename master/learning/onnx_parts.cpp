#include "learning/onnx_parts.hpp"

#include <array>
#include <limits>
#include <vector>

namespace netcompute::learning {
namespace {

using kernels::BoostedLevel;
using kernels::BoostedNode;
using kernels::BoostedTree;

/// The lists that TreeEnsembleRegressor reads: an entry a node, and one a leaf.
class TreeLists {
 public:
    explicit TreeLists(const Binning& binning) : binning_{binning} {}

    /// Nodes are numbered level by level, so the two below the k-th split of a level are the 2k-th
    /// and the next one of the level after it.
    void add(const BoostedTree& tree, std::int64_t index, std::int64_t output) {
        std::int64_t node = 0;
        for (const BoostedLevel& level : tree) {
            std::int64_t below = node + static_cast<std::int64_t>(level.size());
            for (const BoostedNode& each : level) {
                tree_ids.push_back(index);
                node_ids.push_back(node);
                if (each.is_leaf()) {
                    add_node("LEAF", 0, 0, {0, 0}, false);
                    leaf_tree_ids.push_back(index);
                    leaf_node_ids.push_back(node);
                    outputs.push_back(output);
                    leaf_values.push_back(each.value);
                } else {
                    const auto& cuts = binning_.cuts[each.feature];
                    // Beyond the last cut are the missing ones alone.
                    const double below_this = each.bin < cuts.size()
                                                  ? cuts[each.bin]
                                                  : std::numeric_limits<double>::infinity();
                    add_node("BRANCH_LT", each.feature, below_this, {below, below + 1},
                             each.missing_left);
                    below += 2;
                }
                ++node;
            }
        }
    }

    std::vector<std::int64_t> tree_ids;
    std::vector<std::int64_t> node_ids;
    std::vector<std::string> modes;
    std::vector<std::int64_t> features;
    std::vector<double> values;
    std::vector<std::int64_t> lefts;
    std::vector<std::int64_t> rights;
    std::vector<std::int64_t> missing_left;
    std::vector<std::int64_t> leaf_tree_ids;
    std::vector<std::int64_t> leaf_node_ids;
    std::vector<std::int64_t> outputs;
    std::vector<double> leaf_values;

 private:
    void add_node(std::string_view mode, std::int64_t feature, double value,
                  std::array<std::int64_t, 2> below, bool missing_goes_left) {
        modes.emplace_back(mode);
        features.push_back(feature);
        values.push_back(value);
        lefts.push_back(below[0]);
        rights.push_back(below[1]);
        missing_left.push_back(missing_goes_left ? 1 : 0);
    }

    const Binning& binning_;
};

}  // namespace

std::string onnx_linear(OnnxGraph& graph, const std::string& features,
                        std::span<const double> weights, std::span<const double> intercepts) {
    const auto outputs = static_cast<std::int64_t>(intercepts.size());
    const auto width = static_cast<std::int64_t>(weights.size()) / outputs;
    std::vector<double> by_feature;
    for (std::int64_t i = 0; i < width; ++i) {
        for (std::int64_t k = 0; k < outputs; ++k) {
            by_feature.push_back(weights[static_cast<std::size_t>(k * width + i)]);
        }
    }
    const std::array matrix{features, graph.constant(by_feature, std::array{width, outputs})};
    const std::array sum{graph.apply("MatMul", matrix),
                         graph.constant(intercepts, std::array{std::int64_t{1}, outputs})};
    return graph.apply("Add", sum);
}

std::string onnx_trees(OnnxGraph& graph, const std::string& features,
                       std::span<const BoostedTree> trees, const Binning& binning,
                       std::uint32_t outputs,
                       const std::function<std::uint32_t(std::size_t tree)>& output_of) {
    TreeLists lists{binning};
    for (std::size_t i = 0; i < trees.size(); ++i) {
        lists.add(trees[i], static_cast<std::int64_t>(i), output_of(i));
    }
    OnnxGraph::Attributes attributes;
    attributes.whole("n_targets", outputs)
        .text("aggregate_function", "SUM")
        .text("post_transform", "NONE")
        .wholes("nodes_treeids", lists.tree_ids)
        .wholes("nodes_nodeids", lists.node_ids)
        .texts("nodes_modes", lists.modes)
        .wholes("nodes_featureids", lists.features)
        .doubles("nodes_values_as_tensor", lists.values)
        .wholes("nodes_truenodeids", lists.lefts)
        .wholes("nodes_falsenodeids", lists.rights)
        .wholes("nodes_missing_value_tracks_true", lists.missing_left)
        .wholes("target_treeids", lists.leaf_tree_ids)
        .wholes("target_nodeids", lists.leaf_node_ids)
        .wholes("target_ids", lists.outputs)
        .doubles("target_weights_as_tensor", lists.leaf_values);
    const std::array sums{
        graph.apply("TreeEnsembleRegressor", std::array{features}, attributes, "ai.onnx.ml")};
    OnnxGraph::Attributes to_double;
    to_double.whole("to", static_cast<std::int64_t>(OnnxGraph::Type::Double));
    return graph.apply("Cast", sums, to_double);
}

}  // namespace netcompute::learning
