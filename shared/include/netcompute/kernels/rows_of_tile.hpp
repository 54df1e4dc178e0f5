#pragma once

#include <netcompute/bytes.hpp>

#include <cstdint>

namespace netcompute::kernels {

/// Some rows of a tile: a task's own, where a whole tile would be too much for one.
struct RowsOfTile {
    std::uint32_t first = 0;
    std::uint32_t count = 0;
};

/// u32 first, u32 count.
[[nodiscard]] inline Bytes encode_rows_of_tile(const RowsOfTile& range) {
    Bytes bytes;
    ByteWriter writer{bytes};
    writer.number(range.first);
    writer.number(range.count);
    return bytes;
}

}  // namespace netcompute::kernels
