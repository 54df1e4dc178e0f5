#include "learning/metrics.hpp"

#include <netcompute/math.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>
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

/// The mean of the precisions at each score, from the highest down, by what each adds to the
/// recall.
std::optional<double> average_precision(std::span<const std::uint8_t> labels,
                                        std::span<const double> scores) {
    std::vector<std::uint32_t> order(scores.size());
    std::iota(order.begin(), order.end(), 0U);
    std::sort(order.begin(), order.end(),
              [&](std::uint32_t a, std::uint32_t b) { return scores[a] > scores[b]; });
    std::uint64_t hits = 0;
    double sum = 0;
    for (std::size_t i = 0; i < order.size();) {
        const double score = scores[order[i]];
        std::uint64_t here = 0;
        for (; i < order.size() && scores[order[i]] == score; ++i) here += labels[order[i]];
        hits += here;
        sum += static_cast<double>(here) * (static_cast<double>(hits) / static_cast<double>(i));
    }
    if (hits == 0) return std::nullopt;
    return sum / static_cast<double>(hits);
}

/// The loss of a probability of the true class: of 0 it is finite.
double loss_of(double probability) {
    return -math::log(std::max(probability, 0x1p-52));
}

Unexpected wrong_shape(std::size_t labels, std::size_t scores) {
    return unexpected(ErrorCode::ShapeMismatch, std::to_string(labels) + " labels, but " +
                                                    std::to_string(scores) + " scores");
}

/// Of the classes of a confusion matrix: recall and F1, each meaned as Metrics says.
std::pair<double, double> means_of_classes(std::span<const std::uint64_t> matrix,
                                           std::size_t classes) {
    double recalls = 0;
    double f1s = 0;
    std::size_t there = 0;
    std::size_t met = 0;
    for (std::size_t c = 0; c < classes; ++c) {
        std::uint64_t rows = 0;
        std::uint64_t predicted = 0;
        for (std::size_t other = 0; other < classes; ++other) {
            rows += matrix[c * classes + other];
            predicted += matrix[other * classes + c];
        }
        if (rows + predicted == 0) continue;
        const auto hits = static_cast<double>(matrix[c * classes + c]);
        ++met;
        f1s += 2 * hits / static_cast<double>(rows + predicted);
        if (rows == 0) continue;
        ++there;
        recalls += hits / static_cast<double>(rows);
    }
    return {recalls / static_cast<double>(there), f1s / static_cast<double>(met)};
}

Metrics measure_classes(std::span<const std::uint8_t> labels, const Scores& scores,
                        std::size_t class_count) {
    double loss_sum = 0;
    std::vector<double> chances(class_count);
    for (std::size_t row = 0; row < labels.size(); ++row) {
        if (scores.form.kind == ScoreKind::Logits) {
            const auto logits = scores.row(row);
            const double largest = *std::max_element(logits.begin(), logits.end());
            double sum = 0;
            for (const double logit : logits) sum += math::exp(logit - largest);
            loss_sum += math::log(sum) + (largest - logits[labels[row]]);
        } else {
            probabilities_of(scores, row, chances);
            loss_sum += loss_of(chances[labels[row]]);
        }
    }
    const auto matrix = confusion(labels, scores, class_count);
    std::uint64_t hits = 0;
    for (std::size_t c = 0; c < class_count; ++c) hits += matrix[c * class_count + c];
    const auto count = static_cast<double>(labels.size());
    const auto [balanced_accuracy, f1_macro] = means_of_classes(matrix, class_count);
    return {labels.size(),
            {{"accuracy", static_cast<double>(hits) / count},
             {"log_loss", loss_sum / count},
             {"balanced_accuracy", balanced_accuracy},
             {"f1_macro", f1_macro}}};
}

/// Two classes that have a score each.
Metrics measure_pair(std::span<const std::uint8_t> labels, const Scores& scores) {
    const Metrics all = measure_classes(labels, scores, 2);
    const std::vector<double> second = second_class_scores(scores);
    return {labels.size(),
            {all.figures[0], all.figures[1], {"auc", area_under_curve(labels, second)}}};
}

/// The squares of R2 are taken from the mean of the rows that are measured.
Metrics measure_numbers(std::span<const double> truth, std::span<const double> values) {
    const auto count = static_cast<double>(truth.size());
    double sum = 0;
    for (const double each : truth) sum += each;
    const double mean = sum / count;
    double squares = 0;
    double sizes = 0;
    double variation = 0;
    for (std::size_t row = 0; row < truth.size(); ++row) {
        const double miss = values[row] - truth[row];
        squares += miss * miss;
        sizes += std::fabs(miss);
        variation += (truth[row] - mean) * (truth[row] - mean);
    }
    const bool vary =
        std::any_of(truth.begin(), truth.end(), [&](double each) { return each != truth.front(); });
    return {
        truth.size(),
        {{"rmse", std::sqrt(squares / count)},
         {"mae", sizes / count},
         {"r2", vary && variation > 0 ? std::optional{1 - squares / variation} : std::nullopt}}};
}

}  // namespace

