#pragma once

#include <netcompute/kernels/logistic.hpp>
#include <netcompute/programs/rounds.hpp>

#include <vector>

namespace netcompute::programs {

/// Rows of the training set, cut by the data alone, never by the workers.
struct TrainingShard {
    BlobRef features;  ///< A tile [feature_count][row_count], standardised, finite.
    BlobRef labels;    ///< A tile [1][row_count], each exactly 0 or 1.
    std::uint32_t row_count = 0;
};

struct TrainPlan {
    std::vector<TrainingShard> shards;
    std::uint32_t feature_count = 0;
    double l2 = 1.0;                   ///< Half this times the squared norm of the weights.
    double gradient_tolerance = 1e-9;  ///< Times the row count: the largest gradient entry allowed.
    /// The largest entry allowed of the step that would come next, where weights are 1 or less; of
    /// larger ones a share. It is what is left to the optimum: where the penalty alone holds a
    /// weight, the gradient is small long before.
    double step_tolerance = 1e-8;
    std::uint32_t iterations_max = 100;
};

struct LogisticModel {
    std::vector<double> weights;  ///< Shape [feature_count].
    double intercept = 0;
};

/// Binary logistic regression by damped Newton steps: one round an iteration, one task a shard,
/// then one round that scores the training rows with the final weights.
/// result_bytes() is the weights, then the intercept, as f64: its SHA-256 is model_sha256.
/// Source: McCullagh and Nelder, "Generalized Linear Models", 2nd ed., chapters 2 and 4.
class TrainProgram final : public ManyRounds {
 public:
    explicit TrainProgram(TrainPlan plan);

    [[nodiscard]] std::optional<Round> round() const override;
    [[nodiscard]] std::vector<TaskInput> task_inputs(TaskIndex index) const override;
    /// What iterations(), objective() and gradient_max() say. How many iterations are still to come
    /// cannot be told.
    [[nodiscard]] Progress progress() const override;
    [[nodiscard]] Bytes result_bytes() const override;

    /// The best model so far; the fitted one once finished.
    [[nodiscard]] const LogisticModel& model() const;
    /// Linear scores (log-odds) of the training rows, in order; empty until finished.
    [[nodiscard]] const std::vector<double>& scores() const;
    /// Newton rounds folded so far.
    [[nodiscard]] std::uint32_t iterations() const;
    /// Log-losses plus penalty, in nats, at model().
    [[nodiscard]] double objective() const;
    /// The gradient's largest entry in absolute value, at model().
    [[nodiscard]] double gradient_max() const;

 private:
    enum class Phase : std::uint32_t { Newton, Scoring, Finished };

    [[nodiscard]] Result<void> fold(std::span<const ByteSpan> outputs, RoundWork&) override;
    void write_state(ByteWriter& state) const override;
    [[nodiscard]] bool read_state(ByteReader& state) override;
    [[nodiscard]] Result<void> finish_newton(std::span<const ByteSpan> outputs);
    [[nodiscard]] Result<void> finish_scoring(std::span<const ByteSpan> outputs);
    [[nodiscard]] Result<kernels::LogisticSums> sums_of(std::span<const ByteSpan> outputs) const;
    [[nodiscard]] bool is_at_optimum(const std::vector<double>& next_step) const;
    [[nodiscard]] bool has_small_gradient() const;
    [[nodiscard]] Result<void> aim(const kernels::LogisticSums& sums);
    void take_step();

    TrainPlan plan_;
    std::uint64_t row_count_ = 0;
    Phase phase_ = Phase::Newton;
    std::uint32_t iterations_ = 0;
    LogisticModel model_;      ///< The best so far; zeros before the first fold.
    double objective_ = 0;     ///< At model_.
    double gradient_max_ = 0;  ///< At model_.
    LogisticModel candidate_;  ///< What the round that is due looks at.
    /// From model_ downhill: the Newton step, intercept last; empty before the first fold.
    std::vector<double> direction_;
    double step_ = 1;  ///< The share of direction_ that leads to candidate_.
    std::vector<double> scores_;
};

}  // namespace netcompute::programs
