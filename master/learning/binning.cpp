#include "learning/binning.hpp"

#include "data/dataset.hpp"
#include <netcompute/assert.hpp>
#include <netcompute/kernels/boosting.hpp>
#include <netcompute/kernels/tile.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>

namespace netcompute::learning {
namespace {

constexpr std::uint64_t sampled_rows_max = std::uint64_t{1} << 17;

/// A value, and how many rows have it.
struct Counted {
    double value = 0;
    std::uint64_t rows = 0;
};

/// Of values that rise and differ.
std::vector<double> cuts_between(std::span<const Counted> values, std::uint32_t bins_max) {
    std::uint64_t total = 0;
    for (const Counted& each : values) total += each.rows;
    std::vector<double> cuts;
    std::uint64_t below = 0;
    std::uint64_t due = 1;  // The quantile that the next cut stands for.
    for (std::size_t i = 0; i + 1 < values.size(); ++i) {
        below += values[i].rows;
        if (values.size() > bins_max && below * bins_max < due * total) continue;
        due = below * bins_max / total + 1;
        const double low = values[i].value;
        const double high = values[i + 1].value;
        const double middle = low / 2 + high / 2;
        cuts.push_back(middle > low && middle <= high ? middle : high);
    }
    return cuts;
}

std::vector<Counted> counted(std::vector<double> values) {
    std::ranges::sort(values);
    std::vector<Counted> result;
    for (const double value : values) {
        if (result.empty() || result.back().value != value) result.push_back({value + 0.0, 0});
        ++result.back().rows;
    }
    return result;
}

std::vector<Counted> counted_numbers(const NumericValues& numbers) {
    if (numbers.codes.empty()) {
        const std::size_t step = (numbers.values.size() + sampled_rows_max - 1) / sampled_rows_max;
        std::vector<double> sample;
        for (std::size_t row = 0; row < numbers.values.size(); row += step) {
            if (!std::isnan(numbers.values[row])) sample.push_back(numbers.values[row]);
        }
        return counted(std::move(sample));
    }
    std::array<std::uint64_t, 256> rows{};
    for (const std::uint8_t code : numbers.codes) ++rows[code];
    std::vector<Counted> result;
    for (std::size_t code = 0; code < numbers.number_of_code.size(); ++code) {
        const double value = numbers.number_of_code[code];
        if (!std::isnan(value) && rows[code] > 0) result.push_back({value + 0.0, rows[code]});
    }
    std::ranges::sort(result, {}, &Counted::value);
    std::vector<Counted> merged;  // 1 and 1.0 are one value.
    for (const Counted& each : result) {
        if (merged.empty() || merged.back().value != each.value) merged.push_back({each.value, 0});
        merged.back().rows += each.rows;
    }
    return merged;
}

/// Finds the bin of a number, without a branch that depends on it.
class BinFinder {
 public:
    explicit BinFinder(std::span<const double> cuts) {
        NETCOMPUTE_ASSERT(cuts.size() < kernels::bins_max, "a bin is a byte");
        cuts_.fill(std::numeric_limits<double>::infinity());
        std::ranges::copy(cuts, cuts_.begin());
    }
    [[nodiscard]] std::uint8_t operator()(double value) const {
        std::size_t bin = 0;
        for (std::size_t step = 128; step > 0; step /= 2) {
            bin += cuts_[bin + step - 1] <= value ? step : 0;
        }
        return std::isnan(value) ? kernels::missing_bin : static_cast<std::uint8_t>(bin);
    }

 private:
    std::array<double, 256> cuts_{};
};

/// Writes the bins of a column's features for some rows.
struct BinWriter {
    const FeatureValues& values;
    std::span<const std::vector<double>> cuts;  ///< Of the column's features.
    ShardRange rows;

    /// Writes the column's feature `index` to every eighth byte from `to` on.
    void write(const FeatureColumn& column, std::size_t index, std::uint8_t* to) const {
        if (const auto* const numbers = std::get_if<NumericValues>(&values)) {
            const BinFinder find{cuts[index]};
            if (numbers->codes.empty()) {
                for (const double value : numbers->values.subspan(rows.begin, rows.row_count)) {
                    *to = find(value);
                    to += kernels::bin_group_columns;
                }
                return;
            }
            std::array<std::uint8_t, 256> bins{};
            bins.fill(kernels::missing_bin);
            std::ranges::transform(numbers->number_of_code, bins.begin(), find);
            write_codes(numbers->codes, bins, to);
            return;
        }
        const auto& encoding = std::get<CategoricalEncoding>(column.encoding);
        const auto& categories = std::get<CategoricalValues>(values);
        const std::size_t category = encoding.first_kept() + index;
        const bool is_missing = category == encoding.categories.size();
        const std::size_t wanted = is_missing ? category_missing : category;
        std::array<std::uint8_t, 256> bins{};
        bins.fill(is_missing ? 1 : 0);
        std::ranges::transform(categories.category_of_code, bins.begin(),
                               [&](std::uint8_t each) -> std::uint8_t { return each == wanted; });
        write_codes(categories.codes, bins, to);
    }

