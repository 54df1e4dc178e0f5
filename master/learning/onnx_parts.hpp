#pragma once

#include "learning/binning.hpp"
#include "learning/onnx_graph.hpp"
#include <netcompute/kernels/boosting.hpp>

#include <cstdint>
#include <functional>
#include <span>
#include <string>

namespace netcompute::learning {

// What fits are made of, as operators of ONNX. `features`, shape [rows][features], and what is
// returned are the names of tensors of doubles.

/// Weighted sums of the features: shape [rows][outputs]. `weights`: shape [outputs][features].
std::string onnx_linear(OnnxGraph& graph, const std::string& features,
                        std::span<const double> weights, std::span<const double> intercepts);

/// Trees over features that are not standardised, and missing where they are NaN. What the leaves
/// of tree i add goes to output output_of(i): shape [rows][outputs]. Sums are rounded to 24 bits,
/// which the operator does.
std::string onnx_trees(OnnxGraph& graph, const std::string& features,
                       std::span<const kernels::BoostedTree> trees, const Binning& binning,
                       std::uint32_t outputs,
                       const std::function<std::uint32_t(std::size_t tree)>& output_of);

}  // namespace netcompute::learning
