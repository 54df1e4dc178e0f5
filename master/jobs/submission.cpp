#include "jobs/submission.hpp"

#include "data/number.hpp"
#include "jobs/csv_line.hpp"
#include "learning/ids.hpp"
#include "learning/metrics.hpp"

#include <string>
#include <unordered_map>
#include <vector>

namespace netcompute::jobs {
namespace {

using data::counted;
using data::quote;

/// "probability yes".
std::string probability_name(const std::string& class_text) {
    return "probability " + class_text;
}

}  // namespace

Result<std::string> submission_text(const Submission& submission) {
    const learning::Scores& scores = submission.scores;
    const learning::Classes& classes = submission.classes;
    if (submission.ids.size() * scores.form.width != scores.values.size()) {
        return unexpected(ErrorCode::ShapeMismatch, counted(submission.ids.size(), "id") +
                                                        ", but " + counted(scores.rows(), "score"));
    }
    std::string text;
    const auto append_next = [&](std::string_view field) {
        text += ',';
        append_csv_field(text, field);
    };
    append_csv_field(text, submission.id_name);
    append_next(submission.target_name);
    const bool with_probabilities = submission.with_probabilities && !classes.empty();
    if (with_probabilities) {
        for (const std::string& each : classes.texts) append_next(probability_name(each));
    }
    text += '\n';
    std::vector<double> probabilities(classes.size());
    for (std::size_t row = 0; row < submission.ids.size(); ++row) {
        append_csv_field(text, submission.ids[row]);
        if (classes.empty()) {
            append_next(data::number_text(scores.row(row)[0]));
        } else {
            append_next(classes.text_of(learning::predicted_class(scores, row)));
        }
        if (with_probabilities) {
            learning::probabilities_of(scores, row, probabilities);
            for (const double each : probabilities) append_next(data::number_text(each));
        }
        text += '\n';
    }
    return text;
}

nlohmann::json confusion_document(const learning::Classes& classes,
                                  std::span<const std::uint8_t> labels,
                                  const learning::Scores& scores) {
    const auto matrix = learning::confusion(labels, scores, classes.size());
    nlohmann::json document = nlohmann::json::object();
    for (std::size_t truth = 0; truth < classes.size(); ++truth) {
        nlohmann::json& row = document[classes.texts[truth]] = nlohmann::json::object();
        for (std::size_t predicted = 0; predicted < classes.size(); ++predicted) {
            const std::uint64_t rows = matrix[truth * classes.size() + predicted];
            if (rows > 0) row[classes.texts[predicted]] = rows;
        }
    }
    return document;
}

Result<learning::TargetValues> find_truth(const data::Table& table, std::string_view id_name,
                                          std::string_view target_name,
                                          const learning::Classes& classes,
                                          const data::Texts& ids) {
    const auto names = learning::ids_of(table, id_name);
    if (!names) return unexpected(names.error());
    const auto target = data::require_column(table, target_name, "the target");
    if (!target) return unexpected(target.error());
    const auto truth = learning::true_values(table, **target, classes);
    if (!truth) return unexpected(truth.error());
    if (truth->missing > 0) {
        const auto& missing = (*target)->first_missing;
        return unexpected(ErrorCode::InvalidArgument,
                          table.place(missing ? missing->row : 0, target_name) +
                              ": no value, but each row that is scored needs one");
    }

    std::unordered_map<std::string_view, std::uint64_t> row_of_id;
    for (std::uint64_t row = 0; row < names->size(); ++row) {
        if (!row_of_id.emplace((*names)[row], row).second) {
            return unexpected(ErrorCode::InvalidArgument,
                              table.place(row, id_name) + ": " + quote((*names)[row]) +
                                  " stands in a row before this one too");
        }
    }

    learning::TargetValues values;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        const auto found = row_of_id.find(ids[i]);
        if (found == row_of_id.end()) {
            return unexpected(ErrorCode::NotFound, table.name + ": no row for " +
                                                       std::string{id_name} + " " + quote(ids[i]));
        }
        if (classes.empty()) {
            values.numbers.push_back(truth->values.numbers[found->second]);
        } else {
            values.labels.push_back(truth->values.labels[found->second]);
        }
    }
    return values;
}

}  // namespace netcompute::jobs
