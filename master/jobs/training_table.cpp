#include "jobs/training_table.hpp"

#include <utility>

namespace netcompute::jobs {
namespace {

Result<void> check_groups(std::string_view table, std::span<const std::string> names,
                          const learning::TrainingOptions& options) {
    const std::string& groups = options.passed_over;
    if (groups.empty()) return {};
    if (groups == options.id || groups == options.target) {
        return unexpected(ErrorCode::InvalidArgument,
                          "params.groups: " + data::quote(groups) + " is the " +
                              (groups == options.id ? "id" : "target") + " column as well");
    }
    return data::require_name(table, names, groups, "params.groups");
}

}  // namespace

Result<void> check_training_params(const ParamValues& values, const learning::Learner& learner) {
    if (values.has(training_id) && values[training_target] == values[training_id]) {
        return unexpected(
            ErrorCode::InvalidArgument,
            "params.target: \"" + values[training_target] + "\" is the id column as well");
    }
    return learner.check ? learner.check(values) : Result<void>{};
}

Result<TrainingTable> take_training_table(const ParamValues& values, const JobContext& context,
                                          const learning::Learner& learner,
                                          const TrainingWishes& wishes) {
    data::ReadingOptions reading = reading_of(values);
    reading.finds_id = !values.has(training_id);
    const data::ReadingOptions told = reading;
    reading.id = values[training_id];
    learning::TrainingOptions options{values[training_target],
                                      {},
                                      learning::question_of(learner, values),
                                      learner.features_max,
                                      wishes.bins_max};
    options.passed_over = wishes.passed_over;
    if (values.has(max_categories)) options.max_categories = values[max_categories];
    const std::string& name = values[training_data].name();
    auto table = context.table(values[training_data], reading, [&](auto names) -> Result<void> {
        if (auto known = check_columns(name, names, reading); !known) return known;
        const auto as = reading.columns.find(options.target);
        if (as != reading.columns.end() && as->second == data::ColumnKind::Ignore) {
            return unexpected(ErrorCode::InvalidArgument,
                              "params.columns: " + data::quote(options.target) +
                                  " is the target, and cannot be passed over");
        }
        options.id = id_column(reading, names);
        if (auto groups = check_groups(name, names, options); !groups) return groups;
        return learning::check_training_header(name, names, options);
    });
    if (!table) return unexpected(table.error());
    auto prepared = learning::prepare_training(
        *table, options, [&](const Bytes& tile) { return context.blobs->put(tile); });
    if (!prepared) return unexpected(prepared.error());
    if (learner.check_table) {
        if (auto good = learner.check_table(*prepared, values); !good) {
            return unexpected(good.error());
        }
    }
    auto ids = learning::row_ids(*table, options.id);
    if (!ids) return unexpected(ids.error());
    add_id_note(reading, options.id, prepared->notes);
    if (!options.id.empty()) learning::add_repeated_id_note(*table, *ids, prepared->notes);
    auto remembered = model_reading(told, *table);
    return TrainingTable{std::move(*table), std::move(*prepared), std::move(*ids),
                         options.id,        options.target,       std::move(remembered)};
}

learning::Model planned_model(const TrainingTable& table, const learning::Learner& learner,
                              const ParamValues& learner_values) {
    return {std::string{learner.name},
            params::values_document(learner.params, learner_values),
            {table.prepared.preprocessing, table.id, table.target, table.prepared.classes,
             table.reading},
            nullptr,
            {},
            table.prepared.data_sha256};
}

Result<void> check_model_size(const data::DataPath& path, std::string_view model_text) {
    if (model_text.size() <= learning::model_bytes_max) return {};
    return unexpected(ErrorCode::LimitExceeded,
                      path.shown() + ": the model would have " +
                          std::to_string(model_text.size() >> 20) + " MiB; at most " +
                          std::to_string(learning::model_bytes_max >> 20) +
                          " are read again: choose a smaller one (fewer or smaller trees)");
}

}  // namespace netcompute::jobs
