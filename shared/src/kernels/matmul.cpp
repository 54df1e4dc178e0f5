#include "builtin.hpp"
#include "scratch.hpp"
#include <netcompute/kernels/matmul.hpp>

#include <algorithm>

#ifndef NETCOMPUTE_MATMUL_TYPES
#define NETCOMPUTE_MATMUL_TYPES
namespace netcompute::kernels {

/// Row-major matrices: c [rows][columns] += a [rows][inner] b [inner][columns].
template <typename T>
struct MatmulInput {
    std::size_t rows;
    std::size_t inner;
    std::size_t columns;
    const T* a;
    const T* b;
    T* c;
};

/// Rows of A that are packed at a time: with the depth they fit into half of a core's second cache.
inline constexpr std::size_t matmul_pack_rows = 96;
/// Columns of B are packed in tiles of at most so many.
inline constexpr std::size_t matmul_tile_columns_max = 64;
inline constexpr std::size_t matmul_depth = matmul_depth_unit;

}  // namespace netcompute::kernels
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "matmul.cpp"
#include <hwy/foreach_target.h>
//
#include "lanes-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace netcompute::kernels::HWY_NAMESPACE {

namespace hw = hwy::HWY_NAMESPACE;

struct F32 {
    using Floats = hw::ScalableTag<float>;
    static constexpr std::size_t lanes = HWY_LANES(float);
    hw::Vec<Floats> raw;

    static HWY_INLINE F32 set(float value) { return {hw::Set(Floats{}, value)}; }
    static HWY_INLINE F32 load(const float* from) { return {hw::LoadU(Floats{}, from)}; }
    HWY_INLINE void store(float* to) const { hw::StoreU(raw, Floats{}, to); }
    friend HWY_INLINE F32 operator+(F32 a, F32 b) { return {hw::Add(a.raw, b.raw)}; }
    friend HWY_INLINE F32 operator*(F32 a, F32 b) { return {hw::Mul(a.raw, b.raw)}; }
};

// A register tile: as large as the target has registers for, by measurement (bench/matmul_bench).
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
inline constexpr std::size_t matmul_tile_rows = 8;
#else
inline constexpr std::size_t matmul_tile_rows = 4;
#endif
inline constexpr std::size_t matmul_tile_vectors = 2;
static_assert(matmul_pack_rows % matmul_tile_rows == 0);

/// c[i][j] += the sum over k, in order, of a[k][i] b[k][j], for a tile. Lanes are columns, so the
/// order of a sum does not depend on their number.
template <typename V, typename T>
HWY_INLINE void add_tile(const T* HWY_RESTRICT a, const T* HWY_RESTRICT b, std::size_t depth, T* c,
                         std::size_t stride) {
    V sums[matmul_tile_rows][matmul_tile_vectors];
    for (auto& row : sums) {
        for (V& sum : row) sum = V::set(0);
    }
    for (std::size_t k = 0; k < depth; ++k) {
        V columns[matmul_tile_vectors];
        for (std::size_t j = 0; j < matmul_tile_vectors; ++j) {
            columns[j] = V::load(b + (k * matmul_tile_vectors + j) * V::lanes);
        }
        for (std::size_t i = 0; i < matmul_tile_rows; ++i) {
            const V factor = V::set(a[k * matmul_tile_rows + i]);
            for (std::size_t j = 0; j < matmul_tile_vectors; ++j) {
                sums[i][j] = sums[i][j] + factor * columns[j];
            }
        }
    }
    for (std::size_t i = 0; i < matmul_tile_rows; ++i) {
        for (std::size_t j = 0; j < matmul_tile_vectors; ++j) {
            T* const to = c + i * stride + j * V::lanes;
            (V::load(to) + sums[i][j]).store(to);
        }
    }
}

/// A tile that reaches over the edge of c, by a copy of it.
template <typename V, typename T>
void add_edge_tile(const T* a, const T* b, std::size_t depth, T* c, std::size_t stride,
                   std::size_t rows, std::size_t columns) {
    constexpr std::size_t width = matmul_tile_vectors * V::lanes;
    T tile[matmul_tile_rows * width] = {};
    for (std::size_t i = 0; i < rows; ++i) {
        std::copy_n(c + i * stride, columns, tile + i * width);
    }
    add_tile<V>(a, b, depth, tile, width);
    for (std::size_t i = 0; i < rows; ++i) {
        std::copy_n(tile + i * width, columns, c + i * stride);
    }
}

/// Rows of A side by side, tile after tile: [tile][k][tile row], zeros beyond the last row.
template <typename T>
void pack_rows(const MatmulInput<T>& input, std::size_t row, std::size_t rows, std::size_t k,
               std::size_t depth, T* packed) {
    for (std::size_t i = 0; i < rows; i += matmul_tile_rows) {
        for (std::size_t y = 0; y < matmul_tile_rows; ++y) {
            T* const to = packed + i * depth + y;
            const T* const from = input.a + (row + i + y) * input.inner + k;
            for (std::size_t at = 0; at < depth; ++at) {
                to[at * matmul_tile_rows] = i + y < rows ? from[at] : T{0};
            }
        }
    }
}

