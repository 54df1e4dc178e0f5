#pragma once

#include "data/classes.hpp"
#include "data/input_file.hpp"
#include "data/metrics.hpp"
#include "data/preprocessing.hpp"
#include <netcompute/programs/train.hpp>
#include <netcompute/result.hpp>
#include <netcompute/sha256.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace netcompute::data {

inline constexpr int model_format_version = 1;

/// Everything that prediction needs: what Data/model.json holds.
struct Model {
    Preprocessing preprocessing;
    std::string id;      ///< The id column's name.
    std::string target;  ///< The target column's name.
    Classes classes;
    std::string algorithm = "logistic_regression";
    std::map<std::string, double> parameters;  ///< The algorithm's own: "l2", ….
    programs::LogisticModel linear;
    std::uint32_t iterations = 0;
    Metrics training_metrics;
    std::string data_sha256;  ///< PreparedTraining::data_sha256.
};

/// The SHA-256 of the weights, then the intercept, as f64: what TrainProgram::result_bytes() hold.
[[nodiscard]] Sha256 model_sha256(const programs::LogisticModel& linear);

/// The text of model.json. Every double reads back as the same bits.
[[nodiscard]] std::string model_text(const Model& model);

/// Reads model_text(). `name` is what messages call it, usually its path.
/// Errors: InvalidArgument naming the key and its value, for what is not JSON, of another format
/// version, of the wrong type or shape, not finite, or does not match its model_sha256.
[[nodiscard]] Result<Model> parse_model(std::string_view text, std::string_view name);

/// Errors: LimitExceeded for a file that is too large; those of parse_model().
[[nodiscard]] Result<Model> load_model(const InputFile& file);

}  // namespace netcompute::data
