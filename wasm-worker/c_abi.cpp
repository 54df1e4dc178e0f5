// The kernels as a C interface for kernels.js, the only caller. One call at a time: an instance
// belongs to one thread. Pointers and sizes are u32, as in the instance's memory.
#include <netcompute/kernels/kernel.hpp>
#include <netcompute/sha256.hpp>

#include <emscripten.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <string>
#include <utility>
#include <vector>

namespace netcompute {
namespace {

constexpr std::size_t alignment_bytes = 64;

/// One input of a kernel: where its bytes lie and, if it is a blob, the 32 bytes of its name.
struct InputEntry {
    const std::byte* data;
    std::uint32_t size;
    const std::uint8_t* sha256;  ///< Null for an input that has no name.
};

/// The memo that kernels keep between tasks.
kernels::MemoStore& memo() {
    static kernels::MemoStore store{kernels::memo_bytes_tab_max};
    return store;
}

/// What the last netcompute_run() gave: the output, or the error's message.
Bytes last_output;
std::string last_message;
bool out_of_memory = false;

/// `operator new` has no exception to throw here. It stops the instance; kernels.js reads the
/// flag, says so, and goes on with a fresh instance.
[[noreturn]] void stop_out_of_memory() {
    out_of_memory = true;
    __builtin_trap();
}

[[maybe_unused]] const std::new_handler previous_handler = std::set_new_handler(stop_out_of_memory);

std::uint32_t fail(Error error) {
    last_message = std::move(error.message);
    return 1 + static_cast<std::uint32_t>(error.code);
}

}  // namespace
}  // namespace netcompute

extern "C" {

/// A block that starts at a 64-byte boundary, or 0 if there is no room for it.
EMSCRIPTEN_KEEPALIVE void* netcompute_allocate(std::uint32_t size) {
    const std::size_t wanted = std::max<std::size_t>(size, 1);
    if (wanted > SIZE_MAX - netcompute::alignment_bytes) return nullptr;
    const std::size_t rounded = (wanted + netcompute::alignment_bytes - 1) /
                                netcompute::alignment_bytes * netcompute::alignment_bytes;
    return std::aligned_alloc(netcompute::alignment_bytes, rounded);
}

EMSCRIPTEN_KEEPALIVE void netcompute_free(void* block) {
    std::free(block);
}

/// Runs a kernel over `input_count` entries of (u32 data, u32 size, u32 sha256), the last one 0 for
/// an input that is no blob. Returns 0 and leaves the output, or 1 + the number of an ErrorCode and
/// leaves the message: a result's status on the wire.
EMSCRIPTEN_KEEPALIVE std::uint32_t netcompute_run(const char* name, std::uint32_t name_size,
                                                  std::uint32_t version,
                                                  const netcompute::InputEntry* entries,
                                                  std::uint32_t input_count) {
    using namespace netcompute;
    const std::string_view kernel_name{name, name_size};
    const kernels::Kernel* const kernel = kernels::find_kernel(kernel_name, version);
    if (kernel == nullptr) {
        return fail({ErrorCode::NotFound, "kernel " + std::string{kernel_name} + "@" +
                                              std::to_string(version) +
                                              " is not in this build: reload the page"});
    }
    std::vector<ByteSpan> inputs;
    inputs.reserve(input_count);
    kernels::TaskMemo task_memo{memo()};
    for (const InputEntry& entry : std::span{entries, input_count}) {
        inputs.emplace_back(entry.data, entry.size);
        if (entry.sha256 == nullptr) continue;
        Sha256 name;
        std::copy_n(entry.sha256, name.digest.size(), name.digest.begin());
        task_memo.know(inputs.back(), name);
    }
    Result<Bytes> output = kernel->run(inputs, task_memo);
    if (!output) return fail(output.error());
    last_output = std::move(output).value();
    return 0;
}

EMSCRIPTEN_KEEPALIVE const std::byte* netcompute_output() {
    return netcompute::last_output.data();
}
EMSCRIPTEN_KEEPALIVE std::uint32_t netcompute_output_size() {
    return static_cast<std::uint32_t>(netcompute::last_output.size());
}
/// Frees the output's memory.
EMSCRIPTEN_KEEPALIVE void netcompute_drop_output() {
    netcompute::last_output = {};
}

EMSCRIPTEN_KEEPALIVE const char* netcompute_message() {
    return netcompute::last_message.data();
}
EMSCRIPTEN_KEEPALIVE std::uint32_t netcompute_message_size() {
    return static_cast<std::uint32_t>(netcompute::last_message.size());
}

/// Whether the instance stopped because an allocation inside a kernel failed.
EMSCRIPTEN_KEEPALIVE bool netcompute_out_of_memory() {
    return netcompute::out_of_memory;
}

/// Writes the 32 bytes of the SHA-256 of `size` bytes at `data` to `digest`.
EMSCRIPTEN_KEEPALIVE void netcompute_sha256(const std::byte* data, std::uint32_t size,
                                            std::uint8_t* digest) {
    const netcompute::Sha256 sha256 = netcompute::sha256({data, size});
    std::copy(sha256.digest.begin(), sha256.digest.end(), digest);
}

/// The product's version, ended by a zero.
EMSCRIPTEN_KEEPALIVE const char* netcompute_version() {
    return NETCOMPUTE_VERSION;
}

EMSCRIPTEN_KEEPALIVE std::uint32_t netcompute_kernel_count() {
    return static_cast<std::uint32_t>(netcompute::kernels::registry().size());
}
/// The name of kernel `index` of the registry, netcompute_kernel_name_size() bytes long.
EMSCRIPTEN_KEEPALIVE const char* netcompute_kernel_name(std::uint32_t index) {
    return netcompute::kernels::registry()[index].name.data();
}
EMSCRIPTEN_KEEPALIVE std::uint32_t netcompute_kernel_name_size(std::uint32_t index) {
    return static_cast<std::uint32_t>(netcompute::kernels::registry()[index].name.size());
}
EMSCRIPTEN_KEEPALIVE std::uint32_t netcompute_kernel_version(std::uint32_t index) {
    return netcompute::kernels::registry()[index].version;
}

}  // extern "C"