/// Columns of B: [tile][k][tile column], zeros beyond the last column.
template <typename V, typename T>
void pack_columns(const MatmulInput<T>& input, std::size_t k, std::size_t depth, T* packed) {
    constexpr std::size_t width = matmul_tile_vectors * V::lanes;
    static_assert(width <= matmul_tile_columns_max);
    for (std::size_t at = 0; at < depth; ++at) {
        const T* const from = input.b + (k + at) * input.columns;
        for (std::size_t j = 0; j < input.columns; j += width) {
            T* const to = packed + j * depth + at * width;
            const std::size_t here = std::min(width, input.columns - j);
            std::fill(std::copy_n(from + j, here, to), to + width, T{0});
        }
    }
}

template <typename V, typename T>
void multiply_blocks(const MatmulInput<T>& input, T* packed_rows, T* packed_columns) {
    constexpr std::size_t width = matmul_tile_vectors * V::lanes;
    for (std::size_t k = 0; k < input.inner; k += matmul_depth) {
        const std::size_t depth = std::min(matmul_depth, input.inner - k);
        pack_columns<V>(input, k, depth, packed_columns);
        for (std::size_t row = 0; row < input.rows; row += matmul_pack_rows) {
            const std::size_t rows = std::min(matmul_pack_rows, input.rows - row);
            pack_rows(input, row, rows, k, depth, packed_rows);
            for (std::size_t j = 0; j < input.columns; j += width) {
                const std::size_t columns = std::min(width, input.columns - j);
                for (std::size_t i = 0; i < rows; i += matmul_tile_rows) {
                    const std::size_t tile_rows = std::min(matmul_tile_rows, rows - i);
                    const T* const a = packed_rows + i * depth;
                    const T* const b = packed_columns + j * depth;
                    T* const c = input.c + (row + i) * input.columns + j;
                    if (tile_rows == matmul_tile_rows && columns == width) {
                        add_tile<V>(a, b, depth, c, input.columns);
                    } else {
                        add_edge_tile<V>(a, b, depth, c, input.columns, tile_rows, columns);
                    }
                }
            }
        }
    }
}

void multiply_f32(const MatmulInput<float>& input, float* packed_rows, float* packed_columns) {
    multiply_blocks<F32>(input, packed_rows, packed_columns);
}

