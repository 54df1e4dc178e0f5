#pragma once

#include "data/dataset.hpp"
#include "data/reading_options.hpp"
#include "learning/binning.hpp"
#include "learning/preprocessing.hpp"
#include "learning/shards.hpp"
#include "learning/targets.hpp"
#include <netcompute/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::learning {

/// What a model says of the tables that it predicts.
struct TableForm {
    Preprocessing preprocessing;
    std::string id;      ///< The training table's id column; empty: its rows were numbered.
    std::string target;  ///< Its target column.
    Classes classes;     ///< None where it is a number.
    data::ReadingOptions reading = {};  ///< What the training was told of its table.
};

/// A table to be predicted, scaled by the training table's figures.
struct PreparedPrediction {
    Tiles features;                     ///< They have gone into the sink.
    std::optional<TargetValues> truth;  ///< Where the table has the target too.
    std::vector<std::string> notes;     ///< For people: values that are new.
    std::string data_sha256;            ///< See data_digest().
};

/// What can be said of a table to be predicted by its header. Errors: NotFound for columns that the
/// model needs and the table lacks, and for a missing id column; InvalidArgument for columns that
/// the model does not know.
[[nodiscard]] Result<void> check_prediction_header(std::string_view table,
                                                   std::span<const std::string> header,
                                                   const TableForm& form, std::string_view id);

/// Encodes a table as the model says, and cuts it into tiles. Columns may come in any order;
/// columns that training dropped may be missing. Missing numbers become the training median; a
/// text that training did not see is of no category, with a note.
/// With a `binning` of these features, the tiles are blocks of bins, and missing numbers stay so.
/// Errors, all naming table, column and, where there is one, row: those of
/// check_prediction_header(); InvalidArgument for an empty id, a field that is not a finite number
/// in a numeric column; those of true_values(), and of the sink.
[[nodiscard]] Result<PreparedPrediction> prepare_prediction(const data::Table& table,
                                                            const TableForm& form,
                                                            std::string_view id,
                                                            const BlobSink& sink,
                                                            const Binning* binning = nullptr);

}  // namespace netcompute::learning
