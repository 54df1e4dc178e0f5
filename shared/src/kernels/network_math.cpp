#include "network_math.hpp"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "network_math.cpp"
#include <hwy/foreach_target.h>
//
#include "lanes-inl.hpp"
#include "math-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace netcompute::kernels::HWY_NAMESPACE {

/// Columns that a register tile takes, whatever the hardware's width.
inline constexpr std::size_t tile_width = 8;
inline constexpr std::size_t tile_vectors = tile_width / F64::lanes;
/// Rows of a register tile: as many as the target has registers for. No sum depends on it.
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
inline constexpr std::size_t tile_height = 8;
#elif HWY_TARGET == HWY_AVX2
inline constexpr std::size_t tile_height = 4;
#else
inline constexpr std::size_t tile_height = 2;
#endif

template <std::size_t height>
HWY_INLINE void multiply_tile(const Product& product, std::size_t row, std::size_t column) {
    F64 sums[height][tile_vectors];
    for (std::size_t v = 0; v < tile_vectors; ++v) {
        const F64 start = product.start == nullptr
                              ? F64::set(0)
                              : F64::load(product.start + column + v * F64::lanes);
        for (std::size_t r = 0; r < height; ++r) sums[r][v] = start;
    }
    const double* left = product.left + row * product.left_row;
    const double* right = product.right + column;
    for (std::size_t k = 0; k < product.inner; ++k) {
        F64 columns[tile_vectors];
        for (std::size_t v = 0; v < tile_vectors; ++v) {
            columns[v] = F64::load(right + v * F64::lanes);
        }
        for (std::size_t r = 0; r < height; ++r) {
            const F64 factor = F64::set(left[r * product.left_row]);
            for (std::size_t v = 0; v < tile_vectors; ++v) {
                sums[r][v] = sums[r][v] + factor * columns[v];
            }
        }
        left += product.left_inner;
        right += product.columns;
    }
    for (std::size_t r = 0; r < height; ++r) {
        double* const to = product.to + (row + r) * product.columns + column;
        for (std::size_t v = 0; v < tile_vectors; ++v) sums[r][v].store(to + v * F64::lanes);
    }
}

void multiply_all(const Product& product) {
    for (std::size_t column = 0; column < product.columns; column += tile_width) {
        std::size_t row = 0;
        for (; row + tile_height <= product.rows; row += tile_height) {
            multiply_tile<tile_height>(product, row, column);
        }
        for (; row < product.rows; ++row) multiply_tile<1>(product, row, column);
    }
}

/// (1 - e) / (1 + e) with e = e^-2|x|, and the sign of x. Near 0 it is off by 1e-16, not by that
/// share of itself.
HWY_INLINE F64 hyperbolic_tangent(F64 x) {
    const F64 e = exp_of_minus_absolute(x + x);
    const F64 size = (F64::set(1) - e) / (F64::set(1) + e);
    return F64::select(x < F64::set(0), F64::set(0) - size, size);
}

void activate_all(Activation activation, double* values, std::size_t count) {
    for (std::size_t i = 0; i < count; i += F64::lanes) {
        const F64 x = F64::load(values + i);
        F64 y = x;
        if (activation == Activation::Relu) {
            y = F64::select(F64::set(0) < x, x, F64::set(0));
        } else if (activation == Activation::Tanh) {
            y = hyperbolic_tangent(x);
        } else {
            y = sigmoid(x);
        }
        y.store(values + i);
    }
}

void multiply_all_slopes(Activation activation, const double* outputs, double* deltas,
                         std::size_t count) {
    const F64 zero = F64::set(0);
    const F64 one = F64::set(1);
    for (std::size_t i = 0; i < count; i += F64::lanes) {
        const F64 y = F64::load(outputs + i);
        const F64 delta = F64::load(deltas + i);
        F64 slope = one;
        if (activation == Activation::Relu) {
            slope = F64::select(zero < y, one, zero);
        } else if (activation == Activation::Tanh) {
            slope = one - y * y;
        } else {
            slope = y * (one - y);
        }
        (delta * slope).store(deltas + i);
    }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace netcompute::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace netcompute::kernels {

HWY_EXPORT(multiply_all);
HWY_EXPORT(activate_all);
HWY_EXPORT(multiply_all_slopes);

void multiply(const Product& product) {
    HWY_DYNAMIC_DISPATCH(multiply_all)(product);
}

void activate(Activation activation, double* values, std::size_t count) {
    HWY_DYNAMIC_DISPATCH(activate_all)(activation, values, count);
}

void multiply_slopes(Activation activation, const double* outputs, double* deltas,
                     std::size_t count) {
    HWY_DYNAMIC_DISPATCH(multiply_all_slopes)(activation, outputs, deltas, count);
}

NetworkLayout::NetworkLayout(const NetworkForm& form) {
    for (std::size_t i = 0; i + 1 < form.widths.size(); ++i) {
        NetworkLayer layer;
        layer.inputs = form.widths[i];
        layer.outputs = form.widths[i + 1];
        layer.columns = (layer.outputs + 7) / 8 * 8;
        layer.weights = size;
        layer.biases = size + layer.inputs * layer.columns;
        size = layer.biases + layer.columns;
        columns_max = std::max(columns_max, layer.columns);
        layers.push_back(layer);
    }
}

void NetworkLayout::fill(std::span<const double> weights, double* to) const {
    const double* from = weights.data();
    for (const NetworkLayer& layer : layers) {
        for (std::size_t i = 0; i <= layer.inputs; ++i) {  // The last one: the biases.
            std::copy_n(from, layer.outputs, to + layer.weights + i * layer.columns);
            from += layer.outputs;
        }
    }
}

std::vector<double> NetworkLayout::unfilled(const double* from) const {
    std::vector<double> weights;
    for (const NetworkLayer& layer : layers) {
        for (std::size_t i = 0; i <= layer.inputs; ++i) {
            const double* const row = from + layer.weights + i * layer.columns;
            weights.insert(weights.end(), row, row + layer.outputs);
        }
    }
    return weights;
}

void run_network(const NetworkLayout& layout, Activation activation, const double* weights,
                 const double* features, std::size_t rows, std::span<double* const> outputs) {
    const double* inputs = features;
    std::size_t stride = layout.layers.front().inputs;
    for (std::size_t i = 0; i < layout.layers.size(); ++i) {
        const NetworkLayer& layer = layout.layers[i];
        multiply({rows, layer.inputs, layer.columns, inputs, stride, 1, weights + layer.weights,
                  weights + layer.biases, outputs[i]});
        if (i + 1 < layout.layers.size()) activate(activation, outputs[i], rows * layer.columns);
        inputs = outputs[i];
        stride = layer.columns;
    }
}

}  // namespace netcompute::kernels
#endif
