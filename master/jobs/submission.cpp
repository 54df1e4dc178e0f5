#include "jobs/submission.hpp"

#include "learning/ids.hpp"
#include "learning/metrics.hpp"

#include <unordered_map>

namespace netcompute::jobs {
namespace {

using data::counted;
using data::quote;

void append_field(std::string& line, std::string_view field) {
    if (field.find_first_of(",\"\r\n") == std::string_view::npos) {
        line += field;
        return;
    }
    line += '"';
    for (const char c : field) line.append(c == '"' ? 2 : 1, c);
    line += '"';
}

}  // namespace

Result<std::string> submission_text(const Submission& submission) {
    if (submission.ids.size() != submission.scores.size()) {
        return unexpected(ErrorCode::ShapeMismatch, counted(submission.ids.size(), "id") +
                                                        ", but " +
                                                        counted(submission.scores.size(), "score"));
    }
    std::string text;
    const auto append_line = [&](std::string_view id, std::string_view value) {
        append_field(text, id);
        text += ',';
        append_field(text, value);
        text += '\n';
    };
    append_line(submission.id_name, submission.target_name);
    for (std::size_t i = 0; i < submission.ids.size(); ++i) {
        append_line(submission.ids[i],
                    submission.classes.text_of(learning::predicted_label(submission.scores[i])));
    }
    return text;
}

Result<std::vector<std::uint8_t>> find_labels(const data::Table& table, std::string_view id_name,
                                              std::string_view target_name,
                                              const learning::Classes& classes,
                                              const data::Texts& ids) {
    const auto names = learning::ids_of(table, id_name);
    if (!names) return unexpected(names.error());
    const auto target = data::require_column(table, target_name, "the target");
    if (!target) return unexpected(target.error());

    std::unordered_map<std::string_view, std::uint8_t> label_of_id;
    for (std::uint64_t row = 0; row < names->size(); ++row) {
        const std::string value = data::field_text(**target, row);
        const auto label = classes.label_of(value);
        if (!label) {
            return unexpected(ErrorCode::InvalidArgument,
                              table.place(row, target_name) + ": " + quote(value) + " is neither " +
                                  quote(classes.negative) + " nor " + quote(classes.positive));
        }
        if (!label_of_id.emplace((*names)[row], *label).second) {
            return unexpected(ErrorCode::InvalidArgument,
                              table.place(row, id_name) + ": " + quote((*names)[row]) +
                                  " stands in a row before this one too");
        }
    }

    std::vector<std::uint8_t> labels;
    labels.reserve(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) {
        const auto found = label_of_id.find(ids[i]);
        if (found == label_of_id.end()) {
            return unexpected(ErrorCode::NotFound, table.name + ": no row for " +
                                                       std::string{id_name} + " " + quote(ids[i]));
        }
        labels.push_back(found->second);
    }
    return labels;
}

}  // namespace netcompute::jobs
