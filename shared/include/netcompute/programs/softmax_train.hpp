#pragma once

#include <netcompute/kernels/softmax.hpp>
#include <netcompute/programs/train.hpp>

#include <cstdint>
#include <memory>
#include <vector>

namespace netcompute::programs {

class CholeskyFactor;

struct SoftmaxPlan {
    std::vector<TrainingShard> shards;  ///< Their labels are places of classes.
    std::uint32_t feature_count = 0;
    std::uint32_t class_count = 0;
    double l2 = 1.0;                   ///< Half this times the squared norm of the weights.
    double gradient_tolerance = 1e-9;  ///< Times the row count: the largest gradient entry allowed.
    double step_tolerance = 1e-7;      ///< The largest change that the last step would have made.
    std::uint32_t iterations_max = 1000;
};

/// Logistic regression of several classes: the least sum of log-losses and penalty, by L-BFGS. One
/// round adds up the products of the features, of which the first guess of the curvature is made;
/// then one round an iteration, a task a shard, which gives loss and gradient; then one round that
/// scores the training rows.
/// result_bytes() is kernels::encode_softmax_weights(): its SHA-256 is model_sha256.
/// Sources: Nocedal and Wright, "Numerical Optimization", 2nd ed., section 7.2; Böhning,
/// "Multinomial logistic regression algorithm", Ann. Inst. Statist. Math. 44 (1992).
class SoftmaxProgram final : public ManyRounds {
 public:
    explicit SoftmaxProgram(SoftmaxPlan plan);
    ~SoftmaxProgram() override;

    [[nodiscard]] std::optional<Round> round() const override;
    [[nodiscard]] std::vector<TaskInput> task_inputs(TaskIndex index) const override;
    [[nodiscard]] Progress progress() const override;
    [[nodiscard]] Bytes result_bytes() const override;

    /// The best so far: shape [class_count][feature_count + 1], the intercept last.
    [[nodiscard]] const std::vector<double>& weights() const { return weights_; }
    /// Shape [rows][class_count]: logits of the training rows; empty until finished.
    [[nodiscard]] const std::vector<double>& scores() const { return scores_; }
    /// Gradient rounds folded so far.
    [[nodiscard]] std::uint32_t iterations() const { return iterations_; }
    /// Log-losses plus penalty, in nats, at weights().
    [[nodiscard]] double objective() const { return objective_; }
    /// The gradient's largest entry in absolute value, at weights().
    [[nodiscard]] double gradient_max() const;

 private:
    enum class Phase : std::uint32_t { Adding, Descending, Scoring, Finished };

    /// How far a step went, and how the gradient changed: what L-BFGS remembers.
    struct Pair {
        std::vector<double> step;
        std::vector<double> change;
    };

    [[nodiscard]] Result<void> fold(std::span<const ByteSpan> outputs, RoundWork&) override;
    void write_state(ByteWriter& state) const override;
    [[nodiscard]] bool read_state(ByteReader& state) override;
    [[nodiscard]] Result<void> fold_products(std::span<const ByteSpan> outputs);
    [[nodiscard]] Result<void> fold_gradient(std::span<const ByteSpan> outputs);
    [[nodiscard]] Result<void> fold_scores_of_rows(std::span<const ByteSpan> outputs);
    [[nodiscard]] Result<kernels::SoftmaxSums> sums_of(std::span<const ByteSpan> outputs) const;
    [[nodiscard]] bool is_close() const;
    void remember(const std::vector<double>& gradient);
    void aim();
    void take_step();
    void factor_curvature();
    /// Divides by the first guess of the curvature, class by class.
    void precondition(std::vector<double>& vector) const;

    SoftmaxPlan plan_;
    std::uint64_t row_count_ = 0;
    std::size_t size_ = 0;  ///< Of the weights of one class: features and intercept.
    std::size_t pairs_max_ = 0;
    Phase phase_ = Phase::Adding;
    std::uint32_t iterations_ = 0;
    std::vector<double> products_;  ///< The upper triangle of the features' and 1's products.
    std::vector<double> weights_;
    std::vector<double> gradient_;  ///< At weights_; empty before the first one.
    double objective_ = 0;          ///< Likewise.
    std::vector<double> candidate_;
    std::vector<double> direction_;
    double step_ = 1;  ///< The share of direction_ that leads to candidate_.
    std::vector<Pair> pairs_;
    std::vector<double> scores_;
    std::unique_ptr<const CholeskyFactor>
        curvature_;  ///< Of products_; null: its diagonal is used.
};

}  // namespace netcompute::programs
