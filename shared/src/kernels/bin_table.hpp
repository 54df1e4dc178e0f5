#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/result.hpp>

#include <cstdint>
#include <span>
#include <vector>

namespace netcompute::kernels {

/// A training table in bins, as inputs of a task hold it. The views point into the inputs.
struct BinTable {
    std::vector<std::span<const double>> labels;  ///< One a block of rows.
    std::vector<const std::uint8_t*> bins;        ///< Of each group, its blocks: [rows][8].
};

/// How many inputs a table is.
[[nodiscard]] std::size_t bin_table_inputs(std::uint32_t rows, std::uint32_t columns);

/// Reads bin_table_inputs() inputs: a tile [1][rows] of labels for each block of rows, then for
/// each group of columns its blocks of bins. Errors: ShapeMismatch for one of another size;
/// InvalidArgument for bytes that are none of those. Labels are not looked at.
[[nodiscard]] Result<BinTable> read_bin_table(std::span<const ByteSpan> inputs, std::uint32_t rows,
                                              std::uint32_t columns);

}  // namespace netcompute::kernels
