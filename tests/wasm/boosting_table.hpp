#pragma once

#include <netcompute/kernels/boosting.hpp>
#include <netcompute/kernels/tile.hpp>
#include <netcompute/math.hpp>
#include <netcompute/random.hpp>

#include <algorithm>
#include <vector>

namespace netcompute::testing {

/// A table of bins and its labels, small enough for one block of rows.
struct BoostingData {
    std::vector<std::vector<std::uint8_t>> columns;  ///< Shape [features][rows].
    std::vector<double> labels;

    [[nodiscard]] std::uint32_t rows() const { return static_cast<std::uint32_t>(labels.size()); }
    [[nodiscard]] std::uint32_t features() const {
        return static_cast<std::uint32_t>(columns.size());
    }
    [[nodiscard]] Bytes label_tile() const { return kernels::encode_tile(rows(), 1, labels); }
    /// All columns from `first` on, at most `count`, as one block.
    [[nodiscard]] Bytes block(std::uint32_t first, std::uint32_t count) const {
        const std::uint32_t width = std::min(count, features() - first);
        Bytes bytes = kernels::empty_bins(rows(), width);
        for (std::uint32_t i = 0; i < width; ++i) {
            const std::uint32_t group = i / kernels::bin_group_columns;
            const auto bins = kernels::bins_of_group(bytes, rows(), group);
            for (std::uint32_t row = 0; row < rows(); ++row) {
                bins[std::size_t{row} * kernels::bin_group_columns +
                     i % kernels::bin_group_columns] = columns[first + i][row];
            }
        }
        return bytes;
    }
    /// A block for each group.
    [[nodiscard]] std::vector<Bytes> groups() const {
        std::vector<Bytes> blocks;
        for (std::uint32_t first = 0; first < features(); first += kernels::bin_group_columns) {
            blocks.push_back(block(first, kernels::bin_group_columns));
        }
        return blocks;
    }
    [[nodiscard]] kernels::BoostingPlan plan() const {
        kernels::BoostingPlan plan;
        plan.row_count = rows();
        plan.feature_count = features();
        return plan;
    }
};

/// Bins of all kinds of columns, some missing, and classes that depend on a few of them.
inline BoostingData random_boosting_data(std::uint32_t rows, std::uint32_t features,
                                         std::uint64_t seed) {
    Philox random{seed};
    BoostingData data;
    std::vector<double> scores(rows, -0.5);
    for (std::uint32_t column = 0; column < features; ++column) {
        constexpr std::uint32_t bin_counts[] = {255, 40, 2, 7};
        const std::uint32_t bins = bin_counts[column % 4];
        auto& values = data.columns.emplace_back();
        for (std::uint32_t row = 0; row < rows; ++row) {
            const bool is_missing = column % 3 == 1 && random.next_below(10) == 0;
            const auto bin = static_cast<std::uint8_t>(random.next_below(bins));
            values.push_back(is_missing ? kernels::missing_bin : bin);
            const double share = is_missing ? 0.9 : bin / (bins - 1.0);
            if (column < 4) scores[row] += 2 * (share - 0.5) * (column % 2 == 0 ? 1 : -share);
        }
    }
    for (const double score : scores) {
        data.labels.push_back(random.next_unit() < math::sigmoid(2 * score) ? 1 : 0);
    }
    return data;
}

}  // namespace netcompute::testing
