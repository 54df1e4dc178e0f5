#pragma once

#include "learning/model.hpp"
#include <netcompute/bytes.hpp>
#include <netcompute/result.hpp>

#include <string>
#include <vector>

namespace netcompute::learning {

/// A model as other programs run it, with the preparation of its columns in it.
struct OnnxModel {
    Bytes file;
    std::vector<std::string> numbers;  ///< Inputs of doubles, NaN where there is none.
    std::vector<std::string> texts;    ///< Inputs of texts, empty where there is none.
    std::vector<std::string> outputs;  ///< "label" and "probabilities", or "prediction".
};

/// Inputs are the columns that the model learned from, each [rows][1], by their names; of a column
/// of dates its parts, which are numbers ("when month"). Outputs: "label", the texts of classes,
/// shape [rows], and "probabilities", [rows][classes]; or, of a number, "prediction", [rows].
/// Predictions agree with this program's to about 1e-7.
/// Errors: InvalidArgument for a model of a learner that has no such form.
[[nodiscard]] Result<OnnxModel> onnx_model(const Model& model);

}  // namespace netcompute::learning
