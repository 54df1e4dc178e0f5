#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/result.hpp>

#include <cstdint>
#include <span>
#include <vector>

namespace netcompute::kernels {

inline constexpr std::uint32_t neighbors_features_max = 1024;
inline constexpr std::uint32_t neighbors_classes_max = 250;
inline constexpr std::uint32_t neighbors_most = 1000;  ///< n_neighbors.
/// Features and targets of all rows that a model may hold: as f64 they fit in one frame.
inline constexpr std::uint64_t neighbors_values_max = 1'500'000;

/// Rows that were learned from, by which others are predicted: a model of nearest neighbours.
struct Neighbors {
    std::uint32_t class_count = 0;  ///< 0: targets are numbers.
    std::uint32_t feature_count = 0;
    std::uint32_t count = 1;       ///< How many neighbours are asked, at most all rows.
    bool by_distance = false;      ///< They weigh 1 / distance; else all the same.
    std::vector<double> features;  ///< [rows][feature_count].
    std::vector<double> targets;   ///< [rows]: places of classes, or numbers.
};

/// Scores of a row: one a class, or the number.
[[nodiscard]] constexpr std::uint32_t neighbors_width(std::uint32_t class_count) {
    return class_count == 0 ? 1 : class_count;
}

/// u32 class_count, feature_count, count, by_distance, u64 rows, f64 features, f64 targets: what
/// neighbor_scores@1 reads, and a model's canonical bytes.
[[nodiscard]] Bytes encode_neighbors(const Neighbors& neighbors);

/// Errors: ShapeMismatch for another size, or one beyond the limits; InvalidArgument for a number
/// that no model has.
[[nodiscard]] Result<Neighbors> decode_neighbors(ByteSpan bytes);

}  // namespace netcompute::kernels
