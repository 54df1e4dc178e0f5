#include <netcompute/kernels/kernel.hpp>
#include <netcompute/programs/local_blobs.hpp>

#include <string>

namespace netcompute::programs {
namespace {

/// Appends the bytes of each input, which live as long as the inputs and the blobs do, and tells
/// `memo` which are blobs.
Result<void> append_inputs(std::span<const TaskInput> inputs, const BlobSource& blobs,
                           std::vector<ByteSpan>& spans, kernels::TaskMemo& memo) {
    for (const TaskInput& input : inputs) {
        if (const Bytes* const bytes = std::get_if<Bytes>(&input)) {
            spans.emplace_back(*bytes);
            continue;
        }
        const Sha256& name = std::get_if<BlobRef>(&input)->sha256;
        const std::optional<ByteSpan> blob = blobs(name);
        if (!blob) {
            return unexpected(ErrorCode::NotFound, "blob " + to_hex(name) + " is not here");
        }
        spans.push_back(*blob);
        memo.know(*blob, name);
    }
    return {};
}

Result<std::vector<Bytes>> run_round(const Program& program, const Round& round,
                                     const BlobSource& blobs, const ComputeOptions& options) {
    std::vector<Bytes> outputs;
    outputs.reserve(round.task_count);
    for (TaskIndex index = 0; index < round.task_count; ++index) {
        Result<Bytes> output = run_task(program, round, index, blobs, options);
        if (!output) return unexpected(output.error());
        outputs.push_back(std::move(output).value());
    }
    return outputs;
}

}  // namespace

Result<Bytes> run_task(std::string_view kernel_name, std::uint32_t kernel_version,
                       std::span<const TaskInput> inputs, const BlobSource& blobs,
                       const ComputeOptions& options) {
    const kernels::Kernel* const kernel = options.find_kernel(kernel_name, kernel_version);
    if (kernel == nullptr) {
        return unexpected(ErrorCode::NotFound, "kernel " + std::string{kernel_name} + "@" +
                                                   std::to_string(kernel_version) +
                                                   " is not in this build");
    }
    std::vector<ByteSpan> spans;
    kernels::MemoStore nothing{0};
    kernels::TaskMemo memo{options.memo == nullptr ? nothing : *options.memo};
    const Result<void> appended = append_inputs(inputs, blobs, spans, memo);
    if (!appended) return unexpected(appended.error());
    return options.memo == nullptr ? kernels::run_once(*kernel, spans) : kernel->run(spans, memo);
}

Result<Bytes> run_task(const Program& program, const Round& round, TaskIndex index,
                       const BlobSource& blobs, const ComputeOptions& options) {
    std::vector<TaskInput> inputs = round.shared_inputs;
    for (TaskInput& input : program.task_inputs(index)) inputs.push_back(std::move(input));
    Result<Bytes> output = run_task(round.kernel, round.kernel_version, inputs, blobs, options);
    if (output) return output;
    return unexpected(output.error().code,
                      "task " + std::to_string(index) + ": " + output.error().message);
}

Result<void> run_in_process(Program& program, const BlobSource& blobs,
                            const ComputeOptions& options) {
    LocalBlobs local{blobs};
    while (const std::optional<Round> round = program.round()) {
        const auto outputs = run_round(program, *round, local.source(), options);
        if (!outputs) return unexpected(outputs.error());
        const std::vector<ByteSpan> spans(outputs->begin(), outputs->end());
        if (auto folded = local.fold(program, spans); !folded) return folded;
    }
    return {};
}

}  // namespace netcompute::programs
