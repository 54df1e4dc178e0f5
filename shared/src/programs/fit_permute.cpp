#include "fit_rows.hpp"
#include <netcompute/assert.hpp>
#include <netcompute/kernels/boosting.hpp>
#include <netcompute/kernels/tile.hpp>
#include <netcompute/random.hpp>

#include <numeric>
#include <utility>

namespace netcompute::programs {
namespace {

/// Streams of a seed that permutations are drawn from: beyond those of folds and candidates.
constexpr std::uint64_t permutation_streams = std::uint64_t{1} << 60;

RowBlocks permuted_tiles(const RowBlocks& rows, std::uint32_t first, std::uint32_t count,
                         const std::vector<std::uint32_t>& order) {
    std::vector<kernels::TileView> tiles;
    for (const Bytes& block : rows.blocks) {
        const auto tile = kernels::decode_tile(block);
        NETCOMPUTE_ASSERT(tile.has_value(), "rows that were taken lie in tiles");
        tiles.push_back(*tile);
    }
    std::vector<std::vector<double>> values;
    for (const auto& tile : tiles) values.emplace_back(tile.values.begin(), tile.values.end());
    for (std::uint32_t feature = first; feature < first + count; ++feature) {
        std::vector<double> column;
        for (const auto& tile : tiles) {
            const auto part = tile.column(feature);
            column.insert(column.end(), part.begin(), part.end());
        }
        std::size_t row = 0;
        for (std::size_t i = 0; i < tiles.size(); ++i) {
            const std::size_t size = rows.counts[i];
            for (std::size_t at = 0; at < size; ++at) {
                values[i][feature * size + at] = column[order[row++]];
            }
        }
    }
    RowBlocks permuted{rows.counts, {}};
    for (std::size_t i = 0; i < tiles.size(); ++i) {
        permuted.blocks.push_back(
            kernels::encode_tile(tiles[i].row_count, tiles[i].column_count, values[i]));
    }
    return permuted;
}

/// Of one block of bins.
RowBlocks permuted_bins(const RowBlocks& rows, std::uint32_t first, std::uint32_t count,
                        const std::vector<std::uint32_t>& order) {
    const auto bins = kernels::decode_bins(rows.blocks.front());
    NETCOMPUTE_ASSERT(bins.has_value(), "rows that were taken lie in bins");
    RowBlocks permuted = rows;
    for (std::uint32_t feature = first; feature < first + count; ++feature) {
        const auto group = kernels::bins_of_group(permuted.blocks.front(), bins->row_count,
                                                  feature / kernels::bin_group_columns);
        const std::uint32_t place = feature % kernels::bin_group_columns;
        for (std::uint32_t row = 0; row < bins->row_count; ++row) {
            group[std::size_t{row} * kernels::bin_group_columns + place] =
                bins->bin(order[row], feature);
        }
    }
    return permuted;
}

}  // namespace

std::vector<std::uint32_t> fit_permutation(std::uint64_t seed, std::uint32_t column,
                                           std::uint32_t repeat, std::uint32_t row_count) {
    Philox random{seed, permutation_streams + (std::uint64_t{column} << 32) + repeat};
    std::vector<std::uint32_t> order(row_count);
    std::iota(order.begin(), order.end(), 0U);
    for (std::uint32_t i = row_count; i > 1; --i) {
        std::swap(order[i - 1], order[static_cast<std::uint32_t>(random.next_below(i))]);
    }
    return order;
}

RowBlocks with_permuted(const RowBlocks& rows, FitRowsForm form, std::uint32_t first,
                        std::uint32_t count, const std::vector<std::uint32_t>& order) {
    return form == FitRowsForm::Bins ? permuted_bins(rows, first, count, order)
                                     : permuted_tiles(rows, first, count, order);
}

}  // namespace netcompute::programs