std::span<const std::string_view> metric_names(std::size_t class_count) {
    static constexpr std::array<std::string_view, 3> of_numbers{"rmse", "mae", "r2"};
    static constexpr std::array<std::string_view, 3> of_two{"accuracy", "log_loss", "auc"};
    static constexpr std::array<std::string_view, 4> of_more{"accuracy", "log_loss",
                                                             "balanced_accuracy", "f1_macro"};
    if (class_count == 0) return of_numbers;
    if (class_count == 2) return of_two;
    return of_more;
}

bool may_be_undefined(std::string_view metric) {
    return metric == "auc" || metric == "r2" || metric == "average_precision";
}

std::span<const std::string_view> judged_metric_names(std::size_t class_count) {
    static constexpr std::array<std::string_view, 7> of_two{
        "accuracy", "log_loss", "auc", "balanced_accuracy", "average_precision", "f1", "brier"};
    return class_count == 2 ? of_two : metric_names(class_count);
}

std::span<const std::string_view> all_metric_names() {
    static const std::vector<std::string_view> names = [] {
        std::vector<std::string_view> all;
        for (const std::size_t class_count : {std::size_t{2}, std::size_t{3}, std::size_t{0}}) {
            for (const std::string_view name : judged_metric_names(class_count)) {
                if (std::find(all.begin(), all.end(), name) == all.end()) all.push_back(name);
            }
        }
        return all;
    }();
    return names;
}

bool is_gain(std::string_view metric) {
    static constexpr std::array<std::string_view, 4> losses{"log_loss", "brier", "rmse", "mae"};
    return std::find(losses.begin(), losses.end(), metric) == losses.end();
}

std::optional<double> Metrics::find(std::string_view name) const {
    for (const Figure& figure : figures) {
        if (figure.name == name) return figure.value;
    }
    return std::nullopt;
}

nlohmann::json metrics_document(const Metrics& metrics) {
    nlohmann::json document = nlohmann::json::object();
    for (const Figure& figure : metrics.figures) {
        if (figure.value) document[figure.name] = *figure.value;
    }
    return document;
}

std::vector<std::uint64_t> confusion(std::span<const std::uint8_t> labels, const Scores& scores,
                                     std::size_t class_count) {
    std::vector<std::uint64_t> matrix(class_count * class_count);
    for (std::size_t row = 0; row < labels.size(); ++row) {
        ++matrix[labels[row] * class_count + predicted_class(scores, row)];
    }
    return matrix;
}

Result<Metrics> measure(const TargetValues& truth, const Scores& scores, std::size_t class_count) {
    if (truth.size() * scores.form.width != scores.values.size()) {
        return wrong_shape(truth.size(), scores.values.size());
    }
    if (truth.size() == 0) return unexpected(ErrorCode::InvalidArgument, "no rows to measure");
    if (scores.form.kind == ScoreKind::LogOdds) return measure(truth.labels, scores.values);
    const auto odd = std::find_if(scores.values.begin(), scores.values.end(),
                                  [](double score) { return !std::isfinite(score); });
    if (odd != scores.values.end()) {
        const auto row = static_cast<std::size_t>(odd - scores.values.begin()) / scores.form.width;
        return unexpected(ErrorCode::InvalidArgument, "row " + std::to_string(row + 1) +
                                                          ": score " + std::to_string(*odd) +
                                                          " cannot be measured");
    }
    if (scores.form.kind == ScoreKind::Numbers) {
        return measure_numbers(truth.numbers, scores.values);
    }
    if (class_count == 2) return measure_pair(truth.labels, scores);
    return measure_classes(truth.labels, scores, class_count);
}

std::vector<double> second_class_scores(const Scores& scores) {
    std::vector<double> second;
    for (std::size_t row = 0; row < scores.rows(); ++row) {
        const auto values = scores.row(row);
        second.push_back(scores.form.kind == ScoreKind::Logits ? values[1] - values[0]
                                                               : values.back());
    }
    return second;
}

Result<Metrics> judge(const TargetValues& truth, const Scores& scores, std::size_t class_count) {
    auto metrics = measure(truth, scores, class_count);
    if (!metrics || class_count != 2) return metrics;
    const auto matrix = confusion(truth.labels, scores, 2);
    double squares = 0;
    std::array<double, 2> chances{};
    for (std::size_t row = 0; row < truth.labels.size(); ++row) {
        probabilities_of(scores, row, chances);
        const double miss = chances[1] - truth.labels[row];
        squares += miss * miss;
    }
    const auto hits = 2 * static_cast<double>(matrix[3]);
    const auto misses = static_cast<double>(matrix[1] + matrix[2]);
    auto& figures = metrics->figures;
    figures.push_back({"balanced_accuracy", means_of_classes(matrix, 2).first});
    figures.push_back(
        {"average_precision", average_precision(truth.labels, second_class_scores(scores))});
    figures.push_back({"f1", hits + misses > 0 ? hits / (hits + misses) : 0});
    figures.push_back({"brier", squares / static_cast<double>(truth.labels.size())});
    return metrics;
}

Result<Metrics> measure(std::span<const std::uint8_t> labels, std::span<const double> scores) {
    if (labels.size() != scores.size()) return wrong_shape(labels.size(), scores.size());
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
    return Metrics{labels.size(),
                   {{"accuracy", static_cast<double>(hits) / count},
                    {"log_loss", loss_sum / count},
                    {"auc", area_under_curve(labels, scores)}}};
}

}  // namespace netcompute::learning
