#pragma once

#include <netcompute/programs/program.hpp>

namespace netcompute::programs {

struct MonteCarloPiPlan {
    std::uint64_t samples = 0;  ///< At least 1, at most MonteCarloPiProgram::samples_max.
    std::uint64_t seed = 0;
};

/// Pi by counting uniform points of the unit square that fall inside the quarter circle. Sample i
/// takes its coordinates from Philox at counter i, so the count does not depend on the cut.
/// result_bytes() is u64 samples, u64 inside.
class MonteCarloPiProgram final : public Program {
 public:
    static constexpr std::uint64_t samples_per_task = std::uint64_t{1} << 22;
    /// As many as a round has numbers for tasks.
    static constexpr std::uint64_t samples_max = samples_per_task * 0xffffffff;

    explicit MonteCarloPiProgram(MonteCarloPiPlan plan);

    [[nodiscard]] std::optional<Round> round() const override;
    [[nodiscard]] std::vector<TaskInput> task_inputs(TaskIndex index) const override;
    [[nodiscard]] Result<void> finish_round(std::span<const ByteSpan> outputs) override;
    [[nodiscard]] Bytes checkpoint() const override;
    [[nodiscard]] Result<void> restore(ByteSpan checkpoint) override;
    [[nodiscard]] Bytes result_bytes() const override;

    [[nodiscard]] std::uint64_t samples() const;
    [[nodiscard]] std::uint64_t inside() const;   ///< Once finished.
    [[nodiscard]] double estimate() const;        ///< 4 inside / samples.
    [[nodiscard]] double standard_error() const;  ///< Binomial, of the estimate.

 private:
    [[nodiscard]] std::uint32_t task_count() const;
    [[nodiscard]] std::uint64_t samples_of(TaskIndex index) const;

    MonteCarloPiPlan plan_;
    bool finished_ = false;
    std::uint64_t inside_ = 0;
};

}  // namespace netcompute::programs
