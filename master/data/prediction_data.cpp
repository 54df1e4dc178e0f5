#include "data/prediction_data.hpp"

#include "data/number.hpp"
#include "data/standardization.hpp"
#include "data/table_columns.hpp"

#include <cmath>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace netcompute::data {
namespace {

constexpr std::size_t columns_shown_max = 20;

/// Fields of a categorical column that count as no category, for the note.
struct Unseen {
    std::uint64_t count = 0;
    std::string first;
    RowPlace place;

    void add(std::string_view text, RowPlace where) {
        if (count++ > 0) return;
        first = text;
        place = where;
    }
};

/// Encodes one column of the table as the model says.
class ColumnEncoder {
 public:
    ColumnEncoder(const FeatureColumn& column, std::size_t field) : column_{column}, field_{field} {
        if (std::holds_alternative<NumericEncoding>(column.encoding)) values_ = NumericValues{};
        const auto* categorical = std::get_if<CategoricalEncoding>(&column.encoding);
        if (categorical == nullptr) return;
        values_ = CategoryCodes{};
        for (const std::string& category : categorical->categories) categories_.add(category);
    }

    [[nodiscard]] Result<void> add(const CsvReader& reader) {
        const std::string_view text = reader.fields()[field_];
        if (auto* codes = std::get_if<CategoryCodes>(&values_)) {
            codes->push_back(code_of(text, place_of(reader)));
            return {};
        }
        auto& numbers = std::get<NumericValues>(values_);
        const ParsedNumber number = parse_number(text);
        const auto& encoding = std::get<NumericEncoding>(column_.encoding);
        if (number.kind == NumberKind::NotANumber && is_missing(text)) {
            numbers.push_back(missing_number);
            return {};
        }
        const char* problem = nullptr;
        if (number.kind == NumberKind::NotANumber) problem = " is not a number";
        if (number.kind == NumberKind::NotFinite) problem = " is not a finite number";
        if (problem == nullptr &&
            !std::isfinite(standardize(number.value, encoding.standardization))) {
            problem = " is too far from the training data's numbers";
        }
        if (problem == nullptr) {
            numbers.push_back(number.value);
            return {};
        }
        return unexpected(ErrorCode::InvalidArgument,
                          describe_place(reader.name(), place_of(reader), column_.name) + ": " +
                              quote(text) + problem +
                              "; the model learned from a column of numbers");
    }

    void add_notes(std::vector<std::string>& notes) const {
        const auto first_at = [](const Unseen& unseen) {
            return " (the first in line " + std::to_string(unseen.place.line);
        };
        if (unknown_.count > 0) {
            notes.push_back("column " + quote(column_.name) + ": " +
                            counted(unknown_.count, "value") +
                            " that the training data did not have" + first_at(unknown_) + ": " +
                            quote(unknown_.first) + "); counted as no category");
        }
        if (missing_.count > 0) {
            notes.push_back("column " + quote(column_.name) + ": " +
                            counted(missing_.count, "missing value") +
                            ", where the training data had none" + first_at(missing_) +
                            "); counted as no category");
        }
    }

    [[nodiscard]] ColumnValues take_values() { return std::move(values_); }

 private:
    std::uint8_t code_of(std::string_view text, RowPlace place) {
        if (const auto code = categories_.find(text)) return *code;
        if (!is_missing(text)) {
            unknown_.add(text, place);
            return code_unknown;
        }
        if (!std::get<CategoricalEncoding>(column_.encoding).has_missing) missing_.add(text, place);
        return code_missing;
    }

    const FeatureColumn& column_;
    std::size_t field_;
    ColumnValues values_;
    TextDictionary categories_;
    Unseen unknown_;
    Unseen missing_;
};

/// Takes the target's fields where the table has them; some may be missing.
class LabelCollector {
 public:
    LabelCollector(const Model& model, std::optional<std::size_t> field)
        : model_{model}, field_{field} {}

    [[nodiscard]] Result<void> add(const CsvReader& reader) {
        if (!field_) return {};
        const std::string_view text = reader.fields()[*field_];
        if (is_missing(text)) {
            ++missing_count_;
            return {};
        }
        const auto label = model_.classes.label_of(text);
        if (!label) {
            return unexpected(
                ErrorCode::InvalidArgument,
                describe_place(reader.name(), place_of(reader), model_.target) + ": " +
                    quote(text) + " is neither " + quote(model_.classes.negative) + " nor " +
                    quote(model_.classes.positive) + "; correct it, or leave the column out");
        }
        labels_.push_back(*label);
        return {};
    }

