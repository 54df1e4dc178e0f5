#pragma once

#include <netcompute/kernels/boosting.hpp>
#include <netcompute/kernels/forest.hpp>

#include <cstdint>
#include <span>
#include <vector>

namespace netcompute::kernels {

/// Where the bins of rows are: a feature each, the one of the row after it eight bytes further on.
class BinRows {
 public:
    /// Of a block of all columns.
    explicit BinRows(const BinsView& block);
    /// Of a block of each group of columns; all have the same rows.
    BinRows(std::span<const std::uint8_t* const> groups, std::uint32_t feature_count);

    [[nodiscard]] const std::uint8_t* const* features() const { return features_.data(); }

 private:
    std::vector<const std::uint8_t*> features_;
};

/// A tree for walking: no step needs a guess. A split's right child follows its left one, and a
/// leaf is followed by itself.
class WalkTree {
 public:
    explicit WalkTree(const ForestTree& tree);
    explicit WalkTree(const BoostedTree& tree);

    /// Which leaf each of the rows [begin, begin + leaves.size()) reaches: its place in the order
    /// in which the tree's values are.
    void find_leaves(const BinRows& rows, std::uint32_t begin,
                     std::span<std::uint32_t> leaves) const;
    [[nodiscard]] std::size_t bytes() const { return nodes_.size() * (sizeof(Node) + 4); }

 private:
    struct Node {
        std::uint32_t left = 0;
        std::uint16_t feature = 0;
        std::uint8_t limit = 0;  ///< Bins plus shift that are above it go right.
        std::uint8_t shift = 0;  ///< 1: so missing values are the lowest.
    };

    [[nodiscard]] static Node split(std::uint32_t left, std::uint16_t feature, std::uint8_t bin,
                                    bool missing_left);
    [[nodiscard]] static Node leaf(std::uint32_t at);
    /// Where a walk goes from `at`, of the row whose bins are so far behind those of the first one.
    [[nodiscard]] static std::uint32_t next(const Node* nodes, std::uint32_t at,
                                            const std::uint8_t* const* features,
                                            std::size_t offset) {
        const Node node = nodes[at];
        const auto shifted = static_cast<std::uint8_t>(features[node.feature][offset] + node.shift);
        return node.left + (shifted > node.limit ? 1U : 0U);
    }

    std::vector<Node> nodes_;
    std::vector<std::uint32_t> leaf_of_;  ///< Of each node; 0 for a split.
};

}  // namespace netcompute::kernels
