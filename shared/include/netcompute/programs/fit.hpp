#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/kernels/boosting.hpp>
#include <netcompute/kernels/forest.hpp>
#include <netcompute/kernels/memo.hpp>
#include <netcompute/programs/linear.hpp>
#include <netcompute/programs/network.hpp>
#include <netcompute/result.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace netcompute::programs {

/// The largest table that a task takes whole: in rows, so that scores fit a frame, and in rows
/// times features, so that a tab has room for it twice.
inline constexpr std::uint32_t fit_rows_max = 1U << 20;
inline constexpr std::uint64_t fit_values_max = std::uint64_t{1} << 26;
/// Scores of the rows that a fit holds out, all together: they fit a frame.
inline constexpr std::uint64_t fit_scores_max = std::uint64_t{1} << 20;
inline constexpr std::uint32_t fit_classes_max = 255;

/// Whose program a fit runs. The numbers are those of the wire.
enum class FitFamily : std::uint32_t {
#define NETCOMPUTE_FIT_FAMILY(name, function, rows) name,
#include <netcompute/programs/fit_families.inc>
#undef NETCOMPUTE_FIT_FAMILY
};

/// How a family takes rows: standardised tiles, or bins.
enum class FitRowsForm { Tiles, Bins };

/// What a row is to a fit: a byte each, these numbers.
enum class RowRole : std::uint8_t { Unused, Training, HeldOut };

/// The first shared input of fit@2. Behind it come a tile [1][row_count] of labels (places of
/// classes, or numbers) and the features: tiles [feature_count][rows], one after the other; or
/// blocks of bins [rows][up to 8 features], one a group of columns.
struct FitTable {
    FitFamily family = FitFamily::LogisticRegression;
    std::uint32_t row_count = 0;
    std::uint32_t feature_count = 0;
    std::uint32_t class_count = 2;  ///< 0: numbers are learned.
};

/// What a fit tells besides: the scores of the same rows with one column's values permuted among
/// them, for each column as often as is asked for (permutation importance). A column may make
/// several features, which are permuted together.
struct FitPermutations {
    std::uint32_t repeats = 0;  ///< Of each column; 0: none are told.
    std::uint64_t seed = 0;
    std::vector<std::uint32_t> features_of_columns;  ///< In order, 1 or more: all features.

    /// How many times the scores of all rows are told.
    [[nodiscard]] std::uint64_t tellings() const {
        return 1 + std::uint64_t{repeats} * features_of_columns.size();
    }
};
inline constexpr std::uint32_t fit_repeats_max = 100;

/// Which row's values row i gets: place i of what this gives.
[[nodiscard]] std::vector<std::uint32_t> fit_permutation(std::uint64_t seed, std::uint32_t column,
                                                         std::uint32_t repeat,
                                                         std::uint32_t row_count);

/// Behind the table comes what is permuted, if something is.
[[nodiscard]] Bytes encode_fit_table(const FitTable& table,
                                     const FitPermutations& permutations = {});

/// Parameters of the families: the last input of a task.
struct LogisticFit {
    double l2 = 1;
    std::uint32_t iterations_max = 100;  ///< Of more than two classes ten times as many.
};
[[nodiscard]] Bytes encode_fit(const LogisticFit& params);

/// The plans of trees are the table's; row_count, base_margin and what numbers are measured in
/// follow, in each fit, from the rows that it learns from.
struct BoostingFit {
    kernels::BoostingPlan plan;
    std::uint32_t tree_count = 100;  ///< Of all classes together.
};
[[nodiscard]] Bytes encode_fit(const BoostingFit& params);

struct LinearFit {
    LinearPenalty penalty = LinearPenalty::None;
    std::uint32_t sweeps_max = 10'000;
    double alpha = 0;
    double l1_ratio = 0;
    double tolerance = 1e-8;
};
[[nodiscard]] Bytes encode_fit(const LinearFit& params);

struct ForestFit {
    kernels::ForestPlan plan;
    std::uint32_t tree_count = 100;
};
[[nodiscard]] Bytes encode_fit(const ForestFit& params);

struct NaiveBayesFit {
    double var_smoothing = 1e-9;
};
[[nodiscard]] Bytes encode_fit(const NaiveBayesFit& params);

/// Its shards, and what numbers are scaled by, are those of each fold's rows.
struct NetworkFit {
    NetworkJob job;
};
[[nodiscard]] Bytes encode_fit(const NetworkFit& params);

struct NeighborsFit {
    std::uint32_t count = 5;
    bool by_distance = false;
};
[[nodiscard]] Bytes encode_fit(const NeighborsFit& params);

/// What one fit has found.
struct FitOutput {
    std::string failure;  ///< Why there are no scores: the fit found no model. Else empty.
    double steps = 0;     ///< Iterations, sweeps or trees.
    /// Of the rows that were held out, in order, as the family's; then, column by column, repeat by
    /// repeat, those of permuted rows.
    std::vector<double> scores;
};

/// Reads the output of fit@2. Errors: ShapeMismatch unless it is a failure, or has as many scores.
[[nodiscard]] Result<FitOutput> decode_fit(ByteSpan output, std::size_t score_count);

}  // namespace netcompute::programs

namespace netcompute::kernels {

/// See shared/src/programs/fit.cpp. It runs programs, so it lies above the other kernels.
[[nodiscard]] Result<Bytes> fit(std::span<const ByteSpan> inputs, Memo& memo);

}  // namespace netcompute::kernels
