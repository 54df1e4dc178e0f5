#include "builtin.hpp"
#include "logistic_input.hpp"
#include "products.hpp"
#include "scratch.hpp"
#include <netcompute/kernels/logistic.hpp>

#include <algorithm>
#include <cstdint>

#ifndef NETCOMPUTE_LOGISTIC_NEWTON_TYPES
#define NETCOMPUTE_LOGISTIC_NEWTON_TYPES
namespace netcompute::kernels {

/// One call's memory.
struct NewtonWork {
    std::size_t columns;  ///< The features, rounded up to whole tiles.
    double* block;        ///< [columns][block_rows]: the features of the block's rows.
    double* weighted;     ///< [tile_columns][block_rows]: some of them times the curvature.
    double* terms;        ///< [3][block_rows]: loss, residual and curvature of each row.

    double* row_sums;     ///< [3][16]: of the terms.
    double* border_sums;  ///< [2][columns][16]: residual and curvature, times each feature.
    double* pair_sums;    ///< For each band of 4 features i, [4][features from i's band on][16].
};

struct NewtonInput {
    WeightsView model;
    TileView features;
    const double* labels;
};

}  // namespace netcompute::kernels
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "logistic_newton.cpp"
#include <hwy/foreach_target.h>
//
#include "math-inl.hpp"
#include "products-inl.hpp"
#include "scores-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace netcompute::kernels::HWY_NAMESPACE {

/// Loss, residual and curvature of each of the block's rows. With t the score of the wrong class,
/// that is the score for label 0 and minus it for label 1: loss = ln(1 + e^t), and
/// p - label = ±sigmoid(t), which loses nothing where p is close to the label.
HWY_INLINE void find_terms(const NewtonInput& input, std::size_t first_row, std::size_t row_count,
                           const NewtonWork& work) {
    double* const losses = work.terms;
    double* const residuals = work.terms + block_rows;
    double* const curvatures = work.terms + 2 * block_rows;
    for (std::size_t r = 0; r < row_count; r += row_lanes) {
        score_rows(input.model, work.block + r, block_rows, losses + r);
        double signs[row_lanes] = {};  // -1 for label 1.
        for (std::size_t l = 0; l < std::min(row_lanes, row_count - r); ++l) {
            signs[l] = 1 - 2 * input.labels[first_row + r + l];
        }
        for (std::size_t l = 0; l < row_lanes; l += F64::lanes) {
            const F64 sign = F64::load(signs + l);
            const F64 t = F64::load(losses + r + l) * sign;
            const F64 e = exp_of_minus_absolute(t);
            const F64 one_plus_e = F64::set(1) + e;
            softplus_from(t, e).store(losses + r + l);
            (sign * sigmoid_from(t, e)).store(residuals + r + l);
            (e / (one_plus_e * one_plus_e)).store(curvatures + r + l);
        }
    }
    for (std::size_t term = 0; term < 3; ++term) {
        std::fill(work.terms + term * block_rows + row_count, work.terms + (term + 1) * block_rows,
                  0.0);
    }
}

HWY_INLINE void add_term_sums(const NewtonWork& work) {
    for (std::size_t term = 0; term < 3; ++term) {
        for (std::size_t lane = 0; lane < lane_sums; lane += F64::lanes) {
            F64 sum = F64::load(work.row_sums + term * lane_sums + lane);
            for (std::size_t r = lane; r < block_rows; r += lane_sums) {
                sum = sum + F64::load(work.terms + term * block_rows + r);
            }
            sum.store(work.row_sums + term * lane_sums + lane);
        }
    }
}

/// The upper triangle of features' pairs, a band of 4 features after the other.
HWY_INLINE void add_pair_sums(const NewtonWork& work) {
    const double* const curvatures = work.terms + 2 * block_rows;
    for (std::size_t band = 0; band * tile_columns < work.columns; ++band) {
        const std::size_t first = band * tile_columns;
        for (std::size_t i = 0; i < tile_columns; ++i) {
            const double* const column = work.block + (first + i) * block_rows;
            double* const to = work.weighted + i * block_rows;
            for (std::size_t r = 0; r < block_rows; r += F64::lanes) {
                (F64::load(column + r) * F64::load(curvatures + r)).store(to + r);
            }
        }
        const std::size_t stride = (work.columns - first) * lane_sums;
        double* const band_sums = work.pair_sums + band_offset(work.columns, band);
        for (std::size_t j = first; j < work.columns; j += tile_columns) {
            for (std::size_t i = 0; i < tile_columns; i += tile_rows) {
                add_products<tile_rows>(work.weighted + i * block_rows, work.block + j * block_rows,
                                        band_sums + i * stride + (j - first) * lane_sums, stride);
            }
        }
    }
}

