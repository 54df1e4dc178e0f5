#pragma once

#include <netcompute/programs/fit.hpp>
#include <netcompute/result.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace netcompute::learning {

/// How rows are divided into those that a model learns from and those that judge it.
struct FoldOptions {
    std::uint32_t folds = 5;    ///< Each row is held out in one of them.
    std::uint32_t repeats = 1;  ///< How often, each time divided anew.
    std::optional<double> test_size =
        {};                     ///< In place of folds: the share of rows that is held out.
    bool is_stratified = true;  ///< Each fold has about the same share of each class.
    std::uint64_t seed = 0;
    std::uint32_t stream = 0;  ///< Another one gives other lots by the same seed.
};

/// What rows are, for their division.
struct FoldRowsInfo {
    std::uint64_t row_count = 0;
    std::span<const std::uint8_t> classes = {};  ///< A row each; empty where there are none.
    std::span<const std::uint32_t> groups = {};  ///< A row each; none is divided. Or empty.
};

/// Rows by what they are in a fold.
using Roles = std::vector<programs::RowRole>;

/// One division of rows.
struct Split {
    std::uint32_t repeat = 0;
    std::uint32_t fold = 0;
    Roles roles;                          ///< A row each.
    std::uint64_t training_count = 0;     ///< Rows to learn from.
    std::vector<std::uint32_t> held_out;  ///< Rows to judge by, in order.
};

/// All folds of all repeats, in order: a pure function of its arguments. `within`: the rows that
/// are divided; the others stay unused. Rows are dealt to folds in an order drawn by the seed: of
/// one class after the other where that is asked for, so that folds differ by at most one row in
/// size and in each class (scikit-learn's KFold and StratifiedKFold, shuffled). Groups go, the
/// largest first, to the fold with the fewest rows (GroupKFold). With a test_size, as many rows as
/// that rounds up to are held out, or groups until there are as many; of each class its share.
/// Errors: InvalidArgument, in the words of the parameters, for more folds than rows, groups, or
/// rows of the most frequent class; for a test_size that holds out all or nothing; naming the fold,
/// for one whose training rows are of one class only while there are more.
[[nodiscard]] Result<std::vector<Split>> plan_splits(const FoldRowsInfo& rows,
                                                     const FoldOptions& options,
                                                     std::span<const std::uint32_t> within);

/// All rows, as `within`.
[[nodiscard]] std::vector<std::uint32_t> all_rows(std::uint64_t row_count);

/// The same split with a share of its training rows, of each class alike, by lot: a smaller share's
/// rows are among a larger one's. At least one row of each class stays.
[[nodiscard]] Split with_share(const Split& split, const FoldRowsInfo& rows, double share,
                               std::uint64_t seed);

}  // namespace netcompute::learning
