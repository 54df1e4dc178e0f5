#include <netcompute/assert.hpp>
#include <netcompute/kernels/monte_carlo_pi.hpp>
#include <netcompute/programs/monte_carlo_pi.hpp>

#include <algorithm>
#include <cmath>
#include <string>

namespace netcompute::programs {

MonteCarloPiProgram::MonteCarloPiProgram(MonteCarloPiPlan plan)
    : OneRound{"monte_carlo_pi", "PMP1"}, plan_{plan} {
    NETCOMPUTE_ASSERT(plan_.samples > 0 && plan_.samples <= samples_max,
                      "the samples of a plan are checked when a job is made");
}

Round MonteCarloPiProgram::only_round() const {
    return {"monte_carlo_pi", 1, {}, task_count()};
}

std::vector<TaskInput> MonteCarloPiProgram::task_inputs(TaskIndex index) const {
    const std::uint64_t first = index * samples_per_task;
    return {kernels::encode_monte_carlo_pi({plan_.seed, first, samples_of(index)})};
}

Result<void> MonteCarloPiProgram::fold(std::span<const ByteSpan> outputs, RoundWork&) {
    std::uint64_t inside = 0;
    for (TaskIndex index = 0; index < outputs.size(); ++index) {
        ByteReader reader{outputs[index]};
        const auto count = reader.number<std::uint64_t>();
        if (!reader.finished() || count > samples_of(index)) {
            return unexpected(ErrorCode::ShapeMismatch,
                              "monte_carlo_pi: the output of task " + std::to_string(index) +
                                  " is not a count of up to " + std::to_string(samples_of(index)) +
                                  " samples");
        }
        inside += count;
    }
    inside_ = inside;
    return {};
}

void MonteCarloPiProgram::write_result(ByteWriter& result) const {
    result.number(inside_);
}

bool MonteCarloPiProgram::read_result(ByteReader& result) {
    inside_ = result.number<std::uint64_t>();
    return inside_ <= plan_.samples;
}

Bytes MonteCarloPiProgram::result_bytes() const {
    Bytes bytes;
    ByteWriter writer{bytes};
    writer.number(plan_.samples);
    writer.number(inside_);
    return bytes;
}

std::uint64_t MonteCarloPiProgram::samples() const {
    return plan_.samples;
}

std::uint64_t MonteCarloPiProgram::inside() const {
    return inside_;
}

double MonteCarloPiProgram::estimate() const {
    return 4 * static_cast<double>(inside_) / static_cast<double>(plan_.samples);
}

double MonteCarloPiProgram::standard_error() const {
    const double share = estimate() / 4;
    return 4 * std::sqrt(share * (1 - share) / static_cast<double>(plan_.samples));
}

std::uint32_t MonteCarloPiProgram::task_count() const {
    return static_cast<std::uint32_t>((plan_.samples - 1) / samples_per_task + 1);
}

std::uint64_t MonteCarloPiProgram::samples_of(TaskIndex index) const {
    return std::min(samples_per_task, plan_.samples - index * samples_per_task);
}

}  // namespace netcompute::programs
