#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/random.hpp>

#include <cstdint>

namespace netcompute::kernels {

/// The most rows and columns of a block of the product, and values of a block of either factor.
inline constexpr std::uint32_t matmul_edge_max = 1024;
inline constexpr std::uint32_t matmul_block_values_max = 1024 * 4096;
/// So many products are added up by themselves before they are added to what there is. Whoever cuts
/// the inner dimension cuts it at multiples of this: then the cut changes no bit.
inline constexpr std::uint32_t matmul_depth_unit = 256;

/// One task of matmul@1: a block of the product, of one part of the inner dimension.
struct MatmulTask {
    std::uint32_t value_bytes = 4;  ///< 4: f32, 8: f64.
    std::uint32_t rows = 0;
    std::uint32_t inner = 0;
    std::uint32_t columns = 0;
    std::uint32_t first_row = 0;  ///< Where the block lies: for random matrices.
    std::uint32_t first_inner = 0;
    std::uint32_t first_column = 0;
    std::uint64_t seed = 0;  ///< Of random matrices.
};

/// The first input of matmul@1.
[[nodiscard]] Bytes encode_matmul(const MatmulTask& task);

/// A value of a random matrix (number 0 is A, 1 is B): uniform in (-1, 1), a multiple of 2^-32. As
/// an f32 it is rounded.
[[nodiscard]] constexpr double random_matrix_value(std::uint64_t seed, std::uint32_t matrix,
                                                   std::uint32_t row, std::uint32_t column) {
    const Philox::Block words =
        Philox::block({column / 4, row, matrix, 0x6d61746d},
                      {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
    return (static_cast<double>(words[column % 4]) + 0.5) * 0x1p-31 - 1;
}

}  // namespace netcompute::kernels
