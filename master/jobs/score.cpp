#include "data/number.hpp"
#include "jobs/job_types.hpp"
#include "jobs/submission.hpp"
#include "jobs/table_params.hpp"
#include "learning/ids.hpp"
#include "learning/metrics.hpp"
#include "learning/targets.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <unordered_map>
#include <utility>

namespace netcompute::jobs {
namespace {

using nlohmann::json;

constexpr double probability_sum_slack = 1e-3;

constexpr InputFile submission_file{
    .name = "submission",
    .what =
        "The predictions: a CSV file with an id, then the predicted class or number, then perhaps "
        "a column `probability CLASS` for each class",
    .otherwise = "Data/submission_test.csv",
    .if_missing = "there are no predictions yet; predict first (a job of type predict)"};
constexpr InputFile labels_file{.name = "labels",
                                .what = "The true classes or numbers: a CSV file with the same id",
                                .otherwise = "Data/test_labels.csv"};
constexpr Text id_param{.name = "id",
                        .what = "The column that names the rows, in both files",
                        .example = "PassengerId",
                        .if_left_out = "the submission's first"};
constexpr Text target_param{.name = "target",
                            .what = "The column that was predicted, in both files",
                            .example = "Survived",
                            .if_left_out = "the submission's second"};

/// One of both files: each row's id, and the column that is compared.
struct Side {
    data::Table table;
    data::Texts ids;
    const data::Column* target = nullptr;
    std::unordered_map<std::string_view, std::uint64_t> row_of_id;
};

/// What the header of a file says.
Result<std::vector<std::string>> header_of(const data::InputFile& file, const JobContext& context) {
    std::vector<std::string> header;
    const auto table = context.table(file, {}, [&](auto names) -> Result<void> {
        header.assign(names.begin(), names.end());
        return unexpected(ErrorCode::NotFound, "");  // That is all there is to know yet.
    });
    if (!header.empty()) return header;
    return unexpected(table ? Error{ErrorCode::InvalidArgument, file.name() + ": no header"}
                            : table.error());
}

Result<Side> take_side(const data::InputFile& file, const std::string& id,
                       const std::string& target, const JobContext& context) {
    data::ReadingOptions reading;
    reading.id = id;
    auto table = context.table(file, reading, [&](auto names) -> Result<void> {
        if (auto there = data::require_name(file.name(), names, id, "the id"); !there) return there;
        return data::require_name(file.name(), names, target, "the target");
    });
    if (!table) return unexpected(table.error());
    Side side;
    side.table = std::move(*table);
    auto ids = learning::ids_of(side.table, id);
    if (!ids) return unexpected(ids.error());
    side.ids = *ids;
    side.target = side.table.dataset->find(target);
    for (std::uint64_t row = 0; row < side.ids.size(); ++row) {
        const auto [first, is_new] = side.row_of_id.emplace(side.ids[row], row);
        if (is_new) continue;
        const std::uint64_t line = side.table.dataset->place(first->second).line;
        return unexpected(ErrorCode::InvalidArgument,
                          side.table.place(row, id) + ": " + data::quote(side.ids[row]) +
                              " stands in line " + std::to_string(line) +
                              " too; leave one of the rows out");
    }
    return side;
}

/// The classes of the labels, then others that were predicted.
Result<learning::Classes> all_classes(const Side& submission, learning::Classes classes) {
    const auto* const coded = std::get_if<data::CodedTexts>(&submission.target->values);
    if (coded != nullptr) {
        for (const data::FieldAt& field : coded->texts) {
            if (!classes.label_of(field.text)) classes.texts.push_back(field.text);
        }
        if (classes.size() <= learning::classes_max) return classes;
    }
    return unexpected(ErrorCode::InvalidArgument,
                      submission.table.name + ": column " + data::quote(submission.target->name) +
                          ": more than " + std::to_string(learning::classes_max) +
                          " different values, and the labels are classes; was another column "
                          "predicted? (params.target names it)");
}

Result<learning::TargetValues> predicted_values(const Side& submission,
                                                const learning::Classes& classes) {
    if (const auto& missing = submission.target->first_missing) {
        return unexpected(ErrorCode::InvalidArgument,
                          submission.table.place(missing->row, submission.target->name) +
                              ": nothing is predicted; fill it in, or leave the row out");
    }
    auto predicted = learning::true_values(submission.table, *submission.target, classes);
    if (!predicted) return unexpected(predicted.error());
    return std::move(predicted->values);
}

/// Rows that are on both sides, in the order of the labels.
struct Matched {
    std::vector<std::uint64_t> labels;
    std::vector<std::uint64_t> submission;
};

Matched match(const Side& submission, const Side& labels) {
    Matched matched;
    for (std::uint64_t row = 0; row < labels.ids.size(); ++row) {
        const auto found = submission.row_of_id.find(labels.ids[row]);
        if (found == submission.row_of_id.end()) continue;
        matched.labels.push_back(row);
        matched.submission.push_back(found->second);
    }
    return matched;
}

/// How many rows of one file the other one lacks, and the first of them.
void add_unmatched(const Side& from, const Side& other, const char* key, json& result,
                   std::vector<std::string>& notes) {
    std::uint64_t count = 0;
    std::optional<std::uint64_t> first;
    for (std::uint64_t row = 0; row < from.ids.size(); ++row) {
        if (other.row_of_id.contains(from.ids[row])) continue;
        if (!first) first = row;
        ++count;
    }
    result[key] = count;
    if (!first) return;
    notes.push_back(data::counted(count, "row") + " of " + from.table.name + " not in " +
                    other.table.name + ", the first in line " +
                    std::to_string(from.table.dataset->place(*first).line) + ": " +
                    data::quote(from.ids[*first]));
}

learning::TargetValues pick(const learning::TargetValues& values,
                            std::span<const std::uint64_t> rows) {
    learning::TargetValues picked;
    for (const std::uint64_t row : rows) {
        if (values.labels.empty()) {
            picked.numbers.push_back(values.numbers[row]);
        } else {
            picked.labels.push_back(values.labels[row]);
        }
    }
    return picked;
}

/// The probabilities of a column, from 0 to 1.
Result<std::vector<double>> probabilities_in(const data::Table& table, const data::Column& column) {
    if (const auto& missing = column.first_missing) {
        return unexpected(ErrorCode::InvalidArgument,
                          table.place(missing->row, column.name) + ": no probability; fill it in");
    }
    const auto read = learning::true_values(table, column, {});
    if (!read) return unexpected(read.error());
    const std::vector<double>& numbers = read->values.numbers;
    const auto odd = std::find_if(numbers.begin(), numbers.end(),
                                  [](double share) { return !(share >= 0 && share <= 1); });
    if (odd == numbers.end()) return numbers;
    return unexpected(ErrorCode::InvalidArgument,
                      table.place(static_cast<std::uint64_t>(odd - numbers.begin()), column.name) +
                          ": " + data::number_text(*odd) + " is no probability, from 0 to 1");
}

/// Shape [matched rows][classes]; empty where the submission has none. Errors: InvalidArgument for
/// what is no probability, or where a row's do not add up to 1.
Result<std::vector<double>> probabilities_of_rows(const Side& submission,
                                                  const learning::Classes& classes,
                                                  std::span<const std::uint64_t> rows,
                                                  std::vector<std::string>& notes) {
    std::vector<std::vector<double>> columns;
    std::string absent;
    for (const std::string& text : classes.texts) {
        const data::Column* const column = submission.table.dataset->find("probability " + text);
        if (column == nullptr) {
            absent = text;
            continue;
        }
        auto numbers = probabilities_in(submission.table, *column);
        if (!numbers) return unexpected(numbers.error());
        columns.push_back(std::move(*numbers));
    }
    if (columns.size() < classes.size()) {
        if (!columns.empty()) {
            notes.push_back("probabilities are not measured: there is no column " +
                            data::quote("probability " + absent));
        }
        return std::vector<double>{};
    }
    std::vector<double> shares;
    for (const std::uint64_t row : rows) {
        double sum = 0;
        for (const auto& column : columns) {
            sum += column[row];
            shares.push_back(column[row]);
        }
        if (std::fabs(sum - 1) <= probability_sum_slack) continue;
        const std::uint64_t line = submission.table.dataset->place(row).line;
        return unexpected(ErrorCode::InvalidArgument, submission.table.name + ": line " +
                                                          std::to_string(line) +
                                                          ": its probabilities add up to " +
                                                          data::number_text(sum) + ", not 1");
    }
    return shares;
}

/// Each row's class as if it were certain.
std::vector<double> certain(std::span<const std::uint8_t> labels, std::size_t class_count) {
    std::vector<double> shares(labels.size() * class_count);
    for (std::size_t row = 0; row < labels.size(); ++row) {
        shares[row * class_count + labels[row]] = 1;
    }
    return shares;
}

/// Figures of classes come from what was predicted; those of probabilities from these.
Result<void> add_class_metrics(const learning::Classes& classes,
                               const learning::TargetValues& truth,
                               const learning::TargetValues& predicted,
                               std::span<const double> probabilities, json& result) {
    const auto width = static_cast<std::uint32_t>(classes.size());
    const learning::ScoreForm form{learning::ScoreKind::Probabilities, width};
    const std::vector<double> shares = certain(predicted.labels, classes.size());
    const learning::Scores hard{form, shares};
    const auto measured = learning::measure(truth, hard, classes.size());
    if (!measured) return unexpected(measured.error());
    json metrics = learning::metrics_document(*measured);
    metrics.erase("log_loss");
    metrics.erase("auc");
    if (!probabilities.empty()) {
        const auto soft = learning::measure(truth, {form, probabilities}, classes.size());
        if (!soft) return unexpected(soft.error());
        for (const char* const name : {"log_loss", "auc"}) {
            if (const auto figure = soft->find(name)) metrics[name] = *figure;
        }
    }
    result["metrics"] = std::move(metrics);
    result["confusion"] = confusion_document(classes, truth.labels, hard);
    return {};
}

Result<json> score(const Side& submission, const Side& labels, learning::Task task) {
    const auto learned = learning::learn_target(
        labels.table, *labels.target,
        {.learner = "a score", .taken = {learning::classes_max, true}, .task = task});
    if (!learned) return unexpected(learned.error());
    learning::Classes classes = learned->classes;
    if (!classes.empty()) {
        auto all = all_classes(submission, std::move(classes));
        if (!all) return unexpected(all.error());
        classes = std::move(*all);
    }
    const auto predicted = predicted_values(submission, classes);
    if (!predicted) return unexpected(predicted.error());
    const Matched matched = match(submission, labels);
    if (matched.labels.empty()) {
        return unexpected(ErrorCode::InvalidArgument,
                          submission.table.name + ": none of its ids is in " + labels.table.name +
                              "; do both name the same rows? (params.id names the column)");
    }
    json result{{"rows", matched.labels.size()}};
    std::vector<std::string> notes;
    if (learned->note) notes.push_back(*learned->note);
    add_unmatched(labels, submission, "rows_not_predicted", result, notes);
    add_unmatched(submission, labels, "rows_without_label", result, notes);
    const learning::TargetValues truth = pick(learned->values, matched.labels);
    const learning::TargetValues values = pick(*predicted, matched.submission);
    if (classes.empty()) {
        const auto metrics =
            learning::measure(truth, {{learning::ScoreKind::Numbers, 1}, values.numbers}, 0);
        if (!metrics) return unexpected(metrics.error());
        result["metrics"] = learning::metrics_document(*metrics);
    } else {
        const auto shares = probabilities_of_rows(submission, classes, matched.submission, notes);
        if (!shares) return unexpected(shares.error());
        auto added = add_class_metrics(classes, truth, values, *shares, result);
        if (!added) return unexpected(added.error());
    }
    result["notes"] = std::move(notes);
    result["result_sha256"] = to_hex(sha256(as_byte_span(result.dump())));
    return result;
}

Result<PreparedJob> make(const ParamValues& values, const JobContext& context) {
    const auto header = header_of(values[submission_file], context);
    if (!header) return unexpected(header.error());
    if (header->size() < 2) {
        return unexpected(ErrorCode::InvalidArgument,
                          values[submission_file].name() +
                              ": has one column only; it needs an id and what was predicted");
    }
    const std::string id = values.has(id_param) ? values[id_param] : header->front();
    std::string target = values.has(target_param) ? values[target_param] : (*header)[1];
    if (id == target) {
        return unexpected(ErrorCode::InvalidArgument, "params.target: " + data::quote(target) +
                                                          " is the id column as well; name "
                                                          "another one");
    }
    const auto submission = take_side(values[submission_file], id, target, context);
    if (!submission) return unexpected(submission.error());
    const auto labels = take_side(values[labels_file], id, target, context);
    if (!labels) return unexpected(labels.error());
    auto document = score(*submission, *labels, learning::task_of(values[learning::task_param]));
    if (!document) return unexpected(document.error());
    PreparedJob job;
    job.notes = document->at("notes").get<std::vector<std::string>>();
    job.next_jobs = [kept = std::move(*document)](std::span<const std::string>) {
        return JobsOrResult{{}, kept};
    };
    return job;
}

}  // namespace

JobType score_job() {
    return {.name = "score",
            .title = "Score",
            .summary =
                "Measures predictions in a file against the true classes or numbers in "
                "another one",
            .params = {.common = {submission_file, labels_file, id_param, target_param,
                                  learning::task_param}},
            .make = make};
}

}  // namespace netcompute::jobs