 private:
    void write_codes(std::span<const std::uint8_t> codes, const std::array<std::uint8_t, 256>& bins,
                     std::uint8_t* to) const {
        for (const std::uint8_t code : codes.subspan(rows.begin, rows.row_count)) {
            *to = bins[code];
            to += kernels::bin_group_columns;
        }
    }
};

std::size_t features_of(const FeatureColumn& column) {
    if (std::holds_alternative<NumericEncoding>(column.encoding)) return 1;
    const auto* const encoding = std::get_if<CategoricalEncoding>(&column.encoding);
    return encoding == nullptr ? 0 : encoding->feature_count();
}

/// Features [first, first + count) of some rows, as one block.
Bytes bins_block(const Preprocessing& preprocessing, const Binning& binning,
                 std::span<const FeatureValues> values, ShardRange rows, std::uint32_t first,
                 std::uint32_t count) {
    Bytes block = kernels::empty_bins(rows.row_count, count);
    std::uint32_t feature = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const FeatureColumn& column = preprocessing.columns[i];
        const std::size_t features = features_of(column);
        const BinWriter writer{values[i], std::span{binning.cuts}.subspan(feature, features), rows};
        for (std::size_t index = 0; index < features; ++index, ++feature) {
            if (feature < first || feature >= first + count) continue;
            const std::uint32_t at = feature - first;
            const auto bins =
                kernels::bins_of_group(block, rows.row_count, at / kernels::bin_group_columns);
            writer.write(column, index, bins.data() + at % kernels::bin_group_columns);
        }
    }
    return block;
}

}  // namespace

Binning learn_binning(const Preprocessing& preprocessing, std::span<const FeatureValues> values,
                      std::uint32_t bins_max) {
    NETCOMPUTE_ASSERT(values.size() == preprocessing.columns.size(), "one entry a column");
    Binning binning;
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (const auto* const numbers = std::get_if<NumericValues>(&values[i])) {
            binning.cuts.push_back(cuts_between(counted_numbers(*numbers), bins_max));
        } else {
            binning.cuts.resize(binning.cuts.size() + features_of(preprocessing.columns[i]), {0.5});
        }
    }
    return binning;
}

Result<BinnedTable> bin_training(const Preprocessing& preprocessing,
                                 std::span<const FeatureValues> values, const TargetValues& target,
                                 std::uint32_t bins_max, const BlobSink& sink) {
    if (target.size() > kernels::boosting_rows_max) {
        return unexpected(ErrorCode::LimitExceeded,
                          std::to_string(target.size()) + " rows are more than the " +
                              std::to_string(kernels::boosting_rows_max) +
                              " that trees are grown for: leave some out");
    }
    BinnedTable table;
    table.row_count = static_cast<std::uint32_t>(target.size());
    table.feature_count = preprocessing.feature_count();
    table.binning = learn_binning(preprocessing, values, bins_max);
    std::vector<ShardRange> blocks;
    for (std::uint32_t begin = 0; begin < table.row_count; begin += kernels::bin_block_rows) {
        const std::uint32_t rows = std::min(kernels::bin_block_rows, table.row_count - begin);
        blocks.push_back({begin, rows});
        auto blob = sink(kernels::encode_tile(rows, 1, target.part(begin, rows)));
        if (!blob) return unexpected(blob.error());
        table.labels.push_back(*blob);
    }
    constexpr std::uint32_t width = kernels::bin_group_columns;
    for (std::uint32_t first = 0; first < table.feature_count; first += width) {
        const std::uint32_t count = std::min(width, table.feature_count - first);
        for (const ShardRange& rows : blocks) {
            auto blob = sink(bins_block(preprocessing, table.binning, values, rows, first, count));
            if (!blob) return unexpected(blob.error());
            table.groups.push_back(*blob);
        }
    }
    return table;
}

Result<Tiles> cut_bins(const Preprocessing& preprocessing, const Binning& binning,
                       std::span<const FeatureValues> values, std::uint64_t row_count,
                       const BlobSink& sink) {
    Tiles tiles;
    tiles.feature_count = preprocessing.feature_count();
    for (const ShardRange& rows : plan_shards(row_count, tiles.feature_count)) {
        auto blob = sink(bins_block(preprocessing, binning, values, rows, 0, tiles.feature_count));
        if (!blob) return unexpected(blob.error());
        tiles.blobs.push_back(*blob);
        tiles.row_counts.push_back(rows.row_count);
    }
    return tiles;
}

}  // namespace netcompute::learning
