#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/result.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace netcompute::kernels {

// Gradient-boosted trees over a table of bins, one byte a value. Every sum over rows is of whole
// numbers, so no order of adding changes a bit. Sources: Friedman, "Greedy function approximation:
// a gradient boosting machine" (2001); Chen and Guestrin, "XGBoost: a scalable tree boosting
// system", KDD 2016 (gain, leaf values, missing values); the names are XGBoost's.

/// Columns whose bins of a row lie side by side, in eight bytes.
inline constexpr std::uint32_t bin_group_columns = 8;
/// Values are in bins 0 to 254; what is missing is in bin 255.
inline constexpr std::uint32_t bins_max = 255;
inline constexpr std::uint8_t missing_bin = 255;
/// Rows of one block of a training table: 8 MiB a group of columns.
inline constexpr std::uint32_t bin_block_rows = 1U << 20;
inline constexpr std::uint32_t boosting_rows_max = 1U << 26;
inline constexpr std::uint32_t boosting_features_max = 4096;
inline constexpr std::uint32_t boosting_depth_max = 12;
inline constexpr std::uint32_t boosting_trees_at_once_max = 100;
inline constexpr std::uint32_t boosting_classes_max = 100;

[[nodiscard]] constexpr std::uint32_t bin_groups(std::uint32_t columns) {
    return (columns + bin_group_columns - 1) / bin_group_columns;
}
[[nodiscard]] constexpr std::uint32_t bin_blocks(std::uint32_t rows) {
    return (rows + bin_block_rows - 1) / bin_block_rows;
}

/// A block of a table of bins, as it lies in a blob:
///   "NCB1", u32 row_count, u32 column_count, u32 0, u8 bins[bin_groups][row_count][8]
/// Columns that fill up the last group are 0. The view points into the blob's bytes.
struct BinsView {
    std::uint32_t row_count = 0;
    std::uint32_t column_count = 0;
    std::span<const std::uint8_t> bins;

    [[nodiscard]] std::uint8_t bin(std::uint32_t row, std::uint32_t column) const {
        const std::size_t group = column / bin_group_columns;
        return bins[(group * row_count + row) * bin_group_columns + column % bin_group_columns];
    }
};

/// A block of zeros, to be filled by set_bin().
[[nodiscard]] Bytes empty_bins(std::uint32_t row_count, std::uint32_t column_count);
/// The first of a group's bins in what empty_bins() has made: [row_count][8].
[[nodiscard]] std::span<std::uint8_t> bins_of_group(Bytes& block, std::uint32_t row_count,
                                                    std::uint32_t group);
/// Errors: InvalidArgument for another magic; ShapeMismatch for a size that is not the header's.
[[nodiscard]] Result<BinsView> decode_bins(ByteSpan bytes);

/// LogLoss: labels are 0 or 1, scores log-odds. SquaredError: labels are numbers, scores too.
/// Softmax: labels are the places of classes; each class has a score, a logit. Then tree t is of
/// class t mod class_count, and the trees of a turn of all classes are grown by the scores before
/// that turn (XGBoost's multi:softprob).
enum class BoostingObjective : std::uint32_t { LogLoss, SquaredError, Softmax };

/// What all tasks of a training have in common.
struct BoostingPlan {
    std::uint32_t row_count = 0;
    std::uint32_t feature_count = 0;
    BoostingObjective objective = BoostingObjective::LogLoss;
    std::uint32_t max_depth = 6;
    double learning_rate = 0.3;
    double reg_lambda = 1;
    double reg_alpha = 0;
    double gamma = 0;
    double min_child_weight = 1;
    double subsample = 1;
    double colsample_bytree = 1;
    double base_margin = 0;  ///< Every row's score before the first tree.
    std::uint64_t seed = 0;
    std::uint32_t class_count = 1;  ///< Scores of a row: more than one with Softmax alone.
};

/// Without class_count where it is 1.
[[nodiscard]] Bytes encode_boosting_plan(const BoostingPlan& plan);
/// Errors: ShapeMismatch for another size; InvalidArgument for a value out of its range.
[[nodiscard]] Result<BoostingPlan> decode_boosting_plan(ByteSpan bytes);

/// A node of a tree: it splits its rows, or it is a leaf. Rows whose bin is at most `bin` go left.
struct BoostedNode {
    static constexpr std::uint16_t leaf = 0xffff;

    std::uint16_t feature = leaf;
    std::uint8_t bin = 0;
    bool missing_left = false;
    double value = 0;  ///< Of a leaf: what it adds to a row's score.

    [[nodiscard]] bool is_leaf() const { return feature == leaf; }
    friend bool operator==(const BoostedNode&, const BoostedNode&) = default;
};

