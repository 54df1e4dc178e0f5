#pragma once

#include <netcompute/kernels/network.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace netcompute::kernels {

/// to[r][c] = start[c] + sum over k, in order, of left[r][k] right[k][c]: each sum is of one lane,
/// so no width of vectors changes it. Columns are a multiple of 8.
struct Product {
    std::size_t rows = 0;
    std::size_t inner = 0;
    std::size_t columns = 0;
    const double* left = nullptr;
    std::size_t left_row = 0;    ///< From a row's value to the next row's.
    std::size_t left_inner = 0;  ///< From a value to the row's next one.
    const double* right = nullptr;
    const double* start = nullptr;  ///< Null: zeros.
    double* to = nullptr;
};
void multiply(const Product& product);

/// Values become what the activation makes of them. `count` is a multiple of 8.
void activate(Activation activation, double* values, std::size_t count);
/// Multiplies with the activation's slope where it gave `outputs`.
void multiply_slopes(Activation activation, const double* outputs, double* deltas,
                     std::size_t count);

/// A layer's place among weights whose rows of outputs are filled up to whole vectors with zeros.
struct NetworkLayer {
    std::size_t inputs = 0;
    std::size_t outputs = 0;
    std::size_t columns = 0;  ///< Outputs, rounded up to a multiple of 8.
    std::size_t weights = 0;  ///< [inputs][columns] begin here,
    std::size_t biases = 0;   ///< and [columns] here.
};

struct NetworkLayout {
    explicit NetworkLayout(const NetworkForm& form);

    /// From weights as a NetworkForm has them; `to` is zero.
    void fill(std::span<const double> weights, double* to) const;
    [[nodiscard]] std::vector<double> unfilled(const double* from) const;

    std::vector<NetworkLayer> layers;
    std::size_t size = 0;
    std::size_t columns_max = 0;
};

/// Scores of `rows` rows: `outputs[i]` is the memory of what layer i gives, [rows][columns].
void run_network(const NetworkLayout& layout, Activation activation, const double* weights,
                 const double* features, std::size_t rows, std::span<double* const> outputs);

}  // namespace netcompute::kernels
