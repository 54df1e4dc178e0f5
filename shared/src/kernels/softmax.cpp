#include "builtin.hpp"
#include "logistic_input.hpp"
#include "products.hpp"
#include "scratch.hpp"
#include <netcompute/kernels/logistic.hpp>
#include <netcompute/kernels/softmax.hpp>

#include <algorithm>
#include <vector>

#ifndef NETCOMPUTE_SOFTMAX_TYPES
#define NETCOMPUTE_SOFTMAX_TYPES
namespace netcompute::kernels {

/// One call's memory. Classes and features are rounded up to whole register tiles.
struct SoftmaxWork {
    std::size_t classes;   ///< A multiple of tile_columns.
    std::size_t columns;   ///< Features, rounded up.
    double* block;         ///< [columns][block_rows]: the features of the block's rows.
    double* scores;        ///< [classes][block_rows]: of each row; then residuals.
    double* losses;        ///< [block_rows].
    double* loss_sums;     ///< [16].
    double* class_sums;    ///< [classes][16]: of residuals.
    double* product_sums;  ///< [classes][columns][16]: of residuals times features.
};

struct SoftmaxInput {
    std::span<const WeightsView> models;  ///< One a class.
    TileView features;
    const double* labels;  ///< Null where scores alone are asked for.
};

}  // namespace netcompute::kernels
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "softmax.cpp"
#include <hwy/foreach_target.h>
//
#include "math-inl.hpp"
#include "products-inl.hpp"
#include "scores-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace netcompute::kernels::HWY_NAMESPACE {

HWY_INLINE void score_classes(const SoftmaxInput& input, std::size_t rows,
                              const SoftmaxWork& work) {
    for (std::size_t c = 0; c < input.models.size(); ++c) {
        for (std::size_t r = 0; r < rows; r += row_lanes) {
            score_rows(input.models[c], work.block + r, block_rows,
                       work.scores + c * block_rows + r);
        }
    }
}

/// Turns the scores of the block's rows into residuals, p - 1 for the row's class and p for others,
/// and finds the losses: ln(sum of e^score) - score of the row's class.
HWY_INLINE void find_residuals(const SoftmaxInput& input, std::size_t first_row, std::size_t rows,
                               const SoftmaxWork& work) {
    const std::size_t classes = input.models.size();
    for (std::size_t r = 0; r < rows; r += F64::lanes) {
        double own[F64::lanes];  // Rows beyond the end are of class 0; they are cleared below.
        for (std::size_t l = 0; l < F64::lanes; ++l) {
            own[l] = r + l < rows ? input.labels[first_row + r + l] : 0;
        }
        const F64 label = F64::load(own);
        F64 largest = F64::load(work.scores + r);
        for (std::size_t c = 1; c < classes; ++c) {
            const F64 score = F64::load(work.scores + c * block_rows + r);
            largest = F64::select(largest < score, score, largest);
        }
        F64 sum = F64::set(0);
        F64 own_score = F64::set(0);
        for (std::size_t c = 0; c < classes; ++c) {
            double* const at = work.scores + c * block_rows + r;
            const F64 distance = F64::load(at) - largest;
            const auto is_own = label == F64::set(static_cast<double>(c));
            own_score = F64::select(is_own, distance, own_score);
            const F64 power = exp(distance);
            sum = sum + power;
            power.store(at);
        }
        (log(sum) - own_score).store(work.losses + r);
        // What is left to 1 is the sum of the others' powers, which loses nothing near 1.
        F64 rest = F64::set(0);
        for (std::size_t c = 0; c < classes; ++c) {
            const auto is_own = label == F64::set(static_cast<double>(c));
            const F64 power = F64::load(work.scores + c * block_rows + r);
            rest = rest + F64::select(is_own, F64::set(0), power);
        }
        for (std::size_t c = 0; c < classes; ++c) {
            double* const at = work.scores + c * block_rows + r;
            const auto is_own = label == F64::set(static_cast<double>(c));
            const F64 share = F64::select(is_own, F64::set(0) - rest, F64::load(at)) / sum;
            share.store(at);
        }
    }
    std::fill(work.losses + rows, work.losses + block_rows, 0.0);
    for (std::size_t c = 0; c < classes; ++c) {
        double* const residuals = work.scores + c * block_rows;
        std::fill(residuals + rows, residuals + block_rows, 0.0);
    }
}

HWY_INLINE void add_lanes(const double* values, double* sums) {
    for (std::size_t lane = 0; lane < lane_sums; lane += F64::lanes) {
        F64 sum = F64::load(sums + lane);
        for (std::size_t r = lane; r < block_rows; r += lane_sums)
            sum = sum + F64::load(values + r);
        sum.store(sums + lane);
    }
}

