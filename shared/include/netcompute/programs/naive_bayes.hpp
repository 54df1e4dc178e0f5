#pragma once

#include <netcompute/kernels/naive_bayes.hpp>
#include <netcompute/programs/scores.hpp>
#include <netcompute/programs/train.hpp>

#include <cstdint>
#include <vector>

namespace netcompute::programs {

struct NaiveBayesPlan {
    std::vector<TrainingShard> shards;  ///< Their labels are the places of classes.
    std::uint32_t feature_count = 0;
    std::uint32_t class_count = 0;
    double var_smoothing = 1e-9;  ///< Of the largest variance: it is added to all.
};

/// Gaussian naive Bayes: a round that adds up values by class, one that adds up their squares about
/// the classes' means, so that a narrow class far from 0 keeps its digits, and one that scores the
/// training rows. result_bytes() are encode_gaussian_classes(): their SHA-256 is model_sha256.
/// Source: Chan, Golub and LeVeque, "Algorithms for Computing the Sample Variance" (1983), 1.7.
class NaiveBayesProgram final : public ManyRounds {
 public:
    explicit NaiveBayesProgram(NaiveBayesPlan plan);

    [[nodiscard]] std::optional<Round> round() const override;
    [[nodiscard]] std::vector<TaskInput> task_inputs(TaskIndex index) const override;
    [[nodiscard]] Progress progress() const override;
    [[nodiscard]] Bytes result_bytes() const override;

    [[nodiscard]] const kernels::GaussianClasses& model() const { return model_; }
    /// Of the training rows: [rows][class_count]; empty until finished.
    [[nodiscard]] const std::vector<double>& scores() const { return scores_; }

 private:
    enum class Phase : std::uint32_t { Means, Variances, Scoring, Finished };

    [[nodiscard]] Result<void> fold(std::span<const ByteSpan> outputs, RoundWork&) override;
    void write_state(ByteWriter& state) const override;
    [[nodiscard]] bool read_state(ByteReader& state) override;
    [[nodiscard]] Result<void> take_sums(std::span<const ByteSpan> outputs);
    [[nodiscard]] Result<void> find_variances(const kernels::ClassSums& sums);

    NaiveBayesPlan plan_;
    ScoreTasks scoring_;
    Phase phase_ = Phase::Means;
    kernels::GaussianClasses model_;
    std::vector<double> scores_;
};

struct NaiveBayesScoresPlan {
    std::vector<BlobRef> shards;            ///< Tiles [feature_count][row_count], standardised.
    std::vector<std::uint32_t> row_counts;  ///< Of each shard.
    kernels::GaussianClasses model;
};

/// The logarithms of classes' priors times densities: one round.
class NaiveBayesScoresProgram final : public ScoresProgram {
 public:
    explicit NaiveBayesScoresProgram(NaiveBayesScoresPlan plan);

 private:
    [[nodiscard]] Round only_round() const override;

    kernels::GaussianClasses model_;
};

}  // namespace netcompute::programs
