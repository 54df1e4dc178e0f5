#pragma once

#include <netcompute/bytes.hpp>
#include <netcompute/result.hpp>

#include <cstdint>
#include <span>
#include <string_view>

namespace netcompute::kernels {

/// Runs one task: the round's shared inputs first, then the task's own. Pure: the output depends
/// on the input bytes alone, to the bit, on every build. Each input starts at an 8-byte boundary.
/// Errors: ShapeMismatch or InvalidArgument for inputs that are not what the kernel reads.
using KernelFunction = Result<Bytes> (*)(std::span<const ByteSpan> inputs);

/// A named, versioned, pure function from bytes to bytes. A change that can change one output bit
/// is a new version.
struct Kernel {
    std::string_view name;
    std::uint32_t version = 0;
    KernelFunction run = nullptr;
};

/// Every kernel of this build, in order of name. The one list; all worker kinds read it.
[[nodiscard]] std::span<const Kernel> registry();

/// The kernel of that name and version, or nullptr.
[[nodiscard]] const Kernel* find_kernel(std::string_view name, std::uint32_t version);

}  // namespace netcompute::kernels
