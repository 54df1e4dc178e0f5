#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/result.hpp>

#include <cstdint>
#include <vector>

namespace netcompute::kernels {

inline constexpr std::uint32_t naive_bayes_classes_max = 250;
inline constexpr std::uint32_t naive_bayes_features_max = 1024;

/// Numbers of each class and feature: what naive_bayes_sums@1 reads first.
struct ClassCenters {
    std::uint32_t class_count = 0;
    std::uint32_t feature_count = 0;
    std::vector<double> values;  ///< Shape [class_count][feature_count], finite.
};

/// What naive_bayes_sums@1 returns: one shard's share. Shards add up.
struct ClassSums {
    std::vector<double> counts;   ///< Rows of each class.
    std::vector<double> sums;     ///< [class_count][feature_count]: of values less the center.
    std::vector<double> squares;  ///< Likewise: of their squares.
};

/// Classes whose features are independent and normal: a naive Bayes model.
struct GaussianClasses {
    std::uint32_t class_count = 0;
    std::uint32_t feature_count = 0;
    std::vector<double> priors;     ///< [class_count], above 0.
    std::vector<double> means;      ///< [class_count][feature_count].
    std::vector<double> variances;  ///< Likewise, above 0.
};

/// u32 class_count, u32 feature_count, f64 values.
[[nodiscard]] Bytes encode_class_centers(const ClassCenters& centers);

/// Reads the output of naive_bayes_sums@1. Errors: ShapeMismatch if its size is not that of so many
/// classes and features.
[[nodiscard]] Result<ClassSums> decode_class_sums(ByteSpan output, std::uint32_t class_count,
                                                  std::uint32_t feature_count);

/// u32 class_count, u32 feature_count, f64 priors, means, variances: what naive_bayes_scores@1
/// reads first, and a model's canonical bytes.
[[nodiscard]] Bytes encode_gaussian_classes(const GaussianClasses& classes);

/// Errors: ShapeMismatch for another size; InvalidArgument for a number that no model has.
[[nodiscard]] Result<GaussianClasses> decode_gaussian_classes(ByteSpan bytes);

}  // namespace netcompute::kernels
