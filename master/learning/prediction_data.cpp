#include "learning/prediction_data.hpp"

#include "data/number.hpp"
#include "learning/encoded_column.hpp"
#include "learning/ids.hpp"

#include <unordered_set>
#include <utility>

namespace netcompute::learning {
namespace {

constexpr std::size_t columns_shown_max = 20;

bool makes_features(const FeatureColumn& column) {
    return !std::holds_alternative<DroppedEncoding>(column.encoding);
}

/// What the target's true values are, where the table has them all.
Result<std::optional<TargetValues>> truth_of(const data::Table& table, const TableForm& form,
                                             std::vector<std::string>& notes) {
    const data::Column* const column = table.dataset->find(form.target);
    if (column == nullptr) return std::optional<TargetValues>{};
    auto found = true_values(table, *column, form.classes);
    if (!found) return unexpected(found.error());
    if (found->missing == 0) return std::optional{std::move(found->values)};
    notes.push_back("column " + data::quote(form.target) + ": " +
                    data::counted(found->missing, "missing value") +
                    ", so the predictions are not scored");
    return std::optional<TargetValues>{};
}

}  // namespace

Result<void> check_prediction_header(std::string_view table, std::span<const std::string> header,
                                     const TableForm& form, std::string_view id) {
    if (!id.empty()) {
        if (auto there = data::require_name(table, header, id, "the id"); !there) return there;
    }
    const std::unordered_set<std::string_view> names{header.begin(), header.end()};
    std::unordered_set<std::string_view> known{id, form.id, form.target};
    std::vector<std::string> lacking;
    for (const FeatureColumn& column : form.preprocessing.columns) {
        known.insert(column.name);
        if (makes_features(column) && !names.contains(column.name)) lacking.push_back(column.name);
    }
    if (!lacking.empty()) {
        return unexpected(ErrorCode::NotFound, std::string{table} +
                                                   ": lacks columns that the model needs: " +
                                                   data::quote_list(lacking, columns_shown_max));
    }
    std::vector<std::string> unknown;
    for (const std::string& name : header) {
        // What has no name is a writer's numbering of the rows, or the end of a line.
        if (!known.contains(name) && !data::is_nameless(name)) unknown.push_back(name);
    }
    if (unknown.empty()) return {};
    return unexpected(ErrorCode::InvalidArgument,
                      std::string{table} + ": has columns that the model does not know: " +
                          data::quote_list(unknown, columns_shown_max) +
                          "; remove them, or train again with them");
}

Result<PreparedPrediction> prepare_prediction(const data::Table& table, const TableForm& form,
                                              std::string_view id, const BlobSink& sink,
                                              const Binning* binning) {
    const auto names = data::column_names(*table.dataset);
    if (auto good = check_prediction_header(table.name, names, form, id); !good) {
        return unexpected(good.error());
    }
    if (!id.empty()) {
        if (auto ids = ids_of(table, id); !ids) return unexpected(ids.error());
    }
    PreparedPrediction prepared;
    prepared.notes = table.dataset->reading().notes;
    auto truth = truth_of(table, form, prepared.notes);
    if (!truth) return unexpected(truth.error());
    prepared.truth = std::move(*truth);

    Preprocessing kept;
    std::vector<FeatureValues> values;
    for (const FeatureColumn& column : form.preprocessing.columns) {
        if (!makes_features(column)) continue;
        auto encoded =
            encode_column(table, *table.dataset->find(column.name), column, prepared.notes);
        if (!encoded) return unexpected(encoded.error());
        values.push_back(std::move(*encoded));
        kept.columns.push_back(column);
    }
    const std::uint64_t row_count = table.dataset->row_count();
    auto features = binning == nullptr ? cut_features(kept, values, row_count, sink)
                                       : cut_bins(kept, *binning, values, row_count, sink);
    if (!features) return unexpected(features.error());
    prepared.features = std::move(*features);
    prepared.data_sha256 = data_digest({prepared.features.blobs});
    return prepared;
}

}  // namespace netcompute::learning
