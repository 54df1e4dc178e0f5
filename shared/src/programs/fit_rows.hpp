#pragma once

#include <netcompute/kernels/memo.hpp>
#include <netcompute/programs/fit.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace netcompute::programs {

/// Rows in blocks: tiles; or one block of bins of all columns.
struct RowBlocks {
    std::vector<std::uint32_t> counts;  ///< Rows of each.
    std::vector<Bytes> blocks;
};

/// The rows of one fold, taken out of a table: in the form that the family's programs read.
struct FitRows {
    std::vector<std::uint32_t> training_counts;  ///< Rows of each tile; of bins there is one.
    std::vector<Bytes> training;                 ///< Tiles; or a block of bins a group of columns.
    std::vector<Bytes> labels;                   ///< A tile [1][rows] for each of training_counts.
    RowBlocks held_out;

    [[nodiscard]] std::size_t bytes() const;
};

/// What the inputs of fit@2 say besides the parameters.
struct FitInput {
    FitTable table;
    FitPermutations permutations;
    ByteSpan labels;
    std::span<const ByteSpan> parts;    ///< Of the features.
    std::span<const std::byte> roles;   ///< A row each.
    std::span<const ByteSpan> derived;  ///< All that the rows depend on.
};

[[nodiscard]] FitRowsForm form_of(FitFamily family);

/// Errors: those of the kernel fit, which see.
[[nodiscard]] Result<FitInput> read_fit_input(std::span<const ByteSpan> inputs);

/// The rows that the roles say. Tiles are standardised again, by the training rows alone: (value -
/// mean) / deviation, a column that is constant among them becoming 0. Errors: InvalidArgument for
/// a value that is not finite; those of the tiles and of the bins.
[[nodiscard]] Result<FitRows> take_rows(const FitInput& input);

/// The same rows, but that features [first, first + count) of row i are those of row order[i].
[[nodiscard]] RowBlocks with_permuted(const RowBlocks& rows, FitRowsForm form, std::uint32_t first,
                                      std::uint32_t count, const std::vector<std::uint32_t>& order);

}  // namespace netcompute::programs
