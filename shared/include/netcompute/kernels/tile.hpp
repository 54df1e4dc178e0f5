#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/result.hpp>

#include <cstdint>
#include <span>

namespace netcompute::kernels {

/// A block of a table, column after column, as it lies in a blob:
///   "NCT1", u32 row_count, u32 column_count, u32 0, f64 values[column_count][row_count]
/// The view points into the blob's bytes, which start at an 8-byte boundary.
struct TileView {
    std::uint32_t row_count = 0;
    std::uint32_t column_count = 0;
    std::span<const double> values;  ///< Shape [column_count][row_count].

    [[nodiscard]] std::span<const double> column(std::uint32_t index) const {
        return values.subspan(std::size_t{index} * row_count, row_count);
    }
};

/// `values` has shape [column_count][row_count].
[[nodiscard]] Bytes encode_tile(std::uint32_t row_count, std::uint32_t column_count,
                                std::span<const double> values);

/// Errors: InvalidArgument for another magic or misaligned bytes; ShapeMismatch if the size is not
/// what the header says.
[[nodiscard]] Result<TileView> decode_tile(ByteSpan bytes);

}  // namespace netcompute::kernels
