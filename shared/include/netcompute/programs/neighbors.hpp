#pragma once

#include <netcompute/kernels/neighbors.hpp>
#include <netcompute/programs/scores.hpp>

#include <cstdint>
#include <vector>

namespace netcompute::programs {

struct NeighborsPlan {
    std::vector<BlobRef> shards;            ///< Tiles [feature_count][row_count], standardised.
    std::vector<std::uint32_t> row_counts;  ///< Of each shard.
    kernels::Neighbors model;
};

/// Learns by heart: a round of noop@1 gathers the rows, a task a shard, and a round scores them.
/// result_bytes() are encode_neighbors(): their SHA-256 is model_sha256.
class NeighborsTraining final : public ManyRounds {
 public:
    /// The model's features are still to be gathered.
    explicit NeighborsTraining(NeighborsPlan plan);

    [[nodiscard]] std::optional<Round> round() const override;
    [[nodiscard]] std::vector<TaskInput> task_inputs(TaskIndex index) const override;
    [[nodiscard]] Bytes result_bytes() const override;

    [[nodiscard]] const kernels::Neighbors& model() const { return model_; }
    /// Of the training rows: [rows][width]; empty until finished.
    [[nodiscard]] const std::vector<double>& scores() const { return scores_; }

 private:
    enum class Phase : std::uint32_t { Gathering, Scoring, Finished };

    [[nodiscard]] Result<void> fold(std::span<const ByteSpan> outputs, RoundWork&) override;
    void write_state(ByteWriter& state) const override;
    [[nodiscard]] bool read_state(ByteReader& state) override;
    [[nodiscard]] Result<void> gather(std::span<const ByteSpan> outputs);

    std::vector<BlobRef> shards_;
    std::vector<std::uint32_t> row_counts_;
    kernels::Neighbors model_;
    ScoreTasks scoring_;
    Phase phase_ = Phase::Gathering;
    std::vector<double> scores_;
};

/// What the nearest neighbours of rows say: one round, of tasks of about a second.
class NeighborsProgram final : public ScoresProgram {
 public:
    explicit NeighborsProgram(NeighborsPlan plan);

 private:
    [[nodiscard]] Round only_round() const override;

    Bytes model_;
};

}  // namespace netcompute::programs
