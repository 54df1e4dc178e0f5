#pragma once

#include <netcompute/programs/rounds.hpp>
#include <netcompute/programs/train.hpp>

#include <cstdint>
#include <vector>

namespace netcompute::programs {

/// The most components: scores of rows are those of so many classes.
inline constexpr std::uint32_t pca_components_max = 100;

struct PcaPlan {
    std::vector<TrainingShard> shards;  ///< Standardised features; the labels are zeros.
    std::vector<double> deviations;     ///< By which each feature was divided.
    std::uint32_t components = 2;       ///< At most as many as features, and as rows.
    bool standardise = true;  ///< Otherwise the features are taken as they were, but centred.
};

/// What a principal component analysis found, by component, the largest first.
struct PrincipalComponents {
    std::vector<double> variances;  ///< Of the rows' components: sums of squares / (rows - 1).
    std::vector<double> loadings;   ///< Shape [components][features].
    double total_variance = 0;      ///< Of all features.
};

/// Principal components of a table: one round that adds up the products of the features, a task a
/// shard, whose centred matrix the fold decomposes; then one round that says the components of each
/// row. result_bytes() is the total variance, variances, loadings and rows' components, as f64.
/// Source: Jolliffe, "Principal Component Analysis", 2nd ed., chapter 2.
class PcaProgram final : public ManyRounds {
 public:
    explicit PcaProgram(PcaPlan plan);

    [[nodiscard]] std::optional<Round> round() const override;
    [[nodiscard]] std::vector<TaskInput> task_inputs(TaskIndex index) const override;
    [[nodiscard]] Progress progress() const override;
    [[nodiscard]] Bytes result_bytes() const override;

    [[nodiscard]] const PrincipalComponents& found() const { return found_; }
    /// Shape [rows][components], in order; empty until finished.
    [[nodiscard]] const std::vector<double>& rows() const { return rows_; }
    [[nodiscard]] std::uint64_t row_count() const { return row_count_; }

 private:
    enum class Phase : std::uint32_t { Adding, Scoring, Finished };

    [[nodiscard]] Result<void> fold(std::span<const ByteSpan> outputs, RoundWork&) override;
    void write_state(ByteWriter& state) const override;
    [[nodiscard]] bool read_state(ByteReader& state) override;
    [[nodiscard]] Result<void> decompose(std::span<const ByteSpan> outputs);
    [[nodiscard]] std::uint32_t features() const {
        return static_cast<std::uint32_t>(plan_.deviations.size());
    }
    [[nodiscard]] std::uint32_t width() const;
    [[nodiscard]] Bytes projection() const;

    PcaPlan plan_;
    std::uint64_t row_count_ = 0;
    Phase phase_ = Phase::Adding;
    PrincipalComponents found_;
    std::vector<double> means_;  ///< Of the standardised features: rounding, but for weights.
    std::vector<double> rows_;
};

}  // namespace netcompute::programs
