#pragma once

#include <netcompute/programs/train.hpp>

#include <cstdint>
#include <vector>

namespace netcompute::programs {

/// What keeps the weights of a linear regression small.
enum class LinearPenalty : std::uint32_t { None, Ridge, ElasticNet };

struct LinearPlan {
    std::vector<TrainingShard> shards;  ///< Their labels are numbers.
    std::uint32_t feature_count = 0;
    double shift = 0;  ///< Near the targets' mean: it is taken from them while they are added up.
    LinearPenalty penalty = LinearPenalty::None;
    double alpha = 0;  ///< As scikit-learn's Ridge, Lasso and ElasticNet have it.
    double l1_ratio = 0;
    double tolerance = 1e-8;
    std::uint32_t sweeps_max = 10'000;
};

/// What a linear regression found, besides the weights.
struct LinearFigures {
    std::uint32_t rank = 0;    ///< Of the features, where they were decomposed: not of ElasticNet.
    std::uint32_t sweeps = 0;  ///< Of ElasticNet.
    double gap = 0;            ///< Of ElasticNet: the objective is no more above its least value.
    /// Standard errors of the weights, then the intercept; without a penalty, where the features
    /// are independent and fewer than rows.
    std::vector<double> errors;
};

/// Linear regression by least squares: one round that adds up the products of the columns, a task a
/// shard, which the fold solves; then one round that scores the training rows.
/// result_bytes() is the weights, then the intercept, as f64: its SHA-256 is model_sha256.
/// Source: Hastie, Tibshirani and Friedman, "The Elements of Statistical Learning", 2nd ed.,
/// chapter 3.
class LinearProgram final : public ManyRounds {
 public:
    explicit LinearProgram(LinearPlan plan);

    [[nodiscard]] std::optional<Round> round() const override;
    [[nodiscard]] std::vector<TaskInput> task_inputs(TaskIndex index) const override;
    [[nodiscard]] Progress progress() const override;
    [[nodiscard]] Bytes result_bytes() const override;

    [[nodiscard]] const LogisticModel& model() const { return model_; }
    [[nodiscard]] const LinearFigures& figures() const { return figures_; }
    /// Of the training rows, in order; empty until finished.
    [[nodiscard]] const std::vector<double>& scores() const { return scores_; }

 private:
    enum class Phase : std::uint32_t { Adding, Scoring, Finished };

    [[nodiscard]] Result<void> fold(std::span<const ByteSpan> outputs, RoundWork&) override;
    void write_state(ByteWriter& state) const override;
    [[nodiscard]] bool read_state(ByteReader& state) override;
    [[nodiscard]] Result<void> solve(std::span<const ByteSpan> outputs);

    LinearPlan plan_;
    std::uint64_t row_count_ = 0;
    Phase phase_ = Phase::Adding;
    LogisticModel model_;
    LinearFigures figures_;
    std::vector<double> scores_;
};

}  // namespace netcompute::programs
