#include "builtin.hpp"

namespace netcompute::kernels {
namespace {

constexpr Kernel all[] = {
#define NETCOMPUTE_KERNEL(name, version) {#name, version, without_memo<name>},
#define NETCOMPUTE_REMEMBERING_KERNEL(name, version) {#name, version, name},
#include "kernels.inc"
#undef NETCOMPUTE_REMEMBERING_KERNEL
#undef NETCOMPUTE_KERNEL
};

}  // namespace

std::span<const Kernel> registry() {
    return all;
}

Result<Bytes> run_once(const Kernel& kernel, std::span<const ByteSpan> inputs) {
    NoMemo memo;
    return kernel.run(inputs, memo);
}

const Kernel* find_kernel(std::string_view name, std::uint32_t version) {
    for (const Kernel& kernel : all) {
        if (kernel.name == name && kernel.version == version) return &kernel;
    }
    return nullptr;
}

}  // namespace netcompute::kernels
