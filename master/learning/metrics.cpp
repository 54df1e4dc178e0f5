#include "learning/metrics.hpp"

#include <netcompute/math.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

namespace netcompute::learning {
namespace {

/// The share of (positive, negative) pairs in which the positive row scores higher, ties counted
/// half: Mann and Whitney's U. Counted in whole numbers, so no order of rows can change it.
std::optional<double> area_under_curve(std::span<const std::uint8_t> labels,
                                       std::span<const double> scores) {
    std::vector<std::uint32_t> order(scores.size());
    std::iota(order.begin(), order.end(), 0U);
    std::sort(order.begin(), order.end(),
              [&](std::uint32_t a, std::uint32_t b) { return scores[a] < scores[b]; });
    std::uint64_t negatives_below = 0;
    std::uint64_t positives = 0;
    std::uint64_t pairs_twice = 0;
    for (std::size_t i = 0; i < order.size();) {
        const double score = scores[order[i]];
        std::uint64_t tied_negatives = 0;
        std::uint64_t tied_positives = 0;
        for (; i < order.size() && scores[order[i]] == score; ++i) {
            ++(labels[order[i]] == 1 ? tied_positives : tied_negatives);
        }
        pairs_twice += tied_positives * (2 * negatives_below + tied_negatives);
        negatives_below += tied_negatives;
        positives += tied_positives;
    }
    if (positives == 0 || negatives_below == 0) return std::nullopt;
    return static_cast<double>(pairs_twice) / 2 /
           (static_cast<double>(positives) * static_cast<double>(negatives_below));
}

}  // namespace

nlohmann::json metrics_document(const Metrics& metrics) {
    nlohmann::json document = {{"accuracy", metrics.accuracy}, {"log_loss", metrics.log_loss}};
    if (metrics.auc) document["auc"] = *metrics.auc;
    return document;
}

Result<Metrics> measure(std::span<const std::uint8_t> labels, std::span<const double> scores) {
    if (labels.size() != scores.size()) {
        return unexpected(ErrorCode::ShapeMismatch, std::to_string(labels.size()) +
                                                        " labels, but " +
                                                        std::to_string(scores.size()) + " scores");
    }
    if (labels.empty()) return unexpected(ErrorCode::InvalidArgument, "no rows to measure");

    std::uint64_t hits = 0;
    double loss_sum = 0;
    for (std::size_t i = 0; i < labels.size(); ++i) {
        if (!std::isfinite(scores[i]) || labels[i] > 1) {
            return unexpected(ErrorCode::InvalidArgument,
                              "row " + std::to_string(i + 1) + ": score " +
                                  std::to_string(scores[i]) + " with label " +
                                  std::to_string(labels[i]) + " cannot be measured");
        }
        if (predicted_label(scores[i]) == labels[i]) ++hits;
        loss_sum += math::softplus(labels[i] == 1 ? -scores[i] : scores[i]);
    }
    const auto count = static_cast<double>(labels.size());
    return Metrics{labels.size(), static_cast<double>(hits) / count, loss_sum / count,
                   area_under_curve(labels, scores)};
}

}  // namespace netcompute::learning
