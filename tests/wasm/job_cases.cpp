#include "job_cases.hpp"

#include "job_world.hpp"
#include <netcompute/kernels/kernel.hpp>
#include <netcompute/programs/local_blobs.hpp>

#include <set>

namespace netcompute::testing {
namespace {

std::vector<Bytes> resolved(const std::vector<programs::TaskInput>& inputs,
                            const programs::BlobSource& blobs) {
    std::vector<Bytes> result;
    for (const programs::TaskInput& input : inputs) {
        if (const Bytes* const bytes = std::get_if<Bytes>(&input)) {
            result.push_back(*bytes);
        } else {
            const ByteSpan blob = *blobs(std::get<programs::BlobRef>(input).sha256);
            result.emplace_back(blob.begin(), blob.end());
        }
    }
    return result;
}

/// Runs a program to its end and notes each task.
void record(programs::Program& program, const programs::BlobSource& source,
            std::vector<KernelCase>& cases) {
    programs::LocalBlobs local{source};
    const programs::BlobSource blobs = local.source();
    while (const auto round = program.round()) {
        const std::vector<Bytes> shared = resolved(round->shared_inputs, blobs);
        std::vector<Bytes> outputs;
        for (TaskIndex index = 0; index < round->task_count; ++index) {
            KernelCase task{std::string{round->kernel}, round->kernel_version, shared};
            for (Bytes& own : resolved(program.task_inputs(index), blobs)) {
                task.inputs.push_back(std::move(own));
            }
            outputs.push_back(programs::run_task(program, *round, index, blobs).value());
            cases.push_back(std::move(task));
        }
        const std::vector<ByteSpan> spans(outputs.begin(), outputs.end());
        if (const auto folded = local.fold(program, spans); !folded) {
            throw std::runtime_error(folded.error().message);
        }
    }
}

/// The task without an input, with one more, and with each cut, lengthened and empty.
void add_damaged(const KernelCase& task, std::vector<KernelCase>& cases) {
    cases.push_back({task.kernel, task.version, {}});
    cases.push_back(task);
    cases.back().inputs.emplace_back();
    for (std::size_t i = 0; i < task.inputs.size(); ++i) {
        for (const std::size_t size :
             {task.inputs[i].size() - 1, task.inputs[i].size() + 1, std::size_t{0}}) {
            if (task.inputs[i].empty() && size != 1) continue;
            cases.push_back(task);
            cases.back().inputs[i].resize(size);
        }
    }
}

}  // namespace

std::vector<KernelCase> job_cases() {
    test_support::JobWorld world{NETCOMPUTE_SOURCE_DIR "/Data"};
    std::vector<KernelCase> cases;
    // In the order of the list: a prediction needs the model that the training has written.
    for (const jobs::JobType& type : jobs::job_types()) {
        const auto job = world.prepare(type, test_support::example_params(type));
        if (job.next_jobs) continue;  // It is made of jobs of the other types.
        record(*job.program, world.blobs(), cases);
        if (const auto result = job.finish(); !result) {
            throw std::runtime_error(std::string{type.name} + ": " + result.error().message);
        }
    }
    std::set<std::string> kernels;
    std::vector<KernelCase> damaged;
    for (const KernelCase& task : cases) {
        if (kernels.insert(task.kernel).second) add_damaged(task, damaged);
    }
    cases.insert(cases.end(), damaged.begin(), damaged.end());
    return cases;
}

std::vector<KernelCase> all_cases() {
    std::vector<KernelCase> cases = kernel_cases();
    for (KernelCase& task : job_cases()) cases.push_back(std::move(task));
    return cases;
}

}  // namespace netcompute::testing
