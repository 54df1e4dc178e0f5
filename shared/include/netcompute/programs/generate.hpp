#pragma once

#include <netcompute/kernels/generate.hpp>
#include <netcompute/programs/rounds.hpp>

#include <vector>

namespace netcompute::programs {

using kernels::GeneratedKind;
/// The whole table: first_row is 0.
using GeneratePlan = kernels::GenerateTask;

/// A made-up table: one round, a task a range of rows. result_bytes() is the values as f64.
class GenerateProgram final : public OneRound {
 public:
    /// Of at least one row.
    explicit GenerateProgram(const GeneratePlan& plan);

    [[nodiscard]] std::vector<TaskInput> task_inputs(TaskIndex index) const override;
    /// Shape [rows][features + 1], the target last; empty until finished.
    [[nodiscard]] const std::vector<double>& values() const { return values_; }

 private:
    [[nodiscard]] Round only_round() const override;
    [[nodiscard]] Result<void> fold(std::span<const ByteSpan> outputs, RoundWork&) override;
    void write_result(ByteWriter& result) const override;
    [[nodiscard]] bool read_result(ByteReader& result) override;
    [[nodiscard]] GeneratePlan part(TaskIndex index) const;
    [[nodiscard]] std::uint64_t rows_per_task() const;

    GeneratePlan plan_;
    std::vector<double> values_;
};

}  // namespace netcompute::programs
