#pragma once

#include <netcompute/kernels/boosting.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace netcompute::kernels {

// Forests: trees that are grown each for itself, over the bins that boosting learns from too. All
// sums over rows are of whole numbers, so no order of adding changes a bit. Sources: Breiman,
// "Random forests", Machine Learning 45 (2001); Geurts, Ernst and Wehenkel, "Extremely randomized
// trees", Machine Learning 63 (2006); the names are scikit-learn's.

inline constexpr std::uint32_t forest_classes_max = 255;
/// A node this deep is a leaf, whatever a plan says.
inline constexpr std::uint32_t forest_depth_max = 1000;
inline constexpr std::uint32_t forest_trees_max = 10'000;
/// Of one tree.
inline constexpr std::uint32_t forest_leaves_max = 1U << 19;
/// Numbers are learned as whole ones of at most this size: so many units from the offset.
inline constexpr double forest_units_max = 0x1p30;

/// Values of a leaf: a mean, or the share of the second of two classes, or that of each class.
[[nodiscard]] constexpr std::uint32_t forest_leaf_width(std::uint32_t class_count) {
    return class_count <= 2 ? 1 : class_count;
}
/// Scores of a row: a mean, or the share of each class.
[[nodiscard]] constexpr std::uint32_t forest_score_width(std::uint32_t class_count) {
    return class_count == 0 ? 1 : class_count;
}

/// What all tasks of a training have in common.
struct ForestPlan {
    std::uint32_t row_count = 0;
    std::uint32_t feature_count = 0;
    std::uint32_t class_count = 2;  ///< 0: numbers are learned.
    std::uint32_t max_depth = forest_depth_max;
    /// Rows that a node must have to be divided, and each side of it; a row drawn twice is two.
    std::uint32_t min_samples_split = 2;
    std::uint32_t min_samples_leaf = 1;
    std::uint32_t max_features = 1;  ///< Looked at in each node; more only where none divides it.
    std::uint32_t leaves_max = forest_leaves_max;  ///< A tree with more is an error.
    bool bootstrap = true;                         ///< Rows are drawn, as many as there are.
    bool random_cuts = false;  ///< Extra trees: one division a feature, drawn between its ends.
    bool oob_score = false;    ///< forest_training_scores@1 tells what trees say of rows not drawn.
    double label_offset = 0;   ///< A number is label_offset + label_unit * a whole number.
    double label_unit = 1;
    std::uint64_t seed = 0;
};

[[nodiscard]] Bytes encode_forest_plan(const ForestPlan& plan);
/// Errors: ShapeMismatch for another size; InvalidArgument for a value out of its range.
[[nodiscard]] Result<ForestPlan> decode_forest_plan(ByteSpan bytes);

/// The offset and the unit, a power of two, with which these numbers, all finite, are learned.
void scale_forest_labels(std::span<const double> labels, ForestPlan& plan);

/// A node splits its rows, or it is a leaf. Rows whose bin is at most `bin` go left.
struct ForestNode {
    std::uint16_t feature = BoostedNode::leaf;
    std::uint8_t bin = 0;
    bool missing_left = false;

    [[nodiscard]] bool is_leaf() const { return feature == BoostedNode::leaf; }
    friend bool operator==(const ForestNode&, const ForestNode&) = default;
};

/// A node is followed by all nodes of its left side, then by all of its right side.
struct ForestTree {
    std::vector<ForestNode> nodes;
    std::vector<double> values;  ///< Shape [leaves][forest_leaf_width()], in the order of nodes.
    friend bool operator==(const ForestTree&, const ForestTree&) = default;
};

/// u32 node_count, u32 nodes[node_count], each feature | bin << 16 | missing_left << 24, a leaf
/// being 0xffff; then f64 values.
void write_forest_tree(ByteWriter& writer, const ForestTree& tree);
/// Nothing for bytes that are not that: no tree, too deep, a feature that the table has not, a
/// value that is not finite.
[[nodiscard]] std::optional<ForestTree> read_forest_tree(ByteReader& reader,
                                                         std::uint32_t feature_count,
                                                         std::uint32_t class_count);
/// Whether the nodes are one tree, as deep as may be, over so many features.
[[nodiscard]] bool is_forest_tree(std::span<const ForestNode> nodes, std::uint32_t feature_count);

/// Trees, and of what.
struct Forest {
    std::uint32_t class_count = 2;  ///< 0: of numbers.
    std::uint32_t feature_count = 0;
    std::vector<ForestTree> trees;
};
/// What forest_scores@1 reads: u32 class_count, u32 feature_count, u32 tree_count, u32 0, then the
/// trees.
[[nodiscard]] Bytes encode_forest(const Forest& forest);
/// Errors: InvalidArgument for what is none.
[[nodiscard]] Result<Forest> decode_forest(ByteSpan bytes);

/// The output of forest_trees@1. Errors: ShapeMismatch for bytes that are not that many trees.
struct GrownForest {
    /// Shape [trees][feature_count]: the share of each tree's decrease of impurity that is by the
    /// splits of a feature; all 0 for a tree without splits.
    std::vector<double> importances;
    std::vector<ForestTree> trees;
};
[[nodiscard]] Bytes encode_grown_forest(const GrownForest& grown);
[[nodiscard]] Result<GrownForest> decode_grown_forest(ByteSpan output, const ForestPlan& plan,
                                                      std::uint32_t tree_count);

/// The own input of forest_trees@1 (trees) and of forest_training_scores@1 (rows).
[[nodiscard]] Bytes encode_forest_range(std::uint32_t begin, std::uint32_t count);

/// How often each row is drawn for a tree: row_count draws with replacement, by seed and tree.
[[nodiscard]] std::vector<std::uint16_t> forest_draws(const ForestPlan& plan, std::uint32_t tree);

}  // namespace netcompute::kernels
