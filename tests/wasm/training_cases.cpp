#include "training_blobs.hpp"
#include <netcompute/assert.hpp>
#include <netcompute/kernels/kernel.hpp>
#include <netcompute/programs/monte_carlo_pi.hpp>

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
void record(programs::Program& program, const programs::BlobSource& blobs,
            std::vector<KernelCase>& cases) {
    while (const auto round = program.round()) {
        const std::vector<Bytes> shared = resolved(round->shared_inputs, blobs);
        const auto* const kernel = kernels::find_kernel(round->kernel, round->kernel_version);
        std::vector<Bytes> outputs;
        for (TaskIndex index = 0; index < round->task_count; ++index) {
            KernelCase task{std::string{round->kernel}, round->kernel_version, shared};
            for (Bytes& own : resolved(program.task_inputs(index), blobs)) {
                task.inputs.push_back(std::move(own));
            }
            outputs.push_back(
                kernel->run(std::vector<ByteSpan>(task.inputs.begin(), task.inputs.end())).value());
            cases.push_back(std::move(task));
        }
        const auto folded =
            program.finish_round(std::vector<ByteSpan>(outputs.begin(), outputs.end()));
        NETCOMPUTE_ASSERT(folded.has_value(), "the tests' own data can be trained on");
    }
}

}  // namespace

std::vector<KernelCase> training_cases() {
    const TrainingData data = random_training_data({700, 333, 16, 1}, 9, 5);
    BlobMap blobs;
    std::vector<KernelCase> cases;
    programs::TrainProgram train{train_plan(data, blobs)};
    record(train, blobs.source(), cases);
    programs::PredictProgram predict{predict_plan(data, blobs, train.model())};
    record(predict, blobs.source(), cases);
    programs::MonteCarloPiProgram pi{{5'000'000, 3}};
    record(pi, blobs.source(), cases);
    return cases;
}

}  // namespace netcompute::testing
