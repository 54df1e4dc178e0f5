#pragma once

#include <netcompute/programs/rounds.hpp>

namespace netcompute::programs {

struct MonteCarloPiPlan {
    std::uint64_t samples = 0;  ///< At least 1, at most MonteCarloPiProgram::samples_max.
    std::uint64_t seed = 0;
};

/// Pi by counting uniform points of the unit square that fall inside the quarter circle. Sample i
/// takes its coordinates from Philox at counter i, so the count does not depend on the cut.
/// result_bytes() is u64 samples, u64 inside.
class MonteCarloPiProgram final : public OneRound {
 public:
    static constexpr std::uint64_t samples_per_task = std::uint64_t{1} << 22;
    /// As many as a round has numbers for tasks.
    static constexpr std::uint64_t samples_max = samples_per_task * 0xffffffff;

    explicit MonteCarloPiProgram(MonteCarloPiPlan plan);

    [[nodiscard]] std::vector<TaskInput> task_inputs(TaskIndex index) const override;
    [[nodiscard]] Bytes result_bytes() const override;

    [[nodiscard]] std::uint64_t samples() const;
    [[nodiscard]] std::uint64_t inside() const;   ///< Once finished.
    [[nodiscard]] double estimate() const;        ///< 4 inside / samples.
    [[nodiscard]] double standard_error() const;  ///< Binomial, of the estimate.

 private:
    [[nodiscard]] Round only_round() const override;
    [[nodiscard]] Result<void> fold(std::span<const ByteSpan> outputs, RoundWork&) override;
    void write_result(ByteWriter& result) const override;
    [[nodiscard]] bool read_result(ByteReader& result) override;
    [[nodiscard]] std::uint32_t task_count() const;
    [[nodiscard]] std::uint64_t samples_of(TaskIndex index) const;

    MonteCarloPiPlan plan_;
    std::uint64_t inside_ = 0;
};

}  // namespace netcompute::programs
