#pragma once

#include <netcompute/kernels/kernel.hpp>

namespace netcompute::kernels {

// The kernels that registry() lists; each is described beside its definition.
#define NETCOMPUTE_KERNEL(name, version) \
    [[nodiscard]] Result<Bytes> name(std::span<const ByteSpan> inputs);
#define NETCOMPUTE_REMEMBERING_KERNEL(name, version) \
    [[nodiscard]] Result<Bytes> name(std::span<const ByteSpan> inputs, Memo& memo);
#include "kernels.inc"
#undef NETCOMPUTE_REMEMBERING_KERNEL
#undef NETCOMPUTE_KERNEL

}  // namespace netcompute::kernels
