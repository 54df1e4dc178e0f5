#include "builtin.hpp"
#include <netcompute/kernels/boosting.hpp>

#include <cmath>
#include <string>

namespace netcompute::kernels {
namespace {

/// A tree as one list of nodes, for walking: a split's right child follows its left one.
struct FlatNode {
    BoostedNode node;
    std::uint32_t left = 0;
};

std::vector<FlatNode> flattened(const BoostedTree& tree) {
    std::vector<FlatNode> flat;
    std::uint32_t next = 0;
    for (const BoostedLevel& level : tree) {
        next += static_cast<std::uint32_t>(level.size());
        std::uint32_t child = next;
        for (const BoostedNode& node : level) {
            flat.push_back({node, child});
            child += node.is_leaf() ? 0U : 2U;
        }
    }
    return flat;
}

double value_of(const std::vector<FlatNode>& tree, const BinsView& bins, std::uint32_t row) {
    std::uint32_t at = 0;
    while (!tree[at].node.is_leaf()) {
        const BoostedNode& node = tree[at].node;
        const std::uint8_t bin = bins.bin(row, node.feature);
        const bool left = bin == missing_bin ? node.missing_left : bin <= node.bin;
        at = tree[at].left + (left ? 0U : 1U);
    }
    return tree[at].node.value;
}

}  // namespace

/// boosted_scores@1: the sum of what boosted trees say of rows.
///
///   trees     f64 base, then whole trees, as write_tree() writes them
///   bins      a block of bins [row_count][feature_count]
///   output    f64 scores[row_count]: base + tree 0 + tree 1 + …, in that order
Result<Bytes> boosted_scores(std::span<const ByteSpan> inputs) {
    if (inputs.size() != 2) {
        return unexpected(
            ErrorCode::ShapeMismatch,
            "boosted_scores: " + std::to_string(inputs.size()) + " inputs were given, it reads 2");
    }
    const auto bins = decode_bins(inputs[1]);
    if (!bins) {
        return unexpected(bins.error().code, "boosted_scores: " + bins.error().message);
    }
    ByteReader reader{inputs[0]};
    const auto base = reader.number<double>();
    if (!reader.ok() || !std::isfinite(base)) {
        return unexpected(ErrorCode::InvalidArgument,
                          "boosted_scores: the trees do not begin with a finite base");
    }
    const auto trees = read_trees(reader.bytes(reader.left()), bins->column_count);
    if (!trees) return unexpected(trees.error());
    std::vector<double> scores(bins->row_count, base);
    for (const BoostedTree& tree : *trees) {
        const auto flat = flattened(tree);
        for (std::uint32_t row = 0; row < bins->row_count; ++row) {
            scores[row] += value_of(flat, *bins, row);
        }
    }
    const ByteSpan bytes = std::as_bytes(std::span{scores});
    return Bytes(bytes.begin(), bytes.end());
}

}  // namespace netcompute::kernels
