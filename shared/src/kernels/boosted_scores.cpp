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
    const BinRows rows{*bins};
    std::vector<double> scores(std::size_t{bins->row_count} * classes, base);
    std::vector<std::uint32_t> leaves(bins->row_count);
    for (std::size_t tree = 0; tree < trees->size(); ++tree) {
        const std::vector<double> values = leaf_values((*trees)[tree]);
        WalkTree{(*trees)[tree]}.find_leaves(rows, 0, leaves);
        double* score = scores.data() + tree % classes;
        for (const std::uint32_t leaf : leaves) {
            *score += values[leaf];
            score += classes;
        }
    }
    const ByteSpan bytes = std::as_bytes(std::span{scores});
    return Bytes(bytes.begin(), bytes.end());
}

}  // namespace netcompute::kernels
