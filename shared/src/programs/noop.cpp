#include <netcompute/assert.hpp>
#include <netcompute/programs/noop.hpp>

#include <cstring>
#include <string>

namespace netcompute::programs {
namespace {

constexpr std::uint32_t checkpoint_tag = 0x314f4e50;  // "PNO1"

/// The eight bytes that fill the payload of task `index`, over and over: different for each task.
std::uint64_t filling(TaskIndex index) {
    return (std::uint64_t{index} + 1) * 0x9e3779b97f4a7c15;
}

bool is_payload(ByteSpan bytes, TaskIndex index) {
    const std::uint64_t word = filling(index);
    std::size_t at = 0;
    for (; at + sizeof word <= bytes.size(); at += sizeof word) {
        if (std::memcmp(bytes.data() + at, &word, sizeof word) != 0) return false;
    }
    return at == bytes.size() || std::memcmp(bytes.data() + at, &word, bytes.size() - at) == 0;
}

}  // namespace

NoopProgram::NoopProgram(NoopPlan plan) : plan_{plan} {
    NETCOMPUTE_ASSERT(plan_.task_count > 0, "a round has at least one task");
}

std::optional<Round> NoopProgram::round() const {
    if (finished_) return std::nullopt;
    return Round{"noop", 1, {}, plan_.task_count};
}

std::vector<TaskInput> NoopProgram::task_inputs(TaskIndex index) const {
    const std::uint64_t word = filling(index);
    Bytes payload(plan_.payload_bytes);
    std::size_t at = 0;
    for (; at + sizeof word <= payload.size(); at += sizeof word) {
        std::memcpy(payload.data() + at, &word, sizeof word);
    }
    if (at < payload.size()) std::memcpy(payload.data() + at, &word, payload.size() - at);
    std::vector<TaskInput> inputs;
    inputs.emplace_back(std::move(payload));
    return inputs;
}

Result<void> NoopProgram::finish_round(std::span<const ByteSpan> outputs) {
    NETCOMPUTE_ASSERT(!finished_, "a finished program has no round");
    NETCOMPUTE_ASSERT(outputs.size() == plan_.task_count, "a round has one output a task");
    for (TaskIndex index = 0; index < plan_.task_count; ++index) {
        if (outputs[index].size() == plan_.payload_bytes && is_payload(outputs[index], index)) {
            continue;
        }
        return unexpected(ErrorCode::ShapeMismatch,
                          "noop: task " + std::to_string(index) + " came back with " +
                              std::to_string(outputs[index].size()) + " bytes that are not the " +
                              std::to_string(plan_.payload_bytes) + " it was given");
    }
    finished_ = true;
    return {};
}

Bytes NoopProgram::checkpoint() const {
    Bytes bytes;
    ByteWriter writer{bytes};
    writer.number(checkpoint_tag);
    writer.number(std::uint32_t{finished_});
    return bytes;
}

Result<void> NoopProgram::restore(ByteSpan checkpoint) {
    ByteReader reader{checkpoint};
    const auto tag = reader.number<std::uint32_t>();
    const auto finished = reader.number<std::uint32_t>();
    if (!reader.finished() || tag != checkpoint_tag || finished > 1) {
        return unexpected(ErrorCode::InvalidArgument, "noop: not a checkpoint of this program");
    }
    finished_ = finished == 1;
    return {};
}

Bytes NoopProgram::result_bytes() const {
    Bytes bytes;
    ByteWriter writer{bytes};
    writer.number(plan_.task_count);
    writer.number(plan_.payload_bytes);
    return bytes;
}

}  // namespace netcompute::programs
