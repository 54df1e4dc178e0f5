#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/result.hpp>

#include <cstdint>
#include <span>
#include <vector>

namespace netcompute::kernels {

// k-means over tiles of standardised features. Sums of rows are of whole numbers of 2^-32, so no
// order of adding changes a bit. Sources: Lloyd, "Least squares quantization in PCM" (1982); Arthur
// and Vassilvitskii, "k-means++: the advantages of careful seeding", SODA 2007.

inline constexpr std::uint32_t kmeans_clusters_max = 1000;
inline constexpr std::uint32_t kmeans_features_max = 4096;
inline constexpr std::uint32_t kmeans_starts_max = 100;
/// Values must be smaller in size: standardised ones are at most the root of the number of rows.
inline constexpr double kmeans_value_max = 0x1p18;

/// Points, a start after another: shape [starts][count][features].
struct KMeansPoints {
    std::uint32_t starts = 1;
    std::uint32_t count = 0;
    std::uint32_t features = 0;
    std::vector<double> values;

    [[nodiscard]] std::span<const double> of_start(std::uint32_t start) const {
        const std::size_t size = std::size_t{count} * features;
        return std::span{values}.subspan(start * size, size);
    }
    [[nodiscard]] std::span<double> point(std::uint32_t start, std::uint32_t index) {
        return std::span{values}.subspan((std::size_t{start} * count + index) * features, features);
    }
};
/// u32 starts, u32 count, u32 features, u32 0, f64 values[starts][count][features].
[[nodiscard]] Bytes encode_kmeans_points(const KMeansPoints& points);
/// Errors: ShapeMismatch for another size; InvalidArgument for a value that is not finite.
[[nodiscard]] Result<KMeansPoints> decode_kmeans_points(ByteSpan bytes);

/// The own input of the kernels: which start, and, of kmeans_seeding@1, where rows are picked.
[[nodiscard]] Bytes encode_kmeans_task(std::uint32_t start, std::span<const double> picks = {});

/// The output of kmeans_seeding@1.
struct KMeansSeeding {
    /// For each candidate: the sum over rows of the squared distance to the nearest of the centers
    /// and it.
    std::vector<double> potentials;
    std::vector<double> picked;  ///< The picked rows, shape [picks][features].
};
/// Errors: ShapeMismatch for another size; InvalidArgument for a number that is not finite.
[[nodiscard]] Result<KMeansSeeding> decode_kmeans_seeding(ByteSpan output, std::uint32_t candidates,
                                                          std::uint32_t picks,
                                                          std::uint32_t features);

/// The output of kmeans_sums@1: the rows next to each center.
struct KMeansSums {
    std::vector<std::int64_t> counts;  ///< Shape [centers].
    std::vector<std::int64_t> sums;    ///< Shape [centers][features], in units of 2^-32.
};
inline constexpr double kmeans_unit = 0x1p-32;
/// Errors: ShapeMismatch for another size.
[[nodiscard]] Result<KMeansSums> decode_kmeans_sums(ByteSpan output, std::uint32_t centers,
                                                    std::uint32_t features);

}  // namespace netcompute::kernels