/// Returns whether every feature is finite; if not, the sums are worthless.
bool add_rows(const NewtonInput& input, const NewtonWork& work) {
    const std::size_t row_count = input.features.row_count;
    for (std::size_t row = 0; row < row_count; row += block_rows) {
        const std::size_t here = std::min(block_rows, row_count - row);
        if (!fill_block(input.features, row, here, work.block)) return false;
        find_terms(input, row, here, work);
        add_term_sums(work);
        for (std::size_t j = 0; j < work.columns; j += tile_columns) {
            add_products<2>(work.terms + block_rows, work.block + j * block_rows,
                            work.border_sums + j * lane_sums, work.columns * lane_sums);
        }
        add_pair_sums(work);
    }
    return true;
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace netcompute::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <string>

namespace netcompute::kernels {

HWY_EXPORT(add_rows);

namespace {

/// loss, gradient, then the Hessian's upper triangle; the intercept is the last feature.
Bytes folded(const NewtonWork& work, std::size_t feature_count) {
    Bytes output;
    output.reserve((2 + feature_count + triangle_size(feature_count + 1)) * sizeof(double));
    ByteWriter writer{output};
    const double* const curvature_sums = work.border_sums + work.columns * lane_sums;
    writer.number(fold_lanes(work.row_sums));
    for (std::size_t j = 0; j < feature_count; ++j) {
        writer.number(fold_lanes(work.border_sums + j * lane_sums));
    }
    writer.number(fold_lanes(work.row_sums + lane_sums));
    for (std::size_t i = 0; i < feature_count; ++i) {
        const std::size_t band = i / tile_columns;
        const std::size_t first = band * tile_columns;
        const double* const sums = work.pair_sums + band_offset(work.columns, band) +
                                   (i - first) * (work.columns - first) * lane_sums;
        for (std::size_t j = i; j < feature_count; ++j) {
            writer.number(fold_lanes(sums + (j - first) * lane_sums));
        }
        writer.number(fold_lanes(curvature_sums + i * lane_sums));
    }
    writer.number(fold_lanes(work.row_sums + 2 * lane_sums));
    return output;
}

Result<TileView> read_labels(ByteSpan bytes, std::uint32_t row_count) {
    Result<TileView> labels = decode_tile(bytes);
    if (!labels) {
        return unexpected(labels.error().code,
                          "logistic_newton: labels: " + labels.error().message);
    }
    if (labels->column_count != 1 || labels->row_count != row_count) {
        return unexpected(ErrorCode::ShapeMismatch,
                          "logistic_newton: labels have " + std::to_string(labels->row_count) +
                              " rows x " + std::to_string(labels->column_count) +
                              " columns for features of " + std::to_string(row_count) + " rows");
    }
    for (std::uint32_t row = 0; row < row_count; ++row) {
        if (labels->values[row] != 0 && labels->values[row] != 1) {
            return unexpected(ErrorCode::InvalidArgument,
                              "logistic_newton: the label of row " + std::to_string(row) + " is " +
                                  std::to_string(labels->values[row]) + ", neither 0 nor 1");
        }
    }
    return labels;
}

}  // namespace

/// logistic_newton@1: the log-loss of one shard of rows, with its gradient and Hessian.
///
///   weights   f64 weights[feature_count], f64 intercept; finite
///   features  a tile [feature_count][row_count], finite
///   labels    a tile [1][row_count], each exactly 0 or 1
///   output    f64 loss, f64 gradient[n], f64 hessian[n (n + 1) / 2] (the upper triangle, row after
///             row), with n = feature_count + 1: the intercept is the last feature
///
/// A sum over rows is 16 sums, of every 16th row each, in order, folded in a fixed tree: the order
/// does not depend on the hardware's width. Without rows every sum is 0.
/// Source: McCullagh and Nelder, "Generalized Linear Models", 2nd ed., chapter 4.
Result<Bytes> logistic_newton(std::span<const ByteSpan> inputs) {
    constexpr std::string_view kernel = "logistic_newton";
    if (inputs.size() != 3) {
        return unexpected(
            ErrorCode::ShapeMismatch,
            "logistic_newton: " + std::to_string(inputs.size()) + " inputs were given, it reads 3");
    }
    const Result<WeightsView> model = read_weights(kernel, inputs[0]);
    if (!model) return unexpected(model.error());
    const Result<TileView> features = read_features(kernel, inputs[1], *model);
    if (!features) return unexpected(features.error());
    const Result<TileView> labels = read_labels(inputs[2], features->row_count);
    if (!labels) return unexpected(labels.error());

    const std::size_t feature_count = features->column_count;
    const std::size_t bands = (feature_count + tile_columns - 1) / tile_columns;
    const std::size_t columns = bands * tile_columns;
    Scratch rows{(columns + tile_columns + 3) * block_rows};
    Scratch sums{(3 + 2 * columns) * lane_sums + band_offset(columns, bands)};
    NewtonWork work;
    work.columns = columns;
    work.block = rows.data();
    work.weighted = work.block + columns * block_rows;
    work.terms = work.weighted + tile_columns * block_rows;
    work.row_sums = sums.data();
    work.border_sums = work.row_sums + 3 * lane_sums;
    work.pair_sums = work.border_sums + 2 * columns * lane_sums;
    const NewtonInput input{*model, *features, labels->values.data()};
    if (!HWY_DYNAMIC_DISPATCH(add_rows)(input, work)) return not_finite(kernel, *features);
    return folded(work, feature_count);
}

}  // namespace netcompute::kernels
#endif
