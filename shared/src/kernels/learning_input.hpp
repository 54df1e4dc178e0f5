#pragma once

#include <netcompute/kernels/rows_of_tile.hpp>
#include <netcompute/kernels/tile.hpp>

#include <span>
#include <string>
#include <string_view>

namespace netcompute::kernels {

// Inputs that learners' kernels share, as they come from another machine. Errors begin with the
// kernel's name.

/// A tile of so many features. Errors: those of decode_tile(); ShapeMismatch for another number of
/// columns; InvalidArgument for a value that is not finite.
[[nodiscard]] Result<TileView> read_finite_features(std::string_view kernel, ByteSpan bytes,
                                                    std::uint32_t feature_count);

/// What the rows of a tile are to be: a tile [1][row_count] of places below `class_count`, or,
/// where that is 0, of finite numbers. Errors: ShapeMismatch, InvalidArgument.
[[nodiscard]] Result<std::span<const double>> read_targets_of(std::string_view kernel,
                                                              ByteSpan bytes,
                                                              std::uint32_t row_count,
                                                              std::uint32_t class_count);

/// encode_rows_of_tile(), within a tile of so many rows. Errors: ShapeMismatch.
[[nodiscard]] Result<RowsOfTile> read_rows_of_tile(std::string_view kernel, ByteSpan bytes,
                                                   std::uint32_t row_count);

/// "NAME: 1 inputs were given, it reads 3".
[[nodiscard]] Unexpected wrong_input_count(std::string_view kernel, std::size_t given,
                                           std::string_view due);

/// Copies `count` rows from `first` on to [column_count][16], zeros after them.
void take_16_rows(const TileView& tile, std::size_t first, std::size_t count, double* rows);

}  // namespace netcompute::kernels
