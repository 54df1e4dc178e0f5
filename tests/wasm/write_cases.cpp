// Writes every case of job_cases.hpp with what the native build makes of it, for
// kernels_test.mjs to compare the WebAssembly build with.
//
// All numbers are u32: case count; then for each case the kernel's name (size, bytes), version,
// input count, inputs (size, bytes), status (0, or 1 + an ErrorCode), output or message (size,
// bytes). Bytes are padded with zeros to a multiple of 4.
#include "job_cases.hpp"
#include <netcompute/kernels/kernel.hpp>

#include <cstdio>
#include <fstream>

namespace netcompute::testing {
namespace {

void write_sized(ByteWriter& writer, ByteSpan bytes) {
    writer.number(static_cast<std::uint32_t>(bytes.size()));
    writer.bytes(bytes);
    writer.bytes(Bytes((4 - bytes.size() % 4) % 4));
}

void write_case(ByteWriter& writer, const KernelCase& task) {
    write_sized(writer, as_byte_span(task.kernel));
    writer.number(task.version);
    writer.number(static_cast<std::uint32_t>(task.inputs.size()));
    for (const Bytes& input : task.inputs) write_sized(writer, input);
    const kernels::Kernel* const kernel = kernels::find_kernel(task.kernel, task.version);
    if (kernel == nullptr) {
        writer.number(1 + static_cast<std::uint32_t>(ErrorCode::NotFound));
        write_sized(writer, {});
        return;
    }
    const Result<Bytes> output =
        kernels::run_once(*kernel, std::vector<ByteSpan>(task.inputs.begin(), task.inputs.end()));
    if (output) {
        writer.number(std::uint32_t{0});
        write_sized(writer, *output);
    } else {
        writer.number(1 + static_cast<std::uint32_t>(output.error().code));
        write_sized(writer, as_byte_span(output.error().message));
    }
}

}  // namespace
}  // namespace netcompute::testing

int main(int argument_count, char** arguments) {
    using namespace netcompute;
    if (argument_count != 2) {
        std::fprintf(stderr, "usage: write_kernel_cases FILE\n");
        return 2;
    }
    const std::vector<testing::KernelCase> cases = testing::all_cases();
    Bytes bytes;
    ByteWriter writer{bytes};
    writer.number(static_cast<std::uint32_t>(cases.size()));
    for (const testing::KernelCase& task : cases) testing::write_case(writer, task);
    std::ofstream file{arguments[1], std::ios::binary};
    file.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    file.close();
    if (!file) {
        std::fprintf(stderr, "%s cannot be written\n", arguments[1]);
        return 1;
    }
}
