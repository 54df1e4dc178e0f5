#pragma once

#include <netcompute/kernels/kernel.hpp>

namespace netcompute::kernels {

// The kernels that registry() lists; each is described beside its definition.
#define NETCOMPUTE_KERNEL(name, version) \
    [[nodiscard]] Result<Bytes> name(std::span<const ByteSpan> inputs);
#include "kernels.inc"
#undef NETCOMPUTE_KERNEL

}  // namespace netcompute::kernels
