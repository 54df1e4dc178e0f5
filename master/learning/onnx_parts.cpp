#include "learning/onnx_parts.hpp"

#include <array>
#include <limits>
#include <vector>

namespace netcompute::learning {
namespace {

/// The lists that TreeEnsembleRegressor reads: an entry a node, and one for what a leaf adds to an
/// output.
struct TreeLists {
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

    void add(const OnnxTree& tree, std::int64_t index) {
        for (std::size_t node = 0; node < tree.size(); ++node) {
            const OnnxNode& each = tree[node];
            const bool is_leaf = each.feature == OnnxNode::leaf;
            tree_ids.push_back(index);
            node_ids.push_back(static_cast<std::int64_t>(node));
            modes.emplace_back(is_leaf ? "LEAF" : "BRANCH_LT");
            features.push_back(is_leaf ? 0 : each.feature);
            values.push_back(each.below);
            lefts.push_back(each.left);
            rights.push_back(each.right);
            missing_left.push_back(each.missing_left ? 1 : 0);
            for (const auto& [output, value] : each.adds) {
                leaf_tree_ids.push_back(index);
                leaf_node_ids.push_back(static_cast<std::int64_t>(node));
                outputs.push_back(output);
                leaf_values.push_back(value);
            }
        }
    }
};

}  // namespace

OnnxNode onnx_split(const Binning& binning, std::uint32_t feature, std::uint32_t bin,
                    bool missing_left) {
    const auto& cuts = binning.cuts[feature];
    // Beyond the last cut there are the missing ones alone.
    const double below = bin < cuts.size() ? cuts[bin] : std::numeric_limits<double>::infinity();
    return {.feature = feature, .below = below, .missing_left = missing_left};
}

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
                       std::span<const OnnxTree> trees, std::uint32_t outputs) {
    TreeLists lists;
    for (std::size_t i = 0; i < trees.size(); ++i) {
        lists.add(trees[i], static_cast<std::int64_t>(i));
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
