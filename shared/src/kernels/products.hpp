#pragma once

#include "logistic_input.hpp"

#include <algorithm>
#include <cstddef>

namespace netcompute::kernels {

/// Rows that are worked on together: as many as keep a block of columns in the second-level cache.
/// A multiple of 16; the sums do not depend on it.
inline constexpr std::size_t block_rows = 256;
/// Columns that a register tile takes; a block has a multiple of them, the rest zero.
inline constexpr std::size_t tile_columns = 4;
/// Every sum over rows is 16 sums, of the rows r with r mod 16 = 0, 1, … 15.
inline constexpr std::size_t lane_sums = 16;

/// Where the sums of the pairs of band `band` begin.
inline std::size_t band_offset(std::size_t columns, std::size_t band) {
    const std::size_t pairs =
        tile_columns * band * columns - tile_columns * tile_columns * ((band * band - band) / 2);
    return pairs * lane_sums;
}

/// Whole register tiles for so many columns.
inline std::size_t whole_tiles(std::size_t columns) {
    return (columns + tile_columns - 1) / tile_columns * tile_columns;
}

/// Folds 16 lanes in a fixed tree: halves, quarters, and so on.
inline double fold_lanes(const double* lanes) {
    double sums[lane_sums];
    std::copy_n(lanes, lane_sums, sums);
    for (std::size_t half = lane_sums / 2; half > 0; half /= 2) {
        for (std::size_t l = 0; l < half; ++l) sums[l] += sums[l + half];
    }
    return canonical(sums[0]);
}

}  // namespace netcompute::kernels
