#include "learning/curves.hpp"

#include <algorithm>
#include <numeric>

namespace netcompute::learning {
namespace {

constexpr std::size_t calibration_bins = 10;

/// Rows that score at least as much as some score, by class.
struct Cut {
    std::uint64_t negatives = 0;
    std::uint64_t positives = 0;
};

/// At each score that there is, from the highest down.
std::vector<Cut> cuts_of(std::span<const std::uint8_t> labels, std::span<const double> scores) {
    std::vector<std::uint32_t> order(scores.size());
    std::iota(order.begin(), order.end(), 0U);
    std::sort(order.begin(), order.end(),
              [&](std::uint32_t a, std::uint32_t b) { return scores[a] > scores[b]; });
    std::vector<Cut> cuts;
    Cut now;
    for (std::size_t i = 0; i < order.size(); ++i) {
        ++(labels[order[i]] == 1 ? now.positives : now.negatives);
        const bool is_last = i + 1 == order.size();
        if (is_last || scores[order[i + 1]] != scores[order[i]]) cuts.push_back(now);
    }
    return cuts;
}

double share_of(std::uint64_t part, std::uint64_t whole) {
    return static_cast<double>(part) / static_cast<double>(whole);
}

Curve thinned(const Curve& curve) {
    const std::size_t points = curve.x.size();
    if (points <= curve_points_max) return curve;
    Curve thin;
    for (std::size_t i = 0; i < curve_points_max; ++i) {
        const std::size_t at = i * (points - 1) / (curve_points_max - 1);
        thin.x.push_back(curve.x[at]);
        thin.y.push_back(curve.y[at]);
    }
    return thin;
}

}  // namespace

Curve roc_curve(std::span<const std::uint8_t> labels, std::span<const double> scores) {
    const std::vector<Cut> cuts = cuts_of(labels, scores);
    if (cuts.empty() || cuts.back().negatives == 0 || cuts.back().positives == 0) return {};
    Curve curve{{0}, {0}};
    for (const Cut& cut : cuts) {
        curve.x.push_back(share_of(cut.negatives, cuts.back().negatives));
        curve.y.push_back(share_of(cut.positives, cuts.back().positives));
    }
    return thinned(curve);
}

Curve precision_recall_curve(std::span<const std::uint8_t> labels, std::span<const double> scores) {
    const std::vector<Cut> cuts = cuts_of(labels, scores);
    if (cuts.empty() || cuts.back().positives == 0) return {};
    Curve curve{{0}, {1}};
    for (const Cut& cut : cuts) {
        curve.x.push_back(share_of(cut.positives, cuts.back().positives));
        curve.y.push_back(share_of(cut.positives, cut.positives + cut.negatives));
    }
    return thinned(curve);
}

std::vector<CalibrationBin> calibration_of(std::span<const std::uint8_t> labels,
                                           std::span<const double> probabilities) {
    std::vector<CalibrationBin> bins(calibration_bins);
    for (std::size_t row = 0; row < labels.size(); ++row) {
        const auto bin = static_cast<std::size_t>(probabilities[row] * calibration_bins);
        CalibrationBin& to = bins[std::min(bin, calibration_bins - 1)];
        ++to.rows;
        to.mean_probability += probabilities[row];
        to.share += labels[row];
    }
    std::erase_if(bins, [](const CalibrationBin& bin) { return bin.rows == 0; });
    for (CalibrationBin& bin : bins) {
        bin.mean_probability /= static_cast<double>(bin.rows);
        bin.share /= static_cast<double>(bin.rows);
    }
    return bins;
}

}  // namespace netcompute::learning
