#include "tree_walk.hpp"

#include <algorithm>
#include <array>

namespace netcompute::kernels {
namespace {

/// Rows that walk at the same time: while one waits for memory, the others go on.
constexpr std::uint32_t walkers = 16;
/// Steps after which it is looked whether all have arrived.
constexpr int steps_between_looks = 4;

}  // namespace

BinRows::BinRows(const BinsView& block) {
    const std::size_t group_size = std::size_t{block.row_count} * bin_group_columns;
    for (std::uint32_t i = 0; i < block.column_count; ++i) {
        features_.push_back(block.bins.data() + i / bin_group_columns * group_size +
                            i % bin_group_columns);
    }
}

BinRows::BinRows(std::span<const std::uint8_t* const> groups, std::uint32_t feature_count) {
    for (std::uint32_t i = 0; i < feature_count; ++i) {
        features_.push_back(groups[i / bin_group_columns] + i % bin_group_columns);
    }
}

WalkTree::Node WalkTree::split(std::uint32_t left, std::uint16_t feature, std::uint8_t bin,
                               bool missing_left) {
    // Values have bins below that of missing ones, whatever a tree says.
    const auto limit = std::min<std::uint8_t>(bin, missing_bin - 1);
    const auto shift = static_cast<std::uint8_t>(missing_left ? 1 : 0);
    return {left, feature, static_cast<std::uint8_t>(limit + shift), shift};
}

WalkTree::Node WalkTree::leaf(std::uint32_t at) {
    return {at, 0, 0xff, 0};
}

WalkTree::WalkTree(const BoostedTree& tree) {
    std::uint32_t next = 0;
    std::uint32_t leaves = 0;
    for (const BoostedLevel& level : tree) {
        next += static_cast<std::uint32_t>(level.size());
        std::uint32_t child = next;
        for (const BoostedNode& node : level) {
            const auto at = static_cast<std::uint32_t>(nodes_.size());
            if (node.is_leaf()) {
                nodes_.push_back(leaf(at));
                leaf_of_.push_back(leaves++);
                continue;
            }
            nodes_.push_back(split(child, node.feature, node.bin, node.missing_left));
            leaf_of_.push_back(0);
            child += 2;
        }
    }
}

WalkTree::WalkTree(const ForestTree& tree)
    : nodes_(tree.nodes.size()), leaf_of_(tree.nodes.size()) {
    // Where the nodes that are still to come go, the next one last.
    std::vector<std::uint32_t> places{0};
    std::uint32_t free = 1;
    std::uint32_t leaves = 0;
    for (const ForestNode& node : tree.nodes) {
        const std::uint32_t at = places.back();
        places.pop_back();
        if (node.is_leaf()) {
            nodes_[at] = leaf(at);
            leaf_of_[at] = leaves++;
            continue;
        }
        nodes_[at] = split(free, node.feature, node.bin, node.missing_left);
        places.push_back(free + 1);
        places.push_back(free);
        free += 2;
    }
}

void WalkTree::find_leaves(const BinRows& rows, std::uint32_t begin,
                           std::span<std::uint32_t> leaves) const {
    const Node* const nodes = nodes_.data();
    const std::uint8_t* const* const features = rows.features();
    std::size_t offset = std::size_t{begin} * bin_group_columns;
    std::size_t row = 0;
    for (; row + walkers <= leaves.size(); row += walkers) {
        std::array<std::uint32_t, walkers> at{};
        for (bool has_moved = true; has_moved;) {
            const auto before = at;
            for (int step = 0; step < steps_between_looks; ++step) {
                for (std::uint32_t i = 0; i < walkers; ++i) {
                    at[i] = next(nodes, at[i], features, offset + i * bin_group_columns);
                }
            }
            has_moved = at != before;
        }
        for (std::uint32_t i = 0; i < walkers; ++i) leaves[row + i] = leaf_of_[at[i]];
        offset += walkers * bin_group_columns;
    }
    for (; row < leaves.size(); ++row) {
        std::uint32_t at = 0;
        while (nodes[at].left != at) at = next(nodes, at, features, offset);
        leaves[row] = leaf_of_[at];
        offset += bin_group_columns;
    }
}

}  // namespace netcompute::kernels
