#include "data/shards.hpp"

#include "data/standardization.hpp"
#include <netcompute/kernels/tile.hpp>

#include <algorithm>
#include <array>
#include <cmath>

namespace netcompute::data {
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
    const ColumnValues& values;
    ShardRange shard;
    std::span<double> target;

    std::span<double> operator()(const NumericEncoding& encoding) const {
        const auto* numbers = std::get_if<NumericValues>(&values);
        NETCOMPUTE_ASSERT(numbers != nullptr, "a numeric column holds numbers");
        double* out = target.data();
        numbers->for_each_span_in(shard.begin, shard.row_count, [&](std::span<const double> span) {
            for (const double raw : span) {
                const double value = std::isnan(raw) ? encoding.median : raw;
                *out++ = standardize(value, encoding.standardization);
            }
        });
        return target.subspan(shard.row_count);
    }

    std::span<double> operator()(const CategoricalEncoding& encoding) const {
        const auto* codes = std::get_if<CategoryCodes>(&values);
        NETCOMPUTE_ASSERT(codes != nullptr, "a categorical column holds codes");
        std::span<double> rest = target;
        for (std::size_t i = 0; i < encoding.feature_count(); ++i) {
            const std::size_t category = encoding.first_kept() + i;
            std::array<double, 256> feature_of_code{};
            feature_of_code.fill(standardize(0, encoding.standardizations[i]));
            const bool is_missing_category = category == encoding.categories.size();
            feature_of_code[is_missing_category ? code_missing : category] =
                standardize(1, encoding.standardizations[i]);
            double* out = rest.data();
            codes->for_each_span_in(shard.begin, shard.row_count,
                                    [&](std::span<const std::uint8_t> span) {
                                        for (const auto code : span) *out++ = feature_of_code[code];
                                    });
            rest = rest.subspan(shard.row_count);
        }
        return rest;
    }

    std::span<double> operator()(const DroppedEncoding&) const { return target; }
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

Result<std::vector<programs::BlobRef>> cut_features(const Preprocessing& preprocessing,
                                                    std::span<ColumnValues> values,
                                                    std::span<const ShardRange> shards,
                                                    const BlobSink& sink) {
    NETCOMPUTE_ASSERT(values.size() == preprocessing.columns.size(), "one entry a column");
    const std::uint32_t feature_count = preprocessing.feature_count();
    std::vector<programs::BlobRef> blobs;
    std::vector<double> tile;
    for (const ShardRange& shard : shards) {
        tile.resize(std::size_t{feature_count} * shard.row_count);
        std::span<double> rest = tile;
        for (std::size_t i = 0; i < values.size(); ++i) {
            rest = std::visit(FeatureWriter{values[i], shard, rest},
                              preprocessing.columns[i].encoding);
            if (auto* numbers = std::get_if<NumericValues>(&values[i])) {
                numbers->release_before(shard.begin + shard.row_count);
            }
        }
        NETCOMPUTE_ASSERT(rest.empty(), "every feature of the tile is written");
        auto blob = sink(kernels::encode_tile(shard.row_count, feature_count, tile));
        if (!blob) return unexpected(blob.error());
        blobs.push_back(*blob);
    }
    return blobs;
}

Result<std::vector<programs::BlobRef>> cut_labels(std::span<const std::uint8_t> labels,
                                                  std::span<const ShardRange> shards,
                                                  const BlobSink& sink) {
    std::vector<programs::BlobRef> blobs;
    for (const ShardRange& shard : shards) {
        const auto part = labels.subspan(shard.begin, shard.row_count);
        const std::vector<double> tile{part.begin(), part.end()};
        auto blob = sink(kernels::encode_tile(shard.row_count, 1, tile));
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

}  // namespace netcompute::data
