#include "logistic_input.hpp"
#include <netcompute/kernels/logistic.hpp>

#include <cmath>
#include <limits>
#include <string>

namespace netcompute::kernels {
namespace {

std::string named(std::string_view kernel, const std::string& message) {
    return std::string{kernel} + ": " + message;
}

Unexpected wrong_size(std::string_view what, std::size_t size, std::size_t expected) {
    return unexpected(ErrorCode::ShapeMismatch,
                      "an output of " + std::string{what} + " has " + std::to_string(size) +
                          " bytes, not " + std::to_string(expected) +
                          ": the worker that sent it runs another kernel");
}

std::vector<double> read_numbers(ByteSpan bytes) {
    std::vector<double> numbers(bytes.size() / sizeof(double));
    if (!numbers.empty()) std::memcpy(numbers.data(), bytes.data(), bytes.size());
    return numbers;
}

}  // namespace

Bytes encode_weights(std::span<const double> weights, double intercept) {
    Bytes bytes;
    ByteWriter writer{bytes};
    writer.numbers(weights);
    writer.number(intercept);
    return bytes;
}

Result<LogisticSums> decode_logistic_sums(ByteSpan output, std::uint32_t feature_count) {
    const std::size_t size = std::size_t{feature_count} + 1;
    const std::size_t expected = (1 + size + triangle_size(size)) * sizeof(double);
    if (output.size() != expected) return wrong_size("logistic_newton", output.size(), expected);
    LogisticSums sums;
    sums.loss = ByteReader{output}.number<double>();
    sums.gradient = read_numbers(output.subspan(sizeof(double), size * sizeof(double)));
    sums.hessian = read_numbers(output.subspan((1 + size) * sizeof(double)));
    return sums;
}

Result<std::vector<double>> decode_scores(ByteSpan output, std::uint32_t row_count) {
    const std::size_t expected = row_count * sizeof(double);
    if (output.size() != expected) return wrong_size("linear_scores", output.size(), expected);
    return read_numbers(output);
}

Result<WeightsView> read_weights(std::string_view kernel, ByteSpan bytes) {
    if (bytes.empty() || bytes.size() % sizeof(double) != 0) {
        return unexpected(ErrorCode::ShapeMismatch,
                          named(kernel, std::to_string(bytes.size()) +
                                            " bytes of weights are not f64 weights and intercept"));
    }
    if (reinterpret_cast<std::uintptr_t>(bytes.data()) % alignof(double) != 0) {
        return unexpected(ErrorCode::InvalidArgument,
                          named(kernel, "the weights do not start at an 8-byte boundary"));
    }
    const std::span numbers{reinterpret_cast<const double*>(bytes.data()),
                            bytes.size() / sizeof(double)};
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        if (!std::isfinite(numbers[i])) {
            return unexpected(ErrorCode::InvalidArgument,
                              named(kernel, "weight " + std::to_string(i) + " is " +
                                                std::to_string(numbers[i]) + ", not finite"));
        }
    }
    return WeightsView{numbers.first(numbers.size() - 1), numbers.back()};
}

Result<TileView> read_features(std::string_view kernel, ByteSpan bytes,
                               const WeightsView& weights) {
    Result<TileView> tile = decode_tile(bytes);
    if (!tile) {
        return unexpected(tile.error().code, named(kernel, "features: " + tile.error().message));
    }
    if (tile->column_count != weights.weights.size()) {
        return unexpected(ErrorCode::ShapeMismatch,
                          named(kernel, std::to_string(tile->column_count) + " features for " +
                                            std::to_string(weights.weights.size()) + " weights"));
    }
    if (tile->column_count > logistic_features_max) {
        return unexpected(
            ErrorCode::LimitExceeded,
            named(kernel, std::to_string(tile->column_count) + " features are more than " +
                              std::to_string(logistic_features_max) + ": leave some columns out"));
    }
    return tile;
}

Unexpected not_finite(std::string_view kernel, const TileView& features) {
    for (std::uint32_t column = 0; column < features.column_count; ++column) {
        const std::span<const double> values = features.column(column);
        for (std::uint32_t row = 0; row < features.row_count; ++row) {
            if (std::isfinite(values[row])) continue;
            return unexpected(ErrorCode::InvalidArgument,
                              named(kernel, "feature " + std::to_string(column) + " of row " +
                                                std::to_string(row) + " is " +
                                                std::to_string(values[row]) + ", not finite"));
        }
    }
    return unexpected(ErrorCode::Internal, named(kernel, "every feature is finite after all"));
}

double canonical(double value) {
    if (value != value) return std::numeric_limits<double>::quiet_NaN();
    return value + 0.0;  // -0 + 0 is +0; every other value stays.
}

}  // namespace netcompute::kernels
