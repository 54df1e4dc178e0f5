#include "builtin.hpp"
#include "tree_walk.hpp"
#include <netcompute/kernels/boosting.hpp>

#include <cmath>
#include <string>

namespace netcompute::kernels {
namespace {

std::vector<double> leaf_values(const BoostedTree& tree) {
    std::vector<double> values;
    for (const BoostedLevel& level : tree) {
        for (const BoostedNode& node : level) {
            if (node.is_leaf()) values.push_back(node.value);
        }
    }
    return values;
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
    const BinRows rows{*bins};
    std::vector<double> scores(bins->row_count, base);
    std::vector<std::uint32_t> leaves(bins->row_count);
    for (const BoostedTree& tree : *trees) {
        const std::vector<double> values = leaf_values(tree);
        WalkTree{tree}.find_leaves(rows, 0, leaves);
        for (std::size_t row = 0; row < scores.size(); ++row) scores[row] += values[leaves[row]];
    }
    const ByteSpan bytes = std::as_bytes(std::span{scores});
    return Bytes(bytes.begin(), bytes.end());
}

}  // namespace netcompute::kernels
