#include <netcompute/assert.hpp>
#include <netcompute/kernels/monte_carlo_pi.hpp>
#include <netcompute/programs/monte_carlo_pi.hpp>

#include <algorithm>
#include <cmath>
#include <string>

namespace netcompute::programs {
namespace {

constexpr std::uint32_t checkpoint_tag = 0x31504d50;  // "PMP1"

}  // namespace

MonteCarloPiProgram::MonteCarloPiProgram(MonteCarloPiPlan plan) : plan_{plan} {
    NETCOMPUTE_ASSERT(plan_.samples > 0 && plan_.samples <= samples_max,
                      "the samples of a plan are checked when a job is made");
}

std::optional<Round> MonteCarloPiProgram::round() const {
    if (finished_) return std::nullopt;
    return Round{"monte_carlo_pi", 1, {}, task_count()};
}

std::vector<TaskInput> MonteCarloPiProgram::task_inputs(TaskIndex index) const {
    const std::uint64_t first = index * samples_per_task;
    return {kernels::encode({plan_.seed, first, samples_of(index)})};
}

Result<void> MonteCarloPiProgram::finish_round(std::span<const ByteSpan> outputs) {
    NETCOMPUTE_ASSERT(!finished_, "a finished program has no round");
    NETCOMPUTE_ASSERT(outputs.size() == task_count(), "a round has one output a task");
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
    finished_ = true;
    return {};
}

Bytes MonteCarloPiProgram::checkpoint() const {
    Bytes bytes;
    ByteWriter writer{bytes};
    writer.number(checkpoint_tag);
    writer.number(std::uint32_t{finished_});
    writer.number(inside_);
    return bytes;
}

Result<void> MonteCarloPiProgram::restore(ByteSpan checkpoint) {
    ByteReader reader{checkpoint};
    const auto tag = reader.number<std::uint32_t>();
    const auto finished = reader.number<std::uint32_t>();
    const auto inside = reader.number<std::uint64_t>();
    if (!reader.finished() || tag != checkpoint_tag || finished > 1 || inside > plan_.samples) {
        return unexpected(ErrorCode::InvalidArgument,
                          "monte_carlo_pi: not a checkpoint of this program");
    }
    finished_ = finished == 1;
    inside_ = inside;
    return {};
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
