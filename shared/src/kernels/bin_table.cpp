#include "bin_table.hpp"

#include <netcompute/kernels/boosting.hpp>
#include <netcompute/kernels/tile.hpp>

#include <algorithm>
#include <string>

namespace netcompute::kernels {
namespace {

Result<std::span<const double>> read_block_labels(ByteSpan bytes, std::uint32_t rows) {
    const Result<TileView> tile = decode_tile(bytes);
    if (!tile) return unexpected(tile.error());
    if (tile->row_count == rows && tile->column_count == 1) return tile->values;
    return unexpected(ErrorCode::ShapeMismatch, "labels of " + std::to_string(tile->row_count) +
                                                    " rows where " + std::to_string(rows) +
                                                    " are due");
}

Result<const std::uint8_t*> read_block_bins(ByteSpan bytes, std::uint32_t rows,
                                            std::uint32_t columns) {
    const Result<BinsView> block = decode_bins(bytes);
    if (!block) return unexpected(block.error());
    if (block->row_count == rows && block->column_count == columns) return block->bins.data();
    return unexpected(ErrorCode::ShapeMismatch,
                      "bins of " + std::to_string(block->row_count) + " rows x " +
                          std::to_string(block->column_count) + " columns where " +
                          std::to_string(rows) + " x " + std::to_string(columns) + " are due");
}

}  // namespace

std::size_t bin_table_inputs(std::uint32_t rows, std::uint32_t columns) {
    return std::size_t{bin_blocks(rows)} * (1 + bin_groups(columns));
}

Result<BinTable> read_bin_table(std::span<const ByteSpan> inputs, std::uint32_t rows,
                                std::uint32_t columns) {
    const std::uint32_t blocks = bin_blocks(rows);
    const auto rows_of = [&](std::uint32_t block) {
        return std::min(bin_block_rows, rows - block * bin_block_rows);
    };
    BinTable table;
    for (std::uint32_t block = 0; block < blocks; ++block) {
        const auto labels = read_block_labels(inputs[block], rows_of(block));
        if (!labels) return unexpected(labels.error());
        table.labels.push_back(*labels);
    }
    auto next = inputs.begin() + blocks;
    for (std::uint32_t first = 0; first < columns; first += bin_group_columns) {
        for (std::uint32_t block = 0; block < blocks; ++block) {
            const auto bins = read_block_bins(*next++, rows_of(block),
                                              std::min(bin_group_columns, columns - first));
            if (!bins) return unexpected(bins.error());
            table.bins.push_back(*bins);
        }
    }
    return table;
}

}  // namespace netcompute::kernels
