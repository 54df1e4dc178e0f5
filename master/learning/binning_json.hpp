#pragma once

#include "learning/binning.hpp"
#include "learning/model_reader.hpp"
#include <netcompute/bytes.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::learning {

// What models of trees have in common: the bins, and which features their splits are of.

/// The key "cuts" of a model of so many features: a list of rising numbers each. What is wrong is
/// told to the reader.
[[nodiscard]] Binning read_binning(ModelReader& reader, std::uint32_t feature_count);

/// What a model's hash is of: for each feature a u32, how many cuts it has, and these as f64.
void write_binning(ByteWriter& writer, const Binning& binning);

/// {"Age": 0.25, …}: the share of each feature, for a job's result.
[[nodiscard]] nlohmann::json importances_document(std::span<const std::string> feature_names,
                                                  std::span<const double> shares);

/// Adds a line for each of the features with the largest shares: "  25.0 % of the gain by Age",
/// `of_what` being "of the gain". The result has importances_document() as "feature_importances".
void add_importances(const nlohmann::json& result, std::string_view of_what,
                     std::vector<std::string>& lines);

}  // namespace netcompute::learning
