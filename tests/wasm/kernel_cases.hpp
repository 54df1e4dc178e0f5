#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/random.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace netcompute::testing {

/// One call of a kernel, for tests that compare builds and targets.
struct KernelCase {
    std::string kernel;
    std::uint32_t version = 1;
    std::vector<Bytes> inputs;
};

/// Calls of every kernel with random inputs: many shapes, among them row counts that are no
/// multiple of 16; values of every magnitude, with overflows on the way; and inputs that each
/// kernel must refuse.
[[nodiscard]] std::vector<KernelCase> kernel_cases();

/// A random problem of logistic regression, cut into shards.
struct TrainingData {
    std::vector<Bytes> feature_tiles;
    std::vector<Bytes> label_tiles;
    std::vector<std::uint32_t> row_counts;
    std::uint32_t feature_count = 0;
};
[[nodiscard]] TrainingData random_training_data(std::vector<std::uint32_t> row_counts,
                                                std::uint32_t feature_count, std::uint64_t seed);

}  // namespace netcompute::testing
