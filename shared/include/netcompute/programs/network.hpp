#pragma once

#include <netcompute/kernels/network.hpp>
#include <netcompute/programs/scores.hpp>
#include <netcompute/programs/train.hpp>

#include <cstdint>
#include <vector>

namespace netcompute::programs {

struct NetworkJob {
    kernels::NetworkPlan plan;
    std::vector<TrainingShard> shards;  ///< Shard i belongs to replica i mod plan.replicas.
    std::uint32_t local_epochs = 1;     ///< Of several replicas, between two outer steps.
    double outer_learning_rate = 0.7;
    double outer_momentum = 0.9;
};

/// What a training found, besides the weights.
struct NetworkFigures {
    std::uint32_t epochs = 0;
    double loss = 0;        ///< Of the last epoch.
    double best_score = 0;  ///< With early stopping: of the weights that were kept.
};

/// A multi-layer perceptron. A task is one replica's next steps over its rows, of about a second;
/// its output, a state, is published and is the input of the replica's next task. With one replica
/// that is plain training. With more, all replicas begin at the same weights, make `local_epochs`
/// each, and an outer step by Nesterov's momentum follows what they found, in the mean; each
/// replica's optimizer goes on. Then a round scores the training rows.
/// result_bytes() are encode_network(): their SHA-256 is model_sha256.
/// Source: Douillard et al., "DiLoCo: distributed low-communication training of language models"
/// (2023).
class NetworkProgram final : public ManyRounds {
 public:
    explicit NetworkProgram(NetworkJob job);

    [[nodiscard]] std::optional<Round> round() const override;
    [[nodiscard]] std::vector<TaskInput> task_inputs(TaskIndex index) const override;
    [[nodiscard]] std::vector<BlobRef> blobs() const override { return states_; }
    [[nodiscard]] Progress progress() const override;
    [[nodiscard]] Bytes result_bytes() const override;

    [[nodiscard]] kernels::Network model() const;
    [[nodiscard]] const NetworkFigures& figures() const { return figures_; }
    /// Of the training rows: [rows][outputs]; empty until finished.
    [[nodiscard]] const std::vector<double>& scores() const { return scores_; }

 private:
    enum class Phase : std::uint32_t { Learning, Scoring, Finished };

    [[nodiscard]] Result<void> fold(std::span<const ByteSpan> outputs, RoundWork& work) override;
    void write_state(ByteWriter& state) const override;
    [[nodiscard]] bool read_state(ByteReader& state) override;
    [[nodiscard]] Result<void> take_states(std::span<const ByteSpan> outputs, RoundWork& work);
    void take_outer_step(const std::vector<kernels::NetworkState>& states);
    void stop(std::vector<double> weights);
    [[nodiscard]] bool has_replicas() const { return job_.plan.replicas > 1; }

    NetworkJob job_;
    ScoreTasks scoring_;
    std::uint32_t updates_max_ = 0;     ///< Of a task.
    std::vector<double> replica_rows_;  ///< How many each has.
    Phase phase_ = Phase::Learning;
    std::vector<BlobRef> states_;  ///< One a replica; none before the first fold.
    bool is_apart_ = false;        ///< Some replicas are before the next outer step.
    std::vector<double> weights_;  ///< After the last outer step, or the ones that were found.
    std::vector<double> outer_velocity_;
    kernels::NetworkState rule_;  ///< What the stopping rule of several replicas remembers.
    NetworkFigures figures_;
    std::vector<double> scores_;
};

struct NetworkScoresPlan {
    std::vector<BlobRef> shards;            ///< Tiles [feature_count][row_count], standardised.
    std::vector<std::uint32_t> row_counts;  ///< Of each shard.
    kernels::Network network;
};

/// What a network says of rows: one round.
class NetworkScoresProgram final : public ScoresProgram {
 public:
    explicit NetworkScoresProgram(NetworkScoresPlan plan);

 private:
    [[nodiscard]] Round only_round() const override;

    kernels::Network network_;
};

}  // namespace netcompute::programs
