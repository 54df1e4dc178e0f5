#pragma once

#include "learning/feature_values.hpp"
#include "learning/preprocessing.hpp"
#include "learning/shards.hpp"
#include "learning/targets.hpp"
#include <netcompute/programs/program.hpp>
#include <netcompute/result.hpp>

#include <cstdint>
#include <span>
#include <vector>

namespace netcompute::learning {

/// How values become bins of one byte, for learners of trees: of each feature the cuts, rising. A
/// number is in bin k if k of them are not above it; what is missing is in kernels::missing_bin. A
/// category's feature is 0 or 1, and has the cut 1/2.
struct Binning {
    std::vector<std::vector<double>> cuts;
    friend bool operator==(const Binning&, const Binning&) = default;
};

/// A training table in bins. `labels` and `groups` are what programs::BoostingJob reads.
struct BinnedTable {
    Binning binning;
    std::uint32_t row_count = 0;
    std::uint32_t feature_count = 0;
    std::vector<programs::BlobRef> labels;
    std::vector<programs::BlobRef> groups;
};

/// At most `bins_max` bins a feature (2 to 255), with about as many values in each: a bin for each
/// value where they are few. Quantiles of more than 131,072 rows are those of every n-th row.
/// `values` has one entry a column.
[[nodiscard]] Binning learn_binning(const Preprocessing& preprocessing,
                                    std::span<const FeatureValues> values, std::uint32_t bins_max);

/// The blocks of a training, for each group of columns.
/// Errors: LimitExceeded for more rows than the kernels take; those of the sink.
[[nodiscard]] Result<BinnedTable> bin_training(const Preprocessing& preprocessing,
                                               std::span<const FeatureValues> values,
                                               const TargetValues& target, std::uint32_t bins_max,
                                               const BlobSink& sink);

/// Blocks of all columns, cut as plan_shards() says: what boosted_scores@1 reads. Errors: those of
/// the sink.
[[nodiscard]] Result<Tiles> cut_bins(const Preprocessing& preprocessing, const Binning& binning,
                                     std::span<const FeatureValues> values, std::uint64_t row_count,
                                     const BlobSink& sink);

}  // namespace netcompute::learning
