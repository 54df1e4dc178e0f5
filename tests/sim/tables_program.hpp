#pragma once

#include <netcompute/programs/rounds.hpp>

#include <vector>

namespace netcompute::sim {

struct TablesPlan {
    std::uint32_t task_count = 1;
    std::uint32_t round_count = 1;
    std::vector<programs::BlobRef> tables;  ///< At least one; tasks take turns at them.
    bool publishes = false;                 ///< Its folds make tables too, which later rounds read.
};

/// Rounds of a kernel that remembers what it derived from the tables (test_support::table_sums).
class TablesProgram final : public programs::ManyRounds {
 public:
    explicit TablesProgram(TablesPlan plan);

    [[nodiscard]] std::optional<programs::Round> round() const override;
    [[nodiscard]] std::vector<programs::TaskInput> task_inputs(TaskIndex index) const override;
    [[nodiscard]] std::vector<programs::BlobRef> blobs() const override;
    [[nodiscard]] Bytes result_bytes() const override;

 private:
    void publish(std::span<const ByteSpan> outputs, programs::RoundWork& work);
    [[nodiscard]] Result<void> fold(std::span<const ByteSpan> outputs,
                                    programs::RoundWork&) override;
    void write_state(ByteWriter& state) const override;
    [[nodiscard]] bool read_state(ByteReader& state) override;

    TablesPlan plan_;
    std::uint32_t rounds_done_ = 0;
    std::uint64_t sum_ = 0;                  ///< Of all outputs so far.
    std::vector<programs::BlobRef> shared_;  ///< For all tasks: made in this fold or in one before.
    std::vector<programs::BlobRef> for_tasks_;  ///< They take turns at these.
};

}  // namespace netcompute::sim
