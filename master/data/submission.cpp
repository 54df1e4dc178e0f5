#include "data/submission.hpp"

#include "data/csv_reader.hpp"
#include "data/metrics.hpp"
#include "data/table_columns.hpp"

#include <unordered_map>

namespace netcompute::data {
namespace {

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
                    submission.classes.text_of(predicted_label(submission.scores[i])));
    }
    return text;
}

Result<std::vector<std::uint8_t>> read_labels(const InputFile& file, std::string_view id_name,
                                              std::string_view target_name, const Classes& classes,
                                              const TextArena& ids) {
    auto reader = CsvReader::open(csv_file_source(file), file.name());
    if (!reader) return unexpected(reader.error());
    const auto id = require_column(*reader, id_name, "the id");
    if (!id) return unexpected(id.error());
    const auto target = require_column(*reader, target_name, "the target");
    if (!target) return unexpected(target.error());

    std::unordered_map<std::string, std::uint8_t> label_of_id;
    for (;;) {
        const auto more = reader->next();
        if (!more) return unexpected(more.error());
        if (!*more) break;
        const std::string_view value = reader->fields()[*target];
        const auto label = classes.label_of(value);
        if (!label) {
            return unexpected(ErrorCode::InvalidArgument,
                              describe_place(file.name(), place_of(*reader), target_name) + ": " +
                                  quote(value) + " is neither " + quote(classes.negative) +
                                  " nor " + quote(classes.positive));
        }
        const std::string_view name = reader->fields()[*id];
        if (!label_of_id.emplace(name, *label).second) {
            return unexpected(ErrorCode::InvalidArgument,
                              describe_place(file.name(), place_of(*reader), id_name) + ": " +
                                  quote(name) + " stands in a row before this one too");
        }
    }

    std::vector<std::uint8_t> labels;
    labels.reserve(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) {
        const auto found = label_of_id.find(std::string{ids[i]});
        if (found == label_of_id.end()) {
            return unexpected(ErrorCode::NotFound, file.name() + ": no row for " +
                                                       std::string{id_name} + " " + quote(ids[i]));
        }
        labels.push_back(found->second);
    }
    return labels;
}

}  // namespace netcompute::data
