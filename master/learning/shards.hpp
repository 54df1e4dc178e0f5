#pragma once

#include "learning/feature_values.hpp"
#include "learning/preprocessing.hpp"
#include "learning/targets.hpp"
#include <netcompute/programs/program.hpp>
#include <netcompute/result.hpp>

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace netcompute::learning {

/// Where prepared data goes: keeps the bytes and says what they are called.
using BlobSink = std::function<Result<programs::BlobRef>(Bytes)>;

/// Rows [begin, begin + row_count) of a table.
struct ShardRange {
    std::uint64_t begin = 0;
    std::uint32_t row_count = 0;
    friend bool operator==(const ShardRange&, const ShardRange&) = default;
};

/// How a table is cut: by its size alone, never by the workers. Shards have one 64th of the rows,
/// but 64 to 16,384, in sixteens, and where there are many features at least a row for each four of
/// them; the last one has what is left.
[[nodiscard]] std::vector<ShardRange> plan_shards(std::uint64_t row_count,
                                                  std::uint32_t feature_count);

/// A table's features, cut into shards of rows.
struct Tiles {
    std::uint32_t feature_count = 0;
    std::vector<programs::BlobRef> blobs;   ///< A tile [feature_count][row_count] each, finite.
    std::vector<std::uint32_t> row_counts;  ///< Of each.
};

/// Encodes, standardises and cuts, as plan_shards() says. `values` has one entry a column.
/// Errors: those of the sink.
[[nodiscard]] Result<Tiles> cut_features(const Preprocessing& preprocessing,
                                         std::span<const FeatureValues> values,
                                         std::uint64_t row_count, const BlobSink& sink);

/// One tile [1][row_count] a shard: the places of classes, or numbers. Errors: those of the sink.
[[nodiscard]] Result<std::vector<programs::BlobRef>> cut_labels(
    const TargetValues& target, std::span<const std::uint32_t> row_counts, const BlobSink& sink);

/// Names prepared data: 64 hexadecimal digits, the SHA-256 of its blobs' digests, in order.
[[nodiscard]] std::string data_digest(
    std::initializer_list<std::span<const programs::BlobRef>> blobs);

}  // namespace netcompute::learning
