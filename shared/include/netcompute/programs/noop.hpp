#pragma once

#include <netcompute/programs/rounds.hpp>

namespace netcompute::programs {

struct NoopPlan {
    std::uint32_t task_count = 1;     ///< At least 1.
    std::uint32_t payload_bytes = 0;  ///< In each task, and back in its output.
};

/// Tasks that carry `payload_bytes` there and back and do nothing: for measuring the machinery.
/// Task i's payload is filled from its index, and checked when it comes back.
/// result_bytes() is u32 task_count, u32 payload_bytes.
class NoopProgram final : public OneRound {
 public:
    explicit NoopProgram(NoopPlan plan);

    [[nodiscard]] std::vector<TaskInput> task_inputs(TaskIndex index) const override;
    [[nodiscard]] Bytes result_bytes() const override;

 private:
    [[nodiscard]] Round only_round() const override;
    [[nodiscard]] Result<void> fold(std::span<const ByteSpan> outputs, RoundWork&) override;
    void write_result(ByteWriter& result) const override;
    [[nodiscard]] bool read_result(ByteReader& result) override;

    NoopPlan plan_;
};

}  // namespace netcompute::programs
