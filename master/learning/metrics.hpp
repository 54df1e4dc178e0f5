#pragma once

#include "learning/scores.hpp"
#include "learning/targets.hpp"
#include <netcompute/result.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::learning {

/// A measure; nothing where it is not defined.
struct Figure {
    std::string name;
    std::optional<double> value;
    friend bool operator==(const Figure&, const Figure&) = default;
};

/// How well scores fit the true values. In this order:
/// - of two classes: "accuracy", "log_loss" (the mean, in nats), "auc" (the area under the ROC
///   curve; nothing where all rows are of one class);
/// - of more: "accuracy", "log_loss", "balanced_accuracy" (the mean share of each class's rows that
///   is predicted right, of the classes that there are), "f1_macro" (the mean F1 of the classes
///   that there are or that are predicted, as scikit-learn has it);
/// - of numbers: "rmse", "mae", "r2" (nothing where all of them are equal).
struct Metrics {
    std::uint64_t row_count = 0;
    std::vector<Figure> figures;

    /// Nothing for one that is not there, or not defined.
    [[nodiscard]] std::optional<double> find(std::string_view name) const;
    friend bool operator==(const Metrics&, const Metrics&) = default;
};

/// The names of the figures for so many classes, 0 for numbers: those that a model keeps.
[[nodiscard]] std::span<const std::string_view> metric_names(std::size_t class_count);
[[nodiscard]] bool may_be_undefined(std::string_view metric);

/// The names of the figures by which models are compared: the same and, of two classes, also
/// "balanced_accuracy", "average_precision" (of the second class, without interpolation; nothing
/// without a row of it), "f1" (of the second class), "brier" (the mean square of the probability's
/// miss). All as scikit-learn defines them.
[[nodiscard]] std::span<const std::string_view> judged_metric_names(std::size_t class_count);
/// Those of all targets, each once.
[[nodiscard]] std::span<const std::string_view> all_metric_names();
/// Whether more of it is better.
[[nodiscard]] bool is_gain(std::string_view metric);

/// {"accuracy": …, …}, without what is not defined: for a job's result.
[[nodiscard]] nlohmann::json metrics_document(const Metrics& metrics);

/// Measures scores of `class_count` classes, or of numbers where that is 0. Probabilities below
/// 2^-52 count as that in the log-loss. Errors: ShapeMismatch unless there are scores for each row;
/// InvalidArgument if there are no rows, and for a score that is not finite.
[[nodiscard]] Result<Metrics> measure(const TargetValues& truth, const Scores& scores,
                                      std::size_t class_count);

/// The figures of judged_metric_names(). Errors: those of measure().
[[nodiscard]] Result<Metrics> judge(const TargetValues& truth, const Scores& scores,
                                    std::size_t class_count);

/// Of two classes, a number a row by which rows are ranked: the higher, the more likely the second.
[[nodiscard]] std::vector<double> second_class_scores(const Scores& scores);

/// Those of two classes, by log-odds. Errors: also InvalidArgument for a label that is neither 0
/// nor 1.
[[nodiscard]] Result<Metrics> measure(std::span<const std::uint8_t> labels,
                                      std::span<const double> log_odds);

/// Rows by class and predicted class: shape [class_count][class_count], the true one first.
[[nodiscard]] std::vector<std::uint64_t> confusion(std::span<const std::uint8_t> labels,
                                                   const Scores& scores, std::size_t class_count);

}  // namespace netcompute::learning
