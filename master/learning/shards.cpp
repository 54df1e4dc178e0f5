#include "learning/shards.hpp"

#include "data/dataset.hpp"
#include "learning/learned_column.hpp"
#include "learning/standardization.hpp"
#include <netcompute/assert.hpp>
#include <netcompute/kernels/tile.hpp>

#include <algorithm>
#include <array>
#include <cmath>

namespace netcompute::learning {
namespace {

constexpr std::uint64_t shard_count_aim = 64;
constexpr std::uint64_t shard_rows_min = 64;
constexpr std::uint64_t shard_rows_max = 16384;
/// A shard of n rows and d features is n d numbers, and a task over it may answer with d d / 2, one
/// for each pair of features: at most twice as many as it was sent.
constexpr std::uint64_t features_per_row_max = 4;
constexpr std::uint64_t shard_rows_step = 16;  // Lanes of the widest vector, so tiles fill them.

/// Writes one column's features for a shard's rows; returns what is left of `target`.
struct FeatureWriter {
    const FeatureValues& values;
    ShardRange shard;
    std::span<double> target;

    std::span<double> operator()(const NumericEncoding& encoding) const {
        const auto* const numbers = std::get_if<NumericValues>(&values);
        NETCOMPUTE_ASSERT(numbers != nullptr, "a numeric column holds numbers");
        double* out = target.data();
        const auto encoded = [&](double raw) {
            return standardize(std::isnan(raw) ? encoding.median : raw, encoding.standardization);
        };
        if (numbers->codes.empty()) {
            for (const double raw : rows_of(numbers->values)) *out++ = encoded(raw);
        } else {
            std::array<double, 256> feature_of_code{};
            feature_of_code.fill(encoded(data::missing_number));
            std::ranges::transform(numbers->number_of_code, feature_of_code.begin(), encoded);
            for (const auto code : rows_of(numbers->codes)) *out++ = feature_of_code[code];
        }
        return target.subspan(shard.row_count);
    }

    std::span<double> operator()(const CategoricalEncoding& encoding) const {
        const auto* const categories = std::get_if<CategoricalValues>(&values);
        NETCOMPUTE_ASSERT(categories != nullptr, "a categorical column holds categories");
        std::span<double> rest = target;
        for (std::size_t i = 0; i < encoding.feature_count(); ++i) {
            const std::size_t category = encoding.first_kept() + i;
            std::array<double, 256> feature_of_category{};
            feature_of_category.fill(standardize(0, encoding.standardizations[i]));
            const bool is_other_category =
                encoding.has_other && category == encoding.categories.size();
            const bool is_missing_category =
                category == encoding.categories.size() + (encoding.has_other ? 1 : 0);
            feature_of_category[is_other_category     ? category_other
                                : is_missing_category ? category_missing
                                                      : category] =
                standardize(1, encoding.standardizations[i]);
            std::array<double, 256> feature_of_code{};
            feature_of_code.fill(feature_of_category[category_missing]);
            std::ranges::transform(categories->category_of_code, feature_of_code.begin(),
                                   [&](auto each) { return feature_of_category[each]; });
            double* out = rest.data();
            for (const auto code : rows_of(categories->codes)) *out++ = feature_of_code[code];
            rest = rest.subspan(shard.row_count);
        }
        return rest;
    }

    std::span<double> operator()(const DroppedEncoding&) const { return target; }

    std::span<double> operator()(const DateEncoding& encoding) const {
        const auto* const numbers = std::get_if<NumericValues>(&values);
        NETCOMPUTE_ASSERT(numbers != nullptr, "a column of dates holds numbers");
        double* out = target.data();
        for (std::size_t part = 0; part < encoding.parts.size(); ++part) {
            const NumericEncoding& as = encoding.parts[part];
            for (std::uint64_t row = shard.begin; row < shard.begin + shard.row_count; ++row) {
                const double raw = date_part(numbers->at(row), part);
                *out++ = standardize(std::isnan(raw) ? as.median : raw, as.standardization);
            }
        }
        return target.subspan(shard.row_count * encoding.parts.size());
    }

    template <typename T>
    std::span<const T> rows_of(std::span<const T> column) const {
        return column.subspan(shard.begin, shard.row_count);
    }
};

}  // namespace

std::vector<ShardRange> plan_shards(std::uint64_t row_count, std::uint32_t feature_count) {
    const std::uint64_t share = (row_count + shard_count_aim - 1) / shard_count_aim;
    const std::uint64_t least =
        std::max(share, std::uint64_t{feature_count} / features_per_row_max);
    const std::uint64_t rows =
        std::clamp((least + shard_rows_step - 1) / shard_rows_step * shard_rows_step,
                   shard_rows_min, shard_rows_max);
    std::vector<ShardRange> shards;
    for (std::uint64_t begin = 0; begin < row_count; begin += rows) {
        shards.push_back({begin, static_cast<std::uint32_t>(std::min(rows, row_count - begin))});
    }
    return shards;
}

Result<Tiles> cut_features(const Preprocessing& preprocessing,
                           std::span<const FeatureValues> values, std::uint64_t row_count,
                           const BlobSink& sink) {
    NETCOMPUTE_ASSERT(values.size() == preprocessing.columns.size(), "one entry a column");
    Tiles tiles;
    tiles.feature_count = preprocessing.feature_count();
    std::vector<double> tile;
    for (const ShardRange& shard : plan_shards(row_count, tiles.feature_count)) {
        tile.resize(std::size_t{tiles.feature_count} * shard.row_count);
        std::span<double> rest = tile;
        for (std::size_t i = 0; i < values.size(); ++i) {
            rest = std::visit(FeatureWriter{values[i], shard, rest},
                              preprocessing.columns[i].encoding);
        }
        NETCOMPUTE_ASSERT(rest.empty(), "every feature of the tile is written");
        auto blob = sink(kernels::encode_tile(shard.row_count, tiles.feature_count, tile));
        if (!blob) return unexpected(blob.error());
        tiles.blobs.push_back(*blob);
        tiles.row_counts.push_back(shard.row_count);
    }
    return tiles;
}

Result<std::vector<programs::BlobRef>> cut_labels(const TargetValues& target,
                                                  std::span<const std::uint32_t> row_counts,
                                                  const BlobSink& sink) {
    std::vector<programs::BlobRef> blobs;
    std::uint64_t begin = 0;
    for (const std::uint32_t row_count : row_counts) {
        auto blob = sink(kernels::encode_tile(row_count, 1, target.part(begin, row_count)));
        begin += row_count;
        if (!blob) return unexpected(blob.error());
        blobs.push_back(*blob);
    }
    return blobs;
}

std::string data_digest(std::initializer_list<std::span<const programs::BlobRef>> blobs) {
    Bytes digests;
    for (const auto& list : blobs) {
        for (const programs::BlobRef& blob : list) {
            const auto digest = std::as_bytes(std::span{blob.sha256.digest});
            digests.insert(digests.end(), digest.begin(), digest.end());
        }
    }
    return to_hex(sha256(digests));
}

}  // namespace netcompute::learning
