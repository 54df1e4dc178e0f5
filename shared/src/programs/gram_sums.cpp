#include "gram_sums.hpp"

#include <netcompute/kernels/gram.hpp>

#include <string>

namespace netcompute::programs {

Result<std::vector<double>> add_gram_sums(std::span<const ByteSpan> outputs,
                                          std::uint32_t feature_count) {
    std::vector<double> total;
    for (std::size_t task = 0; task < outputs.size(); ++task) {
        const auto sums = kernels::decode_gram_sums(outputs[task], feature_count);
        if (!sums) {
            return unexpected(sums.error().code,
                              "task " + std::to_string(task) + ": " + sums.error().message);
        }
        total.resize(sums->products.size());
        for (std::size_t i = 0; i < total.size(); ++i) total[i] += sums->products[i];
    }
    return total;
}

}  // namespace netcompute::programs
