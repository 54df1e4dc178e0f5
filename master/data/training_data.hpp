#pragma once

#include "data/classes.hpp"
#include "data/csv_reader.hpp"
#include "data/input_file.hpp"
#include "data/preprocessing.hpp"
#include "data/shards.hpp"
#include "data/text_arena.hpp"
#include <netcompute/programs/train.hpp>
#include <netcompute/result.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace netcompute::data {

struct TrainingOptions {
    std::string target = "Survived";
    std::string id = "PassengerId";
};

/// A training table, ready to be learned from.
struct PreparedTraining {
    Preprocessing preprocessing;
    Classes classes;
    programs::TrainPlan plan;          ///< Its tiles have gone into the sink.
    TextArena ids;                     ///< In row order.
    std::vector<std::uint8_t> labels;  ///< In row order; each 0 or 1.
    std::vector<std::string> notes;    ///< For people: columns that were left out.
    std::string data_sha256;           ///< Names the prepared data: see data_digest().
};

/// Reads a training table, learns its preprocessing, and cuts it into tiles. Every column but id
/// and target is a feature. The same bits for the same table, always.
/// Errors, all naming file, column and, where there is one, row: those of CsvReader; NotFound for
/// a table without the id or target column; InvalidArgument for a target that does not have two
/// classes or lacks a value, an empty id, a number that is not finite, a column that is all
/// missing, and a table with no feature left; LimitExceeded for one with more features than
/// kernels::logistic_features_max; those of the sink.
[[nodiscard]] Result<PreparedTraining> prepare_training(const InputFile& file,
                                                        const TrainingOptions& options,
                                                        const BlobSink& sink);

/// The same from a reader that stands before its first row.
[[nodiscard]] Result<PreparedTraining> prepare_training(CsvReader& reader,
                                                        const TrainingOptions& options,
                                                        const BlobSink& sink);

}  // namespace netcompute::data
