#include "builtin.hpp"
#include "logistic_input.hpp"
#include "products.hpp"
#include "scratch.hpp"
#include <netcompute/kernels/gram.hpp>
#include <netcompute/kernels/logistic.hpp>

#include <algorithm>

#ifndef NETCOMPUTE_GRAM_TYPES
#define NETCOMPUTE_GRAM_TYPES
namespace netcompute::kernels {

struct GramInput {
    TileView features;
    const double* targets;
    double shift;
};

/// One call's memory.
struct GramWork {
    std::size_t columns;  ///< The features, 1 and the target, rounded up to whole tiles.
    double* block;        ///< [columns][block_rows].
    double* pair_sums;    ///< For each band of 4 columns i, [4][columns from i's band on][16].
};

}  // namespace netcompute::kernels
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gram.cpp"
#include <hwy/foreach_target.h>
//
#include "products-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace netcompute::kernels::HWY_NAMESPACE {

/// Returns whether every feature is finite; if not, the sums are worthless.
bool add_gram_rows(const GramInput& input, const GramWork& work) {
    const std::size_t row_count = input.features.row_count;
    double* const ones = work.block + input.features.column_count * block_rows;
    double* const targets = ones + block_rows;
    for (std::size_t row = 0; row < row_count; row += block_rows) {
        const std::size_t here = std::min(block_rows, row_count - row);
        if (!fill_block(input.features, row, here, work.block)) return false;
        std::fill(std::fill_n(ones, here, 1.0), targets, 0.0);
        for (std::size_t r = 0; r < here; ++r) targets[r] = input.targets[row + r] - input.shift;
        std::fill(targets + here, targets + block_rows, 0.0);
        for (std::size_t first = 0; first < work.columns; first += tile_columns) {
            const std::size_t stride = (work.columns - first) * lane_sums;
            double* const sums = work.pair_sums + band_offset(work.columns, first / tile_columns);
            for (std::size_t j = first; j < work.columns; j += tile_columns) {
                for (std::size_t i = 0; i < tile_columns; i += tile_rows) {
                    add_products<tile_rows>(work.block + (first + i) * block_rows,
                                            work.block + j * block_rows,
                                            sums + i * stride + (j - first) * lane_sums, stride);
                }
            }
        }
    }
    return true;
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace netcompute::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <cmath>
#include <string>

namespace netcompute::kernels {

HWY_EXPORT(add_gram_rows);

namespace {

/// The upper triangle of the products of the first `size` columns.
Bytes folded_triangle(const GramWork& work, std::size_t size) {
    Bytes output;
    output.reserve(triangle_size(size) * sizeof(double));
    ByteWriter writer{output};
    for (std::size_t i = 0; i < size; ++i) {
        const std::size_t band = i / tile_columns;
        const std::size_t first = band * tile_columns;
        const double* const sums = work.pair_sums + band_offset(work.columns, band) +
                                   (i - first) * (work.columns - first) * lane_sums;
        for (std::size_t j = i; j < size; ++j) {
            writer.number(fold_lanes(sums + (j - first) * lane_sums));
        }
    }
    return output;
}

Unexpected gram_error(ErrorCode code, const std::string& what) {
    return unexpected(code, "gram: " + what);
}

Result<TileView> read_targets(ByteSpan bytes, std::uint32_t row_count) {
    Result<TileView> targets = decode_tile(bytes);
    if (!targets) return gram_error(targets.error().code, "targets: " + targets.error().message);
    if (targets->column_count != 1 || targets->row_count != row_count) {
        return gram_error(ErrorCode::ShapeMismatch,
                          "targets have " + std::to_string(targets->row_count) + " rows x " +
                              std::to_string(targets->column_count) + " columns for features of " +
                              std::to_string(row_count) + " rows");
    }
    for (std::uint32_t row = 0; row < row_count; ++row) {
        if (std::isfinite(targets->values[row])) continue;
        return gram_error(ErrorCode::InvalidArgument,
                          "the target of row " + std::to_string(row) + " is not finite");
    }
    return targets;
}

}  // namespace

Bytes encode_shift(double shift) {
    Bytes bytes;
    ByteWriter{bytes}.number(shift);
    return bytes;
}

Result<GramSums> decode_gram_sums(ByteSpan output, std::uint32_t feature_count) {
    const std::size_t count = triangle_size(std::size_t{feature_count} + 2);
    if (output.size() != count * sizeof(double)) {
        return unexpected(ErrorCode::ShapeMismatch,
                          "an output of gram has " + std::to_string(output.size()) +
                              " bytes, not " + std::to_string(count * sizeof(double)) +
                              ": the worker that sent it runs another kernel");
    }
    GramSums sums;
    sums.products.resize(count);
    ByteReader reader{output};
    for (double& product : sums.products) product = reader.number<double>();
    return sums;
}

/// gram@1: the products of the columns of one shard of rows, which least squares needs.
///
///   shift     f64, finite: it is taken from each target, so that no digits are lost to its mean
///   features  a tile [feature_count][row_count], finite
///   targets   a tile [1][row_count], finite
///   output    f64 products[n (n + 1) / 2] (the upper triangle, row after row), with
///             n = feature_count + 2: the columns are the features, 1, and the target less shift
///
/// A sum over rows is 16 sums, of every 16th row each, in order, folded in a fixed tree: the order
/// does not depend on the hardware's width. Without rows every sum is 0.
Result<Bytes> gram(std::span<const ByteSpan> inputs) {
    if (inputs.size() != 3) {
        return gram_error(ErrorCode::ShapeMismatch,
                          std::to_string(inputs.size()) + " inputs were given, it reads 3");
    }
    ByteReader number{inputs[0]};
    const auto shift = number.number<double>();
    if (!number.finished() || !std::isfinite(shift)) {
        return gram_error(ErrorCode::InvalidArgument, "its shift is not one finite f64");
    }
    const Result<TileView> features = decode_tile(inputs[1]);
    if (!features) {
        return gram_error(features.error().code, "features: " + features.error().message);
    }
    if (features->column_count > logistic_features_max) {
        return gram_error(ErrorCode::LimitExceeded,
                          std::to_string(features->column_count) + " features are more than " +
                              std::to_string(logistic_features_max) + ": leave some columns out");
    }
    const Result<TileView> targets = read_targets(inputs[2], features->row_count);
    if (!targets) return unexpected(targets.error());

    const std::size_t size = std::size_t{features->column_count} + 2;
    GramWork work{};
    work.columns = whole_tiles(size);
    Scratch block{work.columns * block_rows};
    Scratch sums{band_offset(work.columns, work.columns / tile_columns)};
    work.block = block.data();
    work.pair_sums = sums.data();
    const GramInput input{*features, targets->values.data(), shift};
    if (!HWY_DYNAMIC_DISPATCH(add_gram_rows)(input, work)) return not_finite("gram", *features);
    return folded_triangle(work, size);
}

}  // namespace netcompute::kernels
#endif
