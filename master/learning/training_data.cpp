#include "learning/training_data.hpp"

#include "learning/column_notes.hpp"
#include "learning/ids.hpp"
#include "learning/learned_column.hpp"

#include <utility>

namespace netcompute::learning {
namespace {

Result<std::vector<FeatureValues>> learn_columns(const data::Table& table,
                                                 const TrainingOptions& options,
                                                 PreparedTraining& prepared) {
    std::vector<FeatureValues> values;
    for (const data::Column& column : table.dataset->columns()) {
        if (column.name == options.id || column.name == options.target) continue;
        if (column.name == options.passed_over) {
            prepared.preprocessing.columns.push_back({column.name, DroppedEncoding{}});
            values.emplace_back();
            continue;
        }
        auto learned = learn_column(table, column, options.max_categories.value_or(categories_max),
                                    options.max_categories.has_value(), prepared.notes);
        if (!learned) return unexpected(learned.error());
        prepared.preprocessing.columns.push_back(std::move(learned->column));
        values.push_back(std::move(learned->values));
    }
    const std::uint32_t feature_count = prepared.preprocessing.feature_count();
    if (feature_count == 0) {
        return unexpected(ErrorCode::InvalidArgument,
                          table.name +
                              ": no column is left to learn from: each is text with more than " +
                              std::to_string(categories_max) +
                              " distinct values, or all missing; max_categories keeps the most "
                              "frequent texts");
    }
    if (feature_count > options.features_max) {
        return unexpected(ErrorCode::LimitExceeded,
                          table.name + ": its columns make " + std::to_string(feature_count) +
                              " features; " + std::string{options.question.learner} +
                              " takes at most " + std::to_string(options.features_max) +
                              ": leave some columns out");
    }
    return values;
}

}  // namespace

Result<void> check_training_header(std::string_view table, std::span<const std::string> header,
                                   const TrainingOptions& options) {
    const bool has_id = !options.id.empty();
    if (has_id) {
        if (auto id = data::require_name(table, header, options.id, "the id"); !id) return id;
    }
    const bool has_target = !options.target.empty();
    if (has_target) {
        auto target = data::require_name(table, header, options.target, "the target");
        if (!target) return target;
    }
    if (has_target && options.id == options.target) {
        return unexpected(ErrorCode::InvalidArgument, data::describe_column(table, options.id) +
                                                          ": cannot be both the id and the target");
    }
    if (header.size() > (has_id ? 1U : 0U) + (has_target ? 1U : 0U)) return {};
    const char* const others = !has_target ? "the id"
                               : has_id    ? "the id and the target"
                                           : "the target";
    return unexpected(ErrorCode::InvalidArgument, std::string{table} + ": no columns besides " +
                                                      others + "; add at least one to learn from");
}

Result<PreparedTraining> prepare_training(const data::Table& table, const TrainingOptions& options,
                                          const BlobSink& sink) {
    const auto names = data::column_names(*table.dataset);
    if (auto good = check_training_header(table.name, names, options); !good) {
        return unexpected(good.error());
    }
    if (!options.id.empty()) {
        if (auto ids = ids_of(table, options.id); !ids) return unexpected(ids.error());
    }
    PreparedTraining prepared;
    prepared.notes = table.dataset->reading().notes;
    std::optional<std::string> target_note;
    if (!options.target.empty()) {
        const data::Column& column = *table.dataset->find(options.target);
        auto target = learn_target(table, column, options.question);
        if (!target) return unexpected(target.error());
        add_reading_notes(table, column, prepared.notes);
        prepared.classes = std::move(target->classes);
        prepared.target = std::move(target->values);
        target_note = std::move(target->note);
    }
    const auto values = learn_columns(table, options, prepared);
    if (!values) return unexpected(values.error());
    if (target_note) prepared.notes.push_back(*std::move(target_note));
    if (options.bins_max > 0) {
        auto binned =
            bin_training(prepared.preprocessing, *values, prepared.target, options.bins_max, sink);
        if (!binned) {
            return unexpected(binned.error().code, table.name + ": " + binned.error().message);
        }
        prepared.data_sha256 = data_digest({binned->groups, binned->labels});
        prepared.binned = std::move(*binned);
        return prepared;
    }
    auto features = cut_features(prepared.preprocessing, *values, table.dataset->row_count(), sink);
    if (!features) return unexpected(features.error());
    prepared.features = std::move(*features);
    if (options.target.empty()) {
        prepared.data_sha256 = data_digest({prepared.features.blobs});
        return prepared;
    }
    auto labels = cut_labels(prepared.target, prepared.features.row_counts, sink);
    if (!labels) return unexpected(labels.error());
    prepared.label_tiles = std::move(*labels);
    prepared.data_sha256 = data_digest({prepared.features.blobs, prepared.label_tiles});
    return prepared;
}

}  // namespace netcompute::learning
