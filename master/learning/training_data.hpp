#pragma once

#include "data/dataset.hpp"
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

struct TrainingOptions {
    std::string target;              ///< Empty: there is none, as for clusters.
    std::string id;                  ///< Empty: the rows are numbered.
    TargetQuestion question;         ///< The learner's, of the target.
    std::uint32_t features_max = 0;  ///< That it takes.
    std::uint32_t bins_max = 0;      ///< It learns from bins, at most so many; 0: it does not.
    /// Of a column; the rest is "other". Nothing: columns of more than categories_max are left out.
    std::optional<std::size_t> max_categories = {};
    std::string passed_over = {};  ///< A column that makes no feature; empty: none.
};

/// A training table, ready to be learned from. What it needs of the dataset is in it.
struct PreparedTraining {
    Preprocessing preprocessing;
    Classes classes;                             ///< Of the target; none where it is a number.
    Tiles features;                              ///< They have gone into the sink.
    std::vector<programs::BlobRef> label_tiles;  ///< Likewise: [1][row_count], of target.
    std::optional<BinnedTable> binned;           ///< In place of both, where bins are asked for.
    TargetValues target;                         ///< In row order.
    std::vector<std::string> notes;              ///< For people: columns that were left out.
    std::string data_sha256;                     ///< Names the prepared data: see data_digest().
};

/// What can be said of a training table by its header. Errors: NotFound for a table without the id
/// or target column; InvalidArgument for one column that is both, and for a table of no others.
[[nodiscard]] Result<void> check_training_header(std::string_view table,
                                                 std::span<const std::string> header,
                                                 const TrainingOptions& options);

/// Learns a table's preprocessing, and cuts it into tiles. Every column but id and target is a
/// feature. The same bits for the same table, always.
/// Errors, all naming table, column and, where there is one, row: those of check_training_header()
/// and learn_target(); InvalidArgument for an empty id, a number that is not finite, and a table
/// with no feature left; LimitExceeded for one with more features than
/// the learner takes; those of the sink.
[[nodiscard]] Result<PreparedTraining> prepare_training(const data::Table& table,
                                                        const TrainingOptions& options,
                                                        const BlobSink& sink);

}  // namespace netcompute::learning