    void finish(PreparedPrediction& prepared) && {
        if (!field_) return;
        if (missing_count_ == 0) {
            prepared.labels = std::move(labels_);
            return;
        }
        prepared.notes.push_back("column " + quote(model_.target) + ": " +
                                 counted(missing_count_, "missing value") +
                                 ", so the predictions are not scored");
    }

 private:
    const Model& model_;
    std::optional<std::size_t> field_;
    std::vector<std::uint8_t> labels_;
    std::uint64_t missing_count_ = 0;
};

bool makes_features(const FeatureColumn& column) {
    return !std::holds_alternative<DroppedEncoding>(column.encoding);
}

/// The fields of a table by their columns' names, which there may be thousands of.
using FieldsByName = std::unordered_map<std::string_view, std::size_t>;

FieldsByName fields_by_name(const CsvReader& reader) {
    FieldsByName fields;
    for (std::size_t i = 0; i < reader.header().size(); ++i) fields[reader.header()[i]] = i;
    return fields;
}

/// The table's columns against the model's, before a row is read.
Result<void> check_columns(const CsvReader& reader, const FieldsByName& fields, const Model& model,
                           std::string_view id) {
    const auto& columns = model.preprocessing.columns;
    std::unordered_set<std::string_view> known{id, model.id, model.target};
    std::vector<std::string> lacking;
    for (const FeatureColumn& column : columns) {
        known.insert(column.name);
        if (makes_features(column) && !fields.contains(column.name)) {
            lacking.push_back(column.name);
        }
    }
    if (!lacking.empty()) {
        return unexpected(ErrorCode::NotFound, reader.name() +
                                                   ": lacks columns that the model needs: " +
                                                   quote_list(lacking, columns_shown_max));
    }
    std::vector<std::string> unknown;
    for (const std::string& name : reader.header()) {
        if (!known.contains(name)) unknown.push_back(name);
    }
    if (unknown.empty()) return {};
    return unexpected(ErrorCode::InvalidArgument,
                      reader.name() + ": has columns that the model does not know: " +
                          quote_list(unknown, columns_shown_max) +
                          "; remove them, or train again with them");
}

}  // namespace

Result<PreparedPrediction> prepare_prediction(const InputFile& file, const Model& model,
                                              std::string_view id, const BlobSink& sink) {
    auto reader = CsvReader::open(csv_file_source(file), file.name());
    if (!reader) return unexpected(reader.error());
    return prepare_prediction(*reader, model, id, sink);
}

Result<PreparedPrediction> prepare_prediction(CsvReader& reader, const Model& model,
                                              std::string_view id, const BlobSink& sink) {
    const auto id_field = require_column(reader, id, "the id");
    if (!id_field) return unexpected(id_field.error());
    const FieldsByName fields = fields_by_name(reader);
    if (const auto good = check_columns(reader, fields, model, id); !good) {
        return unexpected(good.error());
    }

    Preprocessing kept;
    for (const FeatureColumn& column : model.preprocessing.columns) {
        if (makes_features(column)) kept.columns.push_back(column);
    }
    std::vector<ColumnEncoder> encoders;
    for (const FeatureColumn& column : kept.columns) {
        encoders.emplace_back(column, fields.at(column.name));
    }
    LabelCollector labels{model, find_column(reader, model.target)};
    PreparedPrediction prepared;
    for (;;) {
        const auto more = reader.next();
        if (!more) return unexpected(more.error());
        if (!*more) break;
        const std::string_view row_id = reader.fields()[*id_field];
        if (row_id.empty()) {
            return unexpected(ErrorCode::InvalidArgument,
                              describe_place(reader.name(), place_of(reader), id) +
                                  ": no value, but this is the id; every row needs one");
        }
        prepared.ids.push_back(row_id);
        if (const auto added = labels.add(reader); !added) return unexpected(added.error());
        for (ColumnEncoder& encoder : encoders) {
            if (const auto added = encoder.add(reader); !added) return unexpected(added.error());
        }
    }

    std::move(labels).finish(prepared);
    std::vector<ColumnValues> values;
    for (ColumnEncoder& encoder : encoders) {
        encoder.add_notes(prepared.notes);
        values.push_back(encoder.take_values());
    }
    const auto shards = plan_shards(prepared.ids.size(), kept.feature_count());
    auto blobs = cut_features(kept, values, shards, sink);
    if (!blobs) return unexpected(blobs.error());
    prepared.data_sha256 = data_digest({*blobs});
    prepared.plan.shards = *std::move(blobs);
    prepared.plan.model = model.linear;
    for (const ShardRange& shard : shards) prepared.plan.row_counts.push_back(shard.row_count);
    return prepared;
}

}  // namespace netcompute::data
