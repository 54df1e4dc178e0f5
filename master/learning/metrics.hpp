#pragma once

#include <netcompute/result.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <span>

namespace netcompute::learning {

/// How well linear scores (log-odds) fit the labels.
struct Metrics {
    std::uint64_t row_count = 0;
    double accuracy = 0;        ///< Share of rows whose label is predicted_label() of their score.
    double log_loss = 0;        ///< Mean, in nats.
    std::optional<double> auc;  ///< Area under the ROC curve; nothing where all labels are equal.
    friend bool operator==(const Metrics&, const Metrics&) = default;
};

/// The class that a linear score predicts: 1 above zero.
[[nodiscard]] constexpr std::uint8_t predicted_label(double score) {
    return score > 0 ? 1 : 0;
}

/// {"accuracy", "log_loss"}, and "auc" where there is one: for a job's result.
[[nodiscard]] nlohmann::json metrics_document(const Metrics& metrics);

/// Errors: ShapeMismatch unless there are as many scores as labels; InvalidArgument if there are
/// none, for a score that is not finite, and for a label that is neither 0 nor 1.
[[nodiscard]] Result<Metrics> measure(std::span<const std::uint8_t> labels,
                                      std::span<const double> scores);

}  // namespace netcompute::learning
