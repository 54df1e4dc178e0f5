// Sums of products over rows, as kernels add up gradients and matrices; included once a target.
#if defined(NETCOMPUTE_PRODUCTS_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef NETCOMPUTE_PRODUCTS_INL_HPP
#undef NETCOMPUTE_PRODUCTS_INL_HPP
#else
#define NETCOMPUTE_PRODUCTS_INL_HPP
#endif

#include "lanes-inl.hpp"
#include "products.hpp"

#include <algorithm>

HWY_BEFORE_NAMESPACE();
namespace netcompute::kernels::HWY_NAMESPACE {

/// Rows of a register tile: as many as the target has registers for.
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
inline constexpr std::size_t tile_rows = 4;
#else
inline constexpr std::size_t tile_rows = 2;
#endif
static_assert(tile_columns % tile_rows == 0);

/// Adds left[i][r] * right[j][r] over the block's rows to sums[i][j][r mod 16].
template <std::size_t left_count>
HWY_INLINE void add_products(const double* left, const double* right, double* sums,
                             std::size_t sums_stride) {
    for (std::size_t lane = 0; lane < lane_sums; lane += F64::lanes) {
        F64 products[left_count][tile_columns];
        for (std::size_t i = 0; i < left_count; ++i) {
            for (std::size_t j = 0; j < tile_columns; ++j) {
                products[i][j] = F64::load(sums + i * sums_stride + j * lane_sums + lane);
            }
        }
        for (std::size_t r = lane; r < block_rows; r += lane_sums) {
            F64 factors[left_count];
            for (std::size_t i = 0; i < left_count; ++i) {
                factors[i] = F64::load(left + i * block_rows + r);
            }
            for (std::size_t j = 0; j < tile_columns; ++j) {
                const F64 column = F64::load(right + j * block_rows + r);
                for (std::size_t i = 0; i < left_count; ++i) {
                    products[i][j] = products[i][j] + factors[i] * column;
                }
            }
        }
        for (std::size_t i = 0; i < left_count; ++i) {
            for (std::size_t j = 0; j < tile_columns; ++j) {
                products[i][j].store(sums + i * sums_stride + j * lane_sums + lane);
            }
        }
    }
}

/// Copies `row_count` rows from `first_row` on to the block, zeros after them. Returns whether all
/// of them are finite.
HWY_INLINE bool fill_block(const TileView& features, std::size_t first_row, std::size_t row_count,
                           double* block) {
    F64 nans = F64::set(0);
    const F64 zero = F64::set(0);
    for (std::size_t c = 0; c < features.column_count; ++c) {
        const double* const from = features.values.data() + c * features.row_count + first_row;
        double* const to = block + c * block_rows;
        std::copy_n(from, row_count, to);
        std::fill(to + row_count, to + block_rows, 0.0);
        // A finite number times 0 is 0; an infinity or a NaN makes a NaN, which stays.
        for (std::size_t r = 0; r < block_rows; r += F64::lanes) {
            nans = nans + F64::load(to + r) * zero;
        }
    }
    double lanes[F64::lanes];
    nans.store(lanes);
    return std::all_of(lanes, lanes + F64::lanes, [](double lane) { return lane == 0; });
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace netcompute::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
