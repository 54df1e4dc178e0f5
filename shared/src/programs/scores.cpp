#include "scores.hpp"

#include <netcompute/kernels/logistic.hpp>

#include <string>

namespace netcompute::programs {

Result<std::vector<double>> fold_scores(std::span<const ByteSpan> outputs,
                                        std::span<const std::uint32_t> row_counts) {
    std::vector<double> all;
    for (std::size_t task = 0; task < outputs.size(); ++task) {
        const Result<std::vector<double>> scores =
            kernels::decode_scores(outputs[task], row_counts[task]);
        if (!scores) {
            return unexpected(scores.error().code,
                              "task " + std::to_string(task) + ": " + scores.error().message);
        }
        all.insert(all.end(), scores->begin(), scores->end());
    }
    return all;
}

}  // namespace netcompute::programs
