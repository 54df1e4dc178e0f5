#pragma once

#include <netcompute/bytes.hpp>

#include <cstdint>

namespace netcompute::kernels {

enum class GeneratedKind : std::uint32_t { Classification, Regression, Blobs };

inline constexpr std::uint32_t generated_features_max = 1024;
inline constexpr std::uint32_t generated_classes_max = 100;
/// Of one task: features and target of its rows.
inline constexpr std::uint32_t generated_values_max = 1 << 20;

/// Rows [first_row, first_row + row_count) of a made-up table, which follow from the rest of it.
struct GenerateTask {
    GeneratedKind kind = GeneratedKind::Classification;
    std::uint32_t features = 1;
    std::uint32_t informative = 1;  ///< The first ones; the target depends on them alone.
    std::uint32_t redundant = 0;    ///< The next ones are sums of those; the rest is noise.
    std::uint32_t classes = 2;      ///< Or blobs.
    double separation = 1;          ///< Of classes: half an edge of the cube; of blobs: of the box.
    double noise = 0;               ///< Classes: the share of other labels. Numbers: a deviation.
    std::uint64_t seed = 0;
    std::uint64_t first_row = 0;
    std::uint64_t row_count = 0;
};

/// The input of generate@1.
[[nodiscard]] Bytes encode_generate(const GenerateTask& task);

}  // namespace netcompute::kernels
