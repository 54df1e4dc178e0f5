#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/kernels/memo.hpp>
#include <netcompute/result.hpp>

#include <cstdint>
#include <span>
#include <string_view>

namespace netcompute::kernels {

/// Runs one task: the round's shared inputs first, then the task's own. Pure: the output depends
/// on the input bytes alone, to the bit, on every build, whatever `memo` remembers. Each input
/// starts at an 8-byte boundary. Errors: ShapeMismatch or InvalidArgument for inputs that are not
/// what the kernel reads.
using KernelFunction = Result<Bytes> (*)(std::span<const ByteSpan> inputs, Memo& memo);

/// A named, versioned, pure function from bytes to bytes. A change that can change one output bit
/// is a new version.
struct Kernel {
    std::string_view name;
    std::uint32_t version = 0;
    KernelFunction run = nullptr;
};

/// The function of a kernel that remembers nothing, in the form of one that does.
template <Result<Bytes> (*function)(std::span<const ByteSpan> inputs)>
[[nodiscard]] Result<Bytes> without_memo(std::span<const ByteSpan> inputs, Memo&) {
    return function(inputs);
}

/// Finds kernels by name and version; null where there is none.
using FindKernel = const Kernel* (*)(std::string_view name, std::uint32_t version);

/// Every kernel of this build, in order of name. The one list; all worker kinds read it.
[[nodiscard]] std::span<const Kernel> registry();

/// Runs a single task, of which nothing is remembered.
[[nodiscard]] Result<Bytes> run_once(const Kernel& kernel, std::span<const ByteSpan> inputs);

/// The kernel of that name and version, or nullptr.
[[nodiscard]] const Kernel* find_kernel(std::string_view name, std::uint32_t version);

}  // namespace netcompute::kernels
