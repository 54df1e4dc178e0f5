#include "data/training_data.hpp"

#include "data/column_builder.hpp"
#include "data/table_columns.hpp"
#include <netcompute/kernels/logistic.hpp>

#include <utility>

namespace netcompute::data {
namespace {

/// What one pass over the table gathers.
struct Gathered {
    std::vector<ColumnBuilder> features;
    TargetBuilder target;
    TextArena ids;
};

Result<Gathered> gather(CsvReader& reader, const TrainingOptions& options) {
    const auto id = require_column(reader, options.id, "the id");
    if (!id) return unexpected(id.error());
    const auto target = require_column(reader, options.target, "the target");
    if (!target) return unexpected(target.error());
    if (*id == *target) {
        return unexpected(ErrorCode::InvalidArgument, describe_column(reader.name(), options.id) +
                                                          ": cannot be both the id and the target");
    }

    Gathered gathered{{}, TargetBuilder{reader.name(), options.target}, {}};
    std::vector<std::size_t> feature_fields;
    for (std::size_t i = 0; i < reader.header().size(); ++i) {
        if (i == *id || i == *target) continue;
        feature_fields.push_back(i);
        gathered.features.emplace_back(reader.header()[i]);
    }
    if (feature_fields.empty()) {
        return unexpected(ErrorCode::InvalidArgument,
                          reader.name() +
                              ": no columns besides the id and the target; add at "
                              "least one to learn from");
    }

    for (;;) {
        const auto more = reader.next();
        if (!more) return unexpected(more.error());
        if (!*more) return gathered;
        const auto fields = reader.fields();
        const RowPlace place = place_of(reader);
        if (fields[*id].empty()) {
            return unexpected(ErrorCode::InvalidArgument,
                              describe_place(reader.name(), place, options.id) +
                                  ": no value, but this is the id; every row needs one");
        }
        gathered.ids.push_back(fields[*id]);
        if (const auto added = gathered.target.add(fields[*target], place); !added) {
            return unexpected(added.error());
        }
        for (std::size_t i = 0; i < feature_fields.size(); ++i) {
            gathered.features[i].add(fields[feature_fields[i]], place);
        }
    }
}

Result<std::vector<ColumnValues>> learn_columns(std::vector<ColumnBuilder> builders,
                                                std::string_view table,
                                                PreparedTraining& prepared) {
    std::vector<ColumnValues> values;
    for (ColumnBuilder& builder : builders) {
        auto learned = std::move(builder).finish(table);
        if (!learned) return unexpected(learned.error());
        if (std::holds_alternative<DroppedEncoding>(learned->column.encoding)) {
            prepared.notes.push_back("column " + quote(learned->column.name) +
                                     ": left out: text with more than " +
                                     std::to_string(categories_max) + " distinct values");
        }
        prepared.preprocessing.columns.push_back(std::move(learned->column));
        values.push_back(std::move(learned->values));
    }
    if (prepared.preprocessing.feature_count() == 0) {
        return unexpected(ErrorCode::InvalidArgument,
                          std::string{table} +
                              ": no column is left to learn from: each is text with more than " +
                              std::to_string(categories_max) + " distinct values");
    }
    if (prepared.preprocessing.feature_count() > kernels::logistic_features_max) {
        return unexpected(ErrorCode::LimitExceeded,
                          std::string{table} + ": its columns make " +
                              std::to_string(prepared.preprocessing.feature_count()) +
                              " features; a logistic regression takes at most " +
                              std::to_string(kernels::logistic_features_max) +
                              ": leave some columns out");
    }
    return values;
}

}  // namespace

Result<PreparedTraining> prepare_training(const InputFile& file, const TrainingOptions& options,
                                          const BlobSink& sink) {
    auto reader = CsvReader::open(csv_file_source(file), file.name());
    if (!reader) return unexpected(reader.error());
    return prepare_training(*reader, options, sink);
}

Result<PreparedTraining> prepare_training(CsvReader& reader, const TrainingOptions& options,
                                          const BlobSink& sink) {
    auto gathered = gather(reader, options);
    if (!gathered) return unexpected(gathered.error());
    auto target = std::move(gathered->target).finish();
    if (!target) return unexpected(target.error());

    PreparedTraining prepared;
    auto values = learn_columns(std::move(gathered->features), reader.name(), prepared);
    if (!values) return unexpected(values.error());
    prepared.classes = std::move(target->classes);
    prepared.labels = std::move(target->labels);
    prepared.ids = std::move(gathered->ids);

    const std::uint32_t feature_count = prepared.preprocessing.feature_count();
    const auto shards = plan_shards(prepared.labels.size(), feature_count);
    const auto features = cut_features(prepared.preprocessing, *values, shards, sink);
    if (!features) return unexpected(features.error());
    const auto labels = cut_labels(prepared.labels, shards, sink);
    if (!labels) return unexpected(labels.error());
    prepared.plan.feature_count = feature_count;
    for (std::size_t i = 0; i < shards.size(); ++i) {
        prepared.plan.shards.push_back({(*features)[i], (*labels)[i], shards[i].row_count});
    }
    prepared.data_sha256 = data_digest({*features, *labels});
    return prepared;
}

}  // namespace netcompute::data
