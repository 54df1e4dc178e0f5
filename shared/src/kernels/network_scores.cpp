#include "builtin.hpp"
#include "learning_input.hpp"
#include "logistic_input.hpp"
#include "network_math.hpp"
#include "scratch.hpp"

#include <algorithm>
#include <string>

namespace netcompute::kernels {

/// network_scores@1: what a multi-layer perceptron says of some rows.
///
///   network   encode_network()
///   features  a tile [feature_count][row_count], finite
///   rows      encode_rows_of_tile()
///   output    f64 scores[rows][outputs]: log-odds, logits or a number
Result<Bytes> network_scores(std::span<const ByteSpan> inputs) {
    constexpr std::string_view name = "network_scores";
    if (inputs.size() != 3) return wrong_input_count(name, inputs.size(), "3");
    const auto network = decode_network(inputs[0]);
    if (!network) {
        return unexpected(network.error().code, std::string{name} + ": " + network.error().message);
    }
    const std::uint32_t width = network->form.widths.front();
    const auto tile = read_finite_features(name, inputs[1], width);
    if (!tile) return unexpected(tile.error());
    const auto range = read_rows_of_tile(name, inputs[2], tile->row_count);
    if (!range) return unexpected(range.error());

    constexpr std::size_t block = 64;
    const NetworkLayout layout{network->form};
    Scratch memory{layout.size + block * (width + layout.columns_max * layout.layers.size())};
    double* const weights = memory.data();
    layout.fill(network->weights, weights);
    std::vector<double*> outputs;
    for (std::size_t i = 0; i < layout.layers.size(); ++i) {
        outputs.push_back(weights + layout.size + i * block * layout.columns_max);
    }
    double* const features = outputs.back() + block * layout.columns_max;
    Bytes output;
    ByteWriter writer{output};
    for (std::size_t done = 0; done < range->count; done += block) {
        const std::size_t here = std::min<std::size_t>(block, range->count - done);
        for (std::uint32_t i = 0; i < width; ++i) {
            const double* const column = tile->column(i).data() + range->first + done;
            for (std::size_t r = 0; r < here; ++r) features[r * width + i] = column[r];
        }
        run_network(layout, network->form.activation, weights, features, here, outputs);
        const NetworkLayer& last = layout.layers.back();
        for (std::size_t r = 0; r < here; ++r) {
            for (std::size_t o = 0; o < last.outputs; ++o) {
                writer.number(canonical(outputs.back()[r * last.columns + o]));
            }
        }
    }
    return output;
}

}  // namespace netcompute::kernels
