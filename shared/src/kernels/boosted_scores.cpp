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
///   classes   u32, or no such input: 1. Tree t is of class t mod classes
///   bins      a block of bins [row_count][feature_count]
///   output    f64 scores[row_count][classes]: base + the class's first tree + its second + …, in
///             that order
Result<Bytes> boosted_scores(std::span<const ByteSpan> inputs) {
    if (inputs.size() != 2 && inputs.size() != 3) {
        return unexpected(ErrorCode::ShapeMismatch,
                          "boosted_scores: " + std::to_string(inputs.size()) +
                              " inputs were given, it reads 2 or 3");
    }
    std::uint32_t classes = 1;
    if (inputs.size() == 3) {
        ByteReader number{inputs[1]};
        classes = number.number<std::uint32_t>();
        if (!number.finished() || classes < 1 || classes > boosting_classes_max) {
            return unexpected(ErrorCode::InvalidArgument,
                              "boosted_scores: " + std::to_string(classes) + " in " +
                                  std::to_string(inputs[1].size()) +
                                  " bytes is no number of classes");
        }
    }
    const auto bins = decode_bins(inputs.back());
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
    std::vector<double> scores(std::size_t{bins->row_count} * classes, base);
    for (std::size_t tree = 0; tree < trees->size(); ++tree) {
        const auto flat = flattened((*trees)[tree]);
        double* score = scores.data() + tree % classes;
        for (std::uint32_t row = 0; row < bins->row_count; ++row, score += classes) {
            *score += value_of(flat, *bins, row);
        }
    }
    const ByteSpan bytes = std::as_bytes(std::span{scores});
    return Bytes(bytes.begin(), bytes.end());
}

}  // namespace netcompute::kernels
