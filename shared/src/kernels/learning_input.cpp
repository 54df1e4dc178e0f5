#include "learning_input.hpp"

#include "logistic_input.hpp"

#include <algorithm>
#include <cmath>

namespace netcompute::kernels {
namespace {

Unexpected named(std::string_view kernel, ErrorCode code, const std::string& message) {
    return unexpected(code, std::string{kernel} + ": " + message);
}

}  // namespace

Result<TileView> read_finite_features(std::string_view kernel, ByteSpan bytes,
                                      std::uint32_t feature_count) {
    Result<TileView> tile = decode_tile(bytes);
    if (!tile) return named(kernel, tile.error().code, "features: " + tile.error().message);
    if (tile->column_count != feature_count) {
        return named(kernel, ErrorCode::ShapeMismatch,
                     "a tile has " + std::to_string(tile->column_count) + " features, not " +
                         std::to_string(feature_count));
    }
    for (const double value : tile->values) {
        if (!std::isfinite(value)) return not_finite(kernel, *tile);
    }
    return tile;
}

Result<std::span<const double>> read_targets_of(std::string_view kernel, ByteSpan bytes,
                                                std::uint32_t row_count,
                                                std::uint32_t class_count) {
    const Result<TileView> tile = decode_tile(bytes);
    if (!tile) return named(kernel, tile.error().code, "labels: " + tile.error().message);
    if (tile->column_count != 1 || tile->row_count != row_count) {
        return named(kernel, ErrorCode::ShapeMismatch,
                     "labels have " + std::to_string(tile->row_count) + " rows x " +
                         std::to_string(tile->column_count) + " columns for features of " +
                         std::to_string(row_count) + " rows");
    }
    for (std::uint32_t row = 0; row < row_count; ++row) {
        const double label = tile->values[row];
        const bool is_good = class_count == 0
                                 ? std::isfinite(label)
                                 : label >= 0 && label < class_count && label == std::trunc(label);
        if (is_good) continue;
        return named(kernel, ErrorCode::InvalidArgument,
                     "the label of row " + std::to_string(row) + " is " + std::to_string(label) +
                         (class_count == 0 ? ", not finite" : ", the place of no class"));
    }
    return tile->values;
}

Result<RowsOfTile> read_rows_of_tile(std::string_view kernel, ByteSpan bytes,
                                     std::uint32_t row_count) {
    ByteReader reader{bytes};
    const auto first = reader.number<std::uint32_t>();
    const auto count = reader.number<std::uint32_t>();
    if (reader.finished() && first <= row_count && count <= row_count - first) {
        return RowsOfTile{first, count};
    }
    return named(kernel, ErrorCode::ShapeMismatch,
                 "an own input of " + std::to_string(bytes.size()) + " bytes names no rows of a " +
                     "tile of " + std::to_string(row_count));
}

Unexpected wrong_input_count(std::string_view kernel, std::size_t given, std::string_view due) {
    return named(kernel, ErrorCode::ShapeMismatch,
                 std::to_string(given) + " inputs were given, it reads " + std::string{due});
}

void take_16_rows(const TileView& tile, std::size_t first, std::size_t count, double* rows) {
    for (std::uint32_t i = 0; i < tile.column_count; ++i) {
        double* const to = rows + std::size_t{i} * 16;
        std::copy_n(tile.column(i).data() + first, count, to);
        std::fill(to + count, to + 16, 0.0);
    }
}

}  // namespace netcompute::kernels
