#include "builtin.hpp"

#include <string>

namespace netcompute::kernels {

/// noop@1: gives its one input back. It measures the machinery around the kernels.
Result<Bytes> noop(std::span<const ByteSpan> inputs) {
    if (inputs.size() != 1) {
        return unexpected(ErrorCode::ShapeMismatch, "noop: " + std::to_string(inputs.size()) +
                                                        " inputs were given, it reads 1");
    }
    return Bytes(inputs[0].begin(), inputs[0].end());
}

}  // namespace netcompute::kernels
