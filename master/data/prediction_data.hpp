#pragma once

#include "data/csv_reader.hpp"
#include "data/input_file.hpp"
#include "data/model.hpp"
#include "data/shards.hpp"
#include "data/text_arena.hpp"
#include <netcompute/programs/predict.hpp>
#include <netcompute/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::data {

/// A table to be predicted, scaled by the training table's figures.
struct PreparedPrediction {
    programs::PredictPlan plan;  ///< Its tiles have gone into the sink; the model is in it.
    TextArena ids;               ///< In row order.
    std::optional<std::vector<std::uint8_t>> labels;  ///< Where the table has the target too.
    std::vector<std::string> notes;                   ///< For people: values that are new.
    std::string data_sha256;                          ///< See data_digest().
};

/// Reads a table, encodes it as the model says, and cuts it into tiles. Columns may come in any
/// order; columns that training dropped may be missing. Missing numbers become the training
/// median; a text that training did not see is of no category, with a note.
/// Errors, all naming file, column and, where there is one, row: those of CsvReader; NotFound for
/// columns that the model needs and the table lacks, and for a missing id column; InvalidArgument
/// for columns that the model does not know, an empty id, a field that is not a finite number in
/// a numeric column, and a target of neither class; those of the sink.
[[nodiscard]] Result<PreparedPrediction> prepare_prediction(const InputFile& file,
                                                            const Model& model, std::string_view id,
                                                            const BlobSink& sink);

/// The same from a reader that stands before its first row.
[[nodiscard]] Result<PreparedPrediction> prepare_prediction(CsvReader& reader, const Model& model,
                                                            std::string_view id,
                                                            const BlobSink& sink);

}  // namespace netcompute::data