/// Returns whether every feature is finite; if not, the sums are worthless.
bool add_softmax_rows(const SoftmaxInput& input, const SoftmaxWork& work) {
    const std::size_t row_count = input.features.row_count;
    for (std::size_t row = 0; row < row_count; row += block_rows) {
        const std::size_t here = std::min(block_rows, row_count - row);
        if (!fill_block(input.features, row, here, work.block)) return false;
        score_classes(input, here, work);
        find_residuals(input, row, here, work);
        add_lanes(work.losses, work.loss_sums);
        for (std::size_t c = 0; c < input.models.size(); ++c) {
            add_lanes(work.scores + c * block_rows, work.class_sums + c * lane_sums);
        }
        const std::size_t stride = work.columns * lane_sums;
        for (std::size_t j = 0; j < work.columns; j += tile_columns) {
            for (std::size_t c = 0; c < work.classes; c += tile_rows) {
                add_products<tile_rows>(work.scores + c * block_rows, work.block + j * block_rows,
                                        work.product_sums + c * stride + j * lane_sums, stride);
            }
        }
    }
    return true;
}

/// Writes [rows][classes] of all rows.
bool score_softmax_rows(const SoftmaxInput& input, const SoftmaxWork& work, double* to) {
    const std::size_t row_count = input.features.row_count;
    const std::size_t classes = input.models.size();
    for (std::size_t row = 0; row < row_count; row += block_rows) {
        const std::size_t here = std::min(block_rows, row_count - row);
        if (!fill_block(input.features, row, here, work.block)) return false;
        score_classes(input, here, work);
        for (std::size_t r = 0; r < here; ++r) {
            for (std::size_t c = 0; c < classes; ++c) *to++ = work.scores[c * block_rows + r];
        }
    }
    return true;
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace netcompute::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <string>

namespace netcompute::kernels {

HWY_EXPORT(add_softmax_rows);
HWY_EXPORT(score_softmax_rows);

namespace {

constexpr std::size_t weights_header = 8;

std::string named(std::string_view kernel, const std::string& message) {
    return std::string{kernel} + ": " + message;
}

/// The weights of each class, and the features, of the first two inputs.
struct SoftmaxModel {
    std::vector<WeightsView> classes;
    TileView features;
};

Result<SoftmaxModel> read_softmax_model(std::string_view kernel, std::span<const ByteSpan> inputs) {
    ByteReader header{inputs[0]};
    const auto classes = header.number<std::uint32_t>();
    const auto zero = header.number<std::uint32_t>();
    if (!header.ok() || zero != 0 || classes < 2 || classes > softmax_classes_max ||
        header.left() % (classes * sizeof(double)) != 0) {
        return unexpected(ErrorCode::ShapeMismatch,
                          named(kernel, std::to_string(inputs[0].size()) +
                                            " bytes of weights are not those of 2 to " +
                                            std::to_string(softmax_classes_max) + " classes"));
    }
    SoftmaxModel model;
    const std::size_t size = header.left() / classes;
    for (std::uint32_t c = 0; c < classes; ++c) {
        const auto weights =
            read_weights(kernel, inputs[0].subspan(weights_header + c * size, size));
        if (!weights) return unexpected(weights.error());
        model.classes.push_back(*weights);
    }
    const auto features = read_features(kernel, inputs[1], model.classes.front());
    if (!features) return unexpected(features.error());
    model.features = *features;
    return model;
}

Result<const double*> read_class_labels(ByteSpan bytes, std::uint32_t rows, std::size_t classes) {
    constexpr std::string_view kernel = "softmax_gradient";
    const Result<TileView> labels = decode_tile(bytes);
    if (!labels) {
        return unexpected(labels.error().code, named(kernel, "labels: " + labels.error().message));
    }
    if (labels->column_count != 1 || labels->row_count != rows) {
        return unexpected(
            ErrorCode::ShapeMismatch,
            named(kernel, "labels have " + std::to_string(labels->row_count) + " rows x " +
                              std::to_string(labels->column_count) + " columns for features of " +
                              std::to_string(rows) + " rows"));
    }
    for (std::uint32_t row = 0; row < rows; ++row) {
        const double label = labels->values[row];
        const bool is_class = label >= 0 && label < static_cast<double>(classes) &&
                              label == static_cast<double>(static_cast<std::uint32_t>(label));
        if (is_class) continue;
        return unexpected(ErrorCode::InvalidArgument,
                          named(kernel, "the label of row " + std::to_string(row) + " is " +
                                            std::to_string(label) + ", the place of no class"));
    }
    return labels->values.data();
}

Unexpected wrong_inputs(std::string_view kernel, std::size_t given, std::size_t due) {
    return unexpected(ErrorCode::ShapeMismatch,
                      named(kernel, std::to_string(given) + " inputs were given, it reads " +
                                        std::to_string(due)));
}

}  // namespace

Bytes encode_softmax_weights(std::uint32_t class_count, std::span<const double> weights) {
    Bytes bytes;
    ByteWriter writer{bytes};
    writer.number(class_count);
    writer.number(std::uint32_t{0});
    writer.numbers(weights);
    return bytes;
}

Result<SoftmaxSums> decode_softmax_sums(ByteSpan output, std::size_t weight_count) {
    const std::size_t expected = (1 + weight_count) * sizeof(double);
    if (output.size() != expected) {
        return unexpected(ErrorCode::ShapeMismatch,
                          "an output of softmax_gradient has " + std::to_string(output.size()) +
                              " bytes, not " + std::to_string(expected) +
                              ": the worker that sent it runs another kernel");
    }
    SoftmaxSums sums;
    ByteReader reader{output};
    sums.loss = reader.number<double>();
    sums.gradient.resize(weight_count);
    for (double& entry : sums.gradient) entry = reader.number<double>();
    return sums;
}

/// softmax_gradient@1: the log-loss of one shard of rows of several classes, with its gradient.
///
///   weights   encode_softmax_weights(); finite
///   features  a tile [feature_count][row_count], finite
///   labels    a tile [1][row_count], each the place of a class
///   output    f64 loss, f64 gradient[class_count][feature_count + 1], the intercept last
///
/// A sum over rows is 16 sums, of every 16th row each, in order, folded in a fixed tree; a sum over
/// classes is in their order. Without rows every sum is 0.
/// Source: Bishop, "Pattern Recognition and Machine Learning", section 4.3.4.
Result<Bytes> softmax_gradient(std::span<const ByteSpan> inputs) {
    constexpr std::string_view kernel = "softmax_gradient";
    if (inputs.size() != 3) return wrong_inputs(kernel, inputs.size(), 3);
    const auto model = read_softmax_model(kernel, inputs);
    if (!model) return unexpected(model.error());
    const std::size_t classes = model->classes.size();
    const auto labels = read_class_labels(inputs[2], model->features.row_count, classes);
    if (!labels) return unexpected(labels.error());

    const std::size_t features = model->features.column_count;
    SoftmaxWork work{};
    work.classes = whole_tiles(classes);
    work.columns = whole_tiles(features);
    Scratch rows{(work.columns + work.classes + 1) * block_rows};
    Scratch sums{(1 + work.classes + work.classes * work.columns) * lane_sums};
    work.block = rows.data();
    work.scores = work.block + work.columns * block_rows;
    work.losses = work.scores + work.classes * block_rows;
    work.loss_sums = sums.data();
    work.class_sums = work.loss_sums + lane_sums;
    work.product_sums = work.class_sums + work.classes * lane_sums;
    const SoftmaxInput input{model->classes, model->features, *labels};
    if (!HWY_DYNAMIC_DISPATCH(add_softmax_rows)(input, work)) {
        return not_finite(kernel, model->features);
    }
    Bytes output;
    output.reserve((1 + classes * (features + 1)) * sizeof(double));
    ByteWriter writer{output};
    writer.number(fold_lanes(work.loss_sums));
    for (std::size_t c = 0; c < classes; ++c) {
        for (std::size_t j = 0; j < features; ++j) {
            writer.number(fold_lanes(work.product_sums + (c * work.columns + j) * lane_sums));
        }
        writer.number(fold_lanes(work.class_sums + c * lane_sums));
    }
    return output;
}

/// softmax_scores@1: the scores (logits) of each class of rows.
///
///   weights   encode_softmax_weights(); finite
///   features  a tile [feature_count][row_count], finite
///   output    f64 scores[row_count][class_count]
///
/// Features are summed in order, so no width changes a sum.
Result<Bytes> softmax_scores(std::span<const ByteSpan> inputs) {
    constexpr std::string_view kernel = "softmax_scores";
    if (inputs.size() != 2) return wrong_inputs(kernel, inputs.size(), 2);
    const auto model = read_softmax_model(kernel, inputs);
    if (!model) return unexpected(model.error());
    SoftmaxWork work{};
    work.columns = whole_tiles(model->features.column_count);
    Scratch rows{(work.columns + model->classes.size()) * block_rows};
    work.block = rows.data();
    work.scores = work.block + work.columns * block_rows;
    std::vector<double> scores(std::size_t{model->features.row_count} * model->classes.size());
    const SoftmaxInput input{model->classes, model->features, nullptr};
    if (!HWY_DYNAMIC_DISPATCH(score_softmax_rows)(input, work, scores.data())) {
        return not_finite(kernel, model->features);
    }
    for (double& score : scores) score = canonical(score);
    const ByteSpan bytes = std::as_bytes(std::span{scores});
    return Bytes(bytes.begin(), bytes.end());
}

}  // namespace netcompute::kernels
#endif