void multiply_f64(const MatmulInput<double>& input, double* packed_rows, double* packed_columns) {
    multiply_blocks<F64>(input, packed_rows, packed_columns);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace netcompute::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace netcompute::kernels {

HWY_EXPORT(multiply_f32);
HWY_EXPORT(multiply_f64);

namespace {

constexpr std::size_t header_bytes = 40;

Unexpected refused(ErrorCode code, const std::string& what) {
    return unexpected(code, "matmul: " + what);
}

Result<MatmulTask> read_task(ByteSpan bytes) {
    MatmulTask task;
    ByteReader reader{bytes};
    for (std::uint32_t* const value : {&task.value_bytes, &task.rows, &task.inner, &task.columns,
                                       &task.first_row, &task.first_inner, &task.first_column}) {
        *value = reader.number<std::uint32_t>();
    }
    const auto padding = reader.number<std::uint32_t>();
    task.seed = reader.number<std::uint64_t>();
    if (!reader.finished() || padding != 0) {
        return refused(ErrorCode::ShapeMismatch, "its first input has " +
                                                     std::to_string(bytes.size()) + " bytes, not " +
                                                     std::to_string(header_bytes));
    }
    if (task.value_bytes != 4 && task.value_bytes != 8) {
        return refused(ErrorCode::InvalidArgument,
                       "values of " + std::to_string(task.value_bytes) + " bytes are not known");
    }
    const std::uint64_t edge = std::max(task.rows, task.columns);
    if (std::min({task.rows, task.inner, task.columns}) == 0 || edge > matmul_edge_max ||
        edge * task.inner > matmul_block_values_max) {
        return refused(ErrorCode::LimitExceeded, "a block of " + std::to_string(task.rows) + " x " +
                                                     std::to_string(task.inner) + " x " +
                                                     std::to_string(task.columns) +
                                                     " is empty or too large: cut it finer");
    }
    const std::uint64_t end = std::uint64_t{1} << 32;
    if (std::uint64_t{task.first_row} + task.rows > end ||
        std::uint64_t{task.first_inner} + task.inner > end ||
        std::uint64_t{task.first_column} + task.columns > end) {
        return refused(ErrorCode::InvalidArgument, "its block lies beyond row or column 2^32");
    }
    return task;
}

/// A block of a factor: where its values are, and the random ones.
template <typename T>
struct Factor {
    const T* values = nullptr;
    std::vector<T> own;
};

template <typename T>
Result<Factor<T>> take_factor(const MatmulTask& task, std::uint32_t matrix, ByteSpan bytes) {
    const std::uint32_t rows = matrix == 0 ? task.rows : task.inner;
    const std::uint32_t columns = matrix == 0 ? task.inner : task.columns;
    const std::size_t count = std::size_t{rows} * columns;
    Factor<T> factor;
    if (!bytes.empty()) {
        if (bytes.size() != count * sizeof(T)) {
            return refused(ErrorCode::ShapeMismatch,
                           std::to_string(bytes.size()) + " bytes are no matrix of " +
                               std::to_string(rows) + " x " + std::to_string(columns) +
                               " values of " + std::to_string(sizeof(T)) + " bytes");
        }
        factor.values = reinterpret_cast<const T*>(bytes.data());
        return factor;
    }
    factor.own.reserve(count);
    const std::uint32_t row = matrix == 0 ? task.first_row : task.first_inner;
    const std::uint32_t column = matrix == 0 ? task.first_inner : task.first_column;
    for (std::uint32_t i = 0; i < rows; ++i) {
        for (std::uint32_t j = 0; j < columns; ++j) {
            factor.own.push_back(
                static_cast<T>(random_matrix_value(task.seed, matrix, row + i, column + j)));
        }
    }
    factor.values = factor.own.data();
    return factor;
}

/// One NaN, of whatever kind the machine's are.
template <typename T>
void make_canonical(T* values, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        if (std::isnan(values[i])) values[i] = std::numeric_limits<T>::quiet_NaN();
    }
}

template <typename T, typename Multiply>
Result<Bytes> block_of_product(const MatmulTask& task, std::span<const ByteSpan> inputs,
                               const Multiply& multiply) {
    const Result<Factor<T>> a = take_factor<T>(task, 0, inputs[1]);
    if (!a) return unexpected(a.error());
    const Result<Factor<T>> b = take_factor<T>(task, 1, inputs[2]);
    if (!b) return unexpected(b.error());
    const std::size_t count = std::size_t{task.rows} * task.columns;
    const ByteSpan before = inputs[3];
    if (!before.empty() && before.size() != count * sizeof(T)) {
        return refused(ErrorCode::ShapeMismatch,
                       std::to_string(before.size()) + " bytes are no sums of " +
                           std::to_string(task.rows) + " x " + std::to_string(task.columns));
    }
    Bytes output(before.begin(), before.end());
    output.resize(count * sizeof(T));
    T* const values = reinterpret_cast<T*>(output.data());
    constexpr std::size_t per_double = sizeof(double) / sizeof(T);
    const std::size_t columns = task.columns + matmul_tile_columns_max;
    Scratch packed_rows{matmul_pack_rows * matmul_depth / per_double};
    Scratch packed_columns{columns * matmul_depth / per_double};
    multiply(MatmulInput<T>{task.rows, task.inner, task.columns, a->values, b->values, values},
             reinterpret_cast<T*>(packed_rows.data()), reinterpret_cast<T*>(packed_columns.data()));
    make_canonical(values, count);
    return output;
}

}  // namespace

Bytes encode_matmul(const MatmulTask& task) {
    Bytes bytes;
    ByteWriter writer{bytes};
    for (const std::uint32_t value :
         {task.value_bytes, task.rows, task.inner, task.columns, task.first_row, task.first_inner,
          task.first_column, std::uint32_t{0}}) {
        writer.number(value);
    }
    writer.number(task.seed);
    return bytes;
}

/// matmul@1: a block of a product of two matrices, for one part of the inner dimension.
///
///   task    encode_matmul()
///   a       f32 or f64 [rows][inner], or empty: random_matrix_value() of matrix 0
///   b       f32 or f64 [inner][columns], or empty: that of matrix 1
///   before  f32 or f64 [rows][columns]: what the parts before have summed up; or empty: zeros
///   output  f32 or f64 [rows][columns]: before + a b; a NaN is the quiet one
///
/// Each sum over the inner dimension is made in its order: of 256 products by themselves, and these
/// added to what there is. No product is fused with its sum. So neither the hardware's width nor
/// the cut into blocks changes a bit.
Result<Bytes> matmul(std::span<const ByteSpan> inputs) {
    if (inputs.size() != 4) {
        return refused(ErrorCode::ShapeMismatch,
                       std::to_string(inputs.size()) + " inputs were given, it reads 4");
    }
    const Result<MatmulTask> task = read_task(inputs[0]);
    if (!task) return unexpected(task.error());
    if (task->value_bytes == 4) {
        return block_of_product<float>(*task, inputs, [](const auto& input, float* a, float* b) {
            HWY_DYNAMIC_DISPATCH(multiply_f32)(input, a, b);
        });
    }
    return block_of_product<double>(*task, inputs, [](const auto& input, double* a, double* b) {
        HWY_DYNAMIC_DISPATCH(multiply_f64)(input, a, b);
    });
}

}  // namespace netcompute::kernels
#endif
