#include "jobs/out_of_fold.hpp"

#include "data/number.hpp"
#include "jobs/csv_line.hpp"
#include "jobs/submission.hpp"
#include "learning/curves.hpp"
#include "learning/metrics.hpp"

#include <utility>

namespace netcompute::jobs {
namespace {

nlohmann::json curve_document(const char* x, const char* y, const learning::Curve& curve) {
    return {{x, curve.x}, {y, curve.y}};
}

nlohmann::json calibration_document(std::span<const learning::CalibrationBin> bins) {
    nlohmann::json document = nlohmann::json::array();
    for (const learning::CalibrationBin& bin : bins) {
        document.push_back(
            {{"rows", bin.rows}, {"mean_probability", bin.mean_probability}, {"share", bin.share}});
    }
    return document;
}

}  // namespace

OutOfFold out_of_fold(const JudgedTable& table, std::span<const learning::Split> splits,
                      std::span<const double> score_sums) {
    std::vector<std::uint32_t> times(static_cast<std::size_t>(table.row_count()));
    for (const learning::Split& split : splits) {
        for (const std::uint32_t row : split.held_out) ++times[row];
    }
    const std::size_t width = table.form.width;
    OutOfFold found;
    for (std::uint32_t row = 0; row < times.size(); ++row) {
        if (times[row] == 0) continue;
        found.rows.push_back(row);
        for (const double sum : score_sums.subspan(row * width, width)) {
            found.scores.push_back(sum / times[row]);
        }
    }
    found.truth = truth_of(table, found.rows);
    return found;
}

std::string predictions_text(const JudgedTable& table, const OutOfFold& found) {
    const TrainingTable& training = table.training;
    const learning::Classes& classes = training.prepared.classes;
    const learning::Scores scores{table.form, found.scores};
    std::string text;
    const auto append = [&](std::string_view field) {
        text += ',';
        append_csv_field(text, field);
    };
    append_csv_field(text, training.ids.name);
    append(training.target);
    append("predicted");
    if (classes.size() == 2) append("probability");
    if (classes.size() > 2) {
        for (const std::string& each : classes.texts) append("probability " + each);
    }
    text += '\n';
    std::vector<double> chances(classes.size());
    for (std::size_t i = 0; i < found.rows.size(); ++i) {
        append_csv_field(text, training.ids.texts[found.rows[i]]);
        if (classes.empty()) {
            append(data::number_text(found.truth.numbers[i]));
            append(data::number_text(found.scores[i]));
            text += '\n';
            continue;
        }
        append(classes.text_of(found.truth.labels[i]));
        append(classes.text_of(learning::predicted_class(scores, i)));
        learning::probabilities_of(scores, i, chances);
        const std::span<const double> shown{chances};
        for (const double each : classes.size() == 2 ? shown.last(1) : shown) {
            append(data::number_text(each));
        }
        text += '\n';
    }
    return text;
}

void add_curves(const JudgedTable& table, const OutOfFold& found, nlohmann::json& result) {
    const learning::Classes& classes = table.training.prepared.classes;
    if (classes.empty()) return;
    const learning::Scores scores{table.form, found.scores};
    const auto& labels = found.truth.labels;
    result["confusion"] = confusion_document(classes, labels, scores);
    if (classes.size() > 2) return;
    const std::vector<double> ranks = learning::second_class_scores(scores);
    std::vector<double> probabilities;
    std::vector<double> chances(2);
    for (std::size_t row = 0; row < labels.size(); ++row) {
        learning::probabilities_of(scores, row, chances);
        probabilities.push_back(chances[1]);
    }
    result["roc"] = curve_document("false_positive_rate", "true_positive_rate",
                                   learning::roc_curve(labels, ranks));
    result["precision_recall"] =
        curve_document("recall", "precision", learning::precision_recall_curve(labels, ranks));
    result["calibration"] = calibration_document(learning::calibration_of(labels, probabilities));
}

}  // namespace netcompute::jobs
