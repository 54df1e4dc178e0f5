#pragma once

#include "data/dataset.hpp"
#include "learning/feature_values.hpp"
#include "learning/preprocessing.hpp"
#include <netcompute/result.hpp>

#include <string>
#include <vector>

namespace netcompute::learning {

/// A column of a table to be predicted as its model's encoding wants it. Appends to `notes` what
/// people should know: values that training did not see. Errors: InvalidArgument, with the place,
/// for a field of a numeric column that is no finite number, or too far from training's.
[[nodiscard]] Result<FeatureValues> encode_column(const data::Table& table,
                                                  const data::Column& column,
                                                  const FeatureColumn& as,
                                                  std::vector<std::string>& notes);

}  // namespace netcompute::learning
