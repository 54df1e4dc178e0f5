#include <netcompute/assert.hpp>
#include <netcompute/programs/noop.hpp>

#include <cstring>
#include <string>

namespace netcompute::programs {
namespace {

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

NoopProgram::NoopProgram(NoopPlan plan) : OneRound{"noop", "PNO1"}, plan_{plan} {
    NETCOMPUTE_ASSERT(plan_.task_count > 0, "a round has at least one task");
}

Round NoopProgram::only_round() const {
    return {"noop", 1, {}, plan_.task_count};
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

Result<void> NoopProgram::fold(std::span<const ByteSpan> outputs, RoundWork&) {
    for (TaskIndex index = 0; index < plan_.task_count; ++index) {
        if (outputs[index].size() == plan_.payload_bytes && is_payload(outputs[index], index)) {
            continue;
        }
        return unexpected(ErrorCode::ShapeMismatch,
                          "noop: task " + std::to_string(index) + " came back with " +
                              std::to_string(outputs[index].size()) + " bytes that are not the " +
                              std::to_string(plan_.payload_bytes) + " it was given");
    }
    return {};
}

void NoopProgram::write_result(ByteWriter&) const {}

bool NoopProgram::read_result(ByteReader&) {
    return true;
}

Bytes NoopProgram::result_bytes() const {
    Bytes bytes;
    ByteWriter writer{bytes};
    writer.number(plan_.task_count);
    writer.number(plan_.payload_bytes);
    return bytes;
}

}  // namespace netcompute::programs
