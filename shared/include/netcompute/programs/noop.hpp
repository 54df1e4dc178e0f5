#pragma once

#include <netcompute/programs/program.hpp>

namespace netcompute::programs {

struct NoopPlan {
    std::uint32_t task_count = 1;     ///< At least 1.
    std::uint32_t payload_bytes = 0;  ///< In each task, and back in its output.
};

/// Tasks that carry `payload_bytes` there and back and do nothing: for measuring the machinery.
/// Task i's payload is filled from its index, and checked when it comes back.
/// result_bytes() is u32 task_count, u32 payload_bytes.
class NoopProgram final : public Program {
 public:
    explicit NoopProgram(NoopPlan plan);

    [[nodiscard]] std::optional<Round> round() const override;
    [[nodiscard]] std::vector<TaskInput> task_inputs(TaskIndex index) const override;
    [[nodiscard]] Result<void> finish_round(std::span<const ByteSpan> outputs) override;
    [[nodiscard]] Bytes checkpoint() const override;
    [[nodiscard]] Result<void> restore(ByteSpan checkpoint) override;
    [[nodiscard]] Bytes result_bytes() const override;

 private:
    NoopPlan plan_;
    bool finished_ = false;
};

}  // namespace netcompute::programs
