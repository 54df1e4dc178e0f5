#pragma once

#include <netcompute/kernels/kernel.hpp>

namespace netcompute::kernels {

// The kernels that registry() lists; each is described beside its definition.
[[nodiscard]] Result<Bytes> linear_scores(std::span<const ByteSpan> inputs);
[[nodiscard]] Result<Bytes> logistic_newton(std::span<const ByteSpan> inputs);
[[nodiscard]] Result<Bytes> monte_carlo_pi(std::span<const ByteSpan> inputs);
[[nodiscard]] Result<Bytes> noop(std::span<const ByteSpan> inputs);

}  // namespace netcompute::kernels
