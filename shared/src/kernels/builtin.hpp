#pragma once

#include <netcompute/kernels/kernel.hpp>

namespace netcompute::kernels {

// The kernels that registry() lists; each is described beside its definition.
[[nodiscard]] Result<Bytes> noop(std::span<const ByteSpan> inputs);

}  // namespace netcompute::kernels