/// The nodes of one depth, from left to right. Each split of a level has two nodes in the next one.
using BoostedLevel = std::vector<BoostedNode>;
/// A whole tree, or the levels of it that have been decided.
using BoostedTree = std::vector<BoostedLevel>;

/// How many nodes follow a level in the next one.
[[nodiscard]] std::uint32_t nodes_after(const BoostedLevel& level);

/// Level after level: u32 nodes[count], each feature | bin << 16 | missing_left << 24, a leaf being
/// 0xffff; then f64 values of the leaves.
void write_level(ByteWriter& writer, const BoostedLevel& level);
void write_tree(ByteWriter& writer, const BoostedTree& tree);
/// Reads one whole tree, or, with `partial`, levels to the end of the bytes. Nothing for bytes that
/// are not that: too deep, a feature that the table has not, a value that is not finite.
[[nodiscard]] std::optional<BoostedTree> read_tree(ByteReader& reader, std::uint32_t feature_count,
                                                   bool partial = false);
/// Whole trees to the end of the bytes; InvalidArgument for what is none.
[[nodiscard]] Result<std::vector<BoostedTree>> read_trees(ByteSpan bytes,
                                                          std::uint32_t feature_count);

/// How the rows of one node can be divided best among the columns that a task looks at.
struct BestSplit {
    double gain = 0;      ///< 0: not at all. Without the half that some write before it.
    double gradient = 0;  ///< Of the node: the sum over its rows.
    double hessian = 0;   ///< Likewise.
    double gradient_left = 0;
    double hessian_left = 0;
    std::uint16_t feature = BoostedNode::leaf;
    std::uint8_t bin = 0;
    bool missing_left = false;
};

/// The output of boosting_splits@1, a node each. Errors: ShapeMismatch for another size.
[[nodiscard]] Bytes encode_splits(std::span<const BestSplit> splits);
[[nodiscard]] Result<std::vector<BestSplit>> decode_splits(ByteSpan output, std::uint32_t nodes);

/// A tree that grows: the levels decided, and what each open node is worth as a leaf.
struct GrowingTree {
    BoostedTree levels;
    std::vector<double> gains;  ///< Of the splits, in the order of levels.

    [[nodiscard]] std::uint32_t open_nodes() const {
        return levels.empty() ? 1 : nodes_after(levels.back());
    }
};

/// Decides the next level by the best splits of all its nodes; where that is the last one, or its
/// children are as deep as the plan allows, the tree is whole. Returns whether it is.
[[nodiscard]] bool grow_level(GrowingTree& tree, std::span<const BestSplit> best,
                              const BoostingPlan& plan);

/// The better split of a node, the first one where they are equal.
void keep_better(BestSplit& best, const BestSplit& other);

/// The columns that tree `tree` may use, in order: drawn by the plan's seed and colsample_bytree.
[[nodiscard]] std::vector<std::uint32_t> columns_of_tree(const BoostingPlan& plan,
                                                         std::uint32_t tree);

/// Columns of one group, a bit each: what one task of boosting_splits@1 looks at.
struct ColumnMask {
    std::uint32_t group = 0;
    std::uint32_t mask = 0;
};
/// The groups of the columns that a tree may use, in order.
[[nodiscard]] std::vector<ColumnMask> column_masks(const BoostingPlan& plan, std::uint32_t tree);

/// The shared inputs of boosting_splits@1, boosting_trees@1 and boosting_scores@1 are: the plan,
/// this state, a tile [1][rows] of labels for each block of rows, for each group of columns its
/// blocks of bins, and as many blobs of whole trees as come before those in the state.
struct BoostingState {
    std::uint32_t tree = 0;  ///< How many whole trees there are, in the blobs and here.
    Bytes last_trees;        ///< Those that are in no blob yet.
    Bytes levels;            ///< Decided levels of the tree that grows.
};
[[nodiscard]] Bytes encode_boosting_state(const BoostingState& state);

[[nodiscard]] Bytes encode_column_mask(const ColumnMask& columns);
/// Of boosting_scores@1: rows; of boosting_trees@1: 0 and how many trees to grow.
[[nodiscard]] Bytes encode_boosting_range(std::uint32_t begin, std::uint32_t count);

/// What boosting_trees@1 returns: trees, and the gains of their splits.
struct GrownTrees {
    Bytes trees;
    std::vector<double> gains;  ///< In the order in which the trees have splits.
};
[[nodiscard]] Bytes encode_grown_trees(const GrownTrees& grown);
[[nodiscard]] Result<GrownTrees> decode_grown_trees(ByteSpan output);

}  // namespace netcompute::kernels
