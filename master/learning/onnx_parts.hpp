#pragma once

#include "learning/binning.hpp"
#include "learning/onnx_graph.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace netcompute::learning {

// What fits are made of, as operators of ONNX. `features`, shape [rows][features], and what is
// returned are the names of tensors of doubles.

/// Weighted sums of the features: shape [rows][outputs]. `weights`: shape [outputs][features].
std::string onnx_linear(OnnxGraph& graph, const std::string& features,
                        std::span<const double> weights, std::span<const double> intercepts);

/// A node of a tree: rows whose feature is below `below` go left, or it is a leaf.
struct OnnxNode {
    static constexpr std::int64_t leaf = -1;

    std::int64_t feature = leaf;
    double below = 0;
    bool missing_left = false;
    std::int64_t left = 0;  ///< Places in the tree.
    std::int64_t right = 0;
    std::vector<std::pair<std::uint32_t, double>> adds = {};  ///< Of a leaf: to which outputs what.
};
using OnnxTree = std::vector<OnnxNode>;  ///< The root first.

/// The split of a table of bins; its sides are left to the caller.
[[nodiscard]] OnnxNode onnx_split(const Binning& binning, std::uint32_t feature, std::uint32_t bin,
                                  bool missing_left);

/// Trees over features that are not standardised, and missing where they are NaN; what their leaves
/// add is summed: shape [rows][outputs]. Sums are rounded to 24 bits, which the operator does.
std::string onnx_trees(OnnxGraph& graph, const std::string& features,
                       std::span<const OnnxTree> trees, std::uint32_t outputs);

}  // namespace netcompute::learning
