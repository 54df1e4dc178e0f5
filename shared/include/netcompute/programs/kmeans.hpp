#pragma once

#include <netcompute/kernels/kmeans.hpp>
#include <netcompute/programs/rounds.hpp>
#include <netcompute/programs/scores.hpp>

#include <vector>

namespace netcompute::programs {

struct KMeansJob {
    std::vector<BlobRef> shards;            ///< Tiles [features][rows], standardised, finite.
    std::vector<std::uint32_t> row_counts;  ///< Of each.
    std::uint32_t features = 0;
    std::uint32_t clusters = 8;
    std::uint32_t starts = 1;  ///< From other seeds; the one that ends best is taken.
    std::uint32_t iterations_max = 300;
    /// Centers that have moved by less are at their end: the sum of their squared ways.
    double tolerance = 1e-4;
    std::uint64_t seed = 0;
};

/// k-means by Lloyd's algorithm from centers that k-means++ chooses, the greedy one: of a few
/// candidates for each center, drawn by their squared distances, the one that leaves the smallest
/// sum of them. All starts go on side by side: a round is one step of each, a task a shard of one.
/// A center without rows stays where it is.
/// result_bytes() is the centers (encode_kmeans_points), then the inertia as f64.
class KMeansProgram final : public ManyRounds {
 public:
    explicit KMeansProgram(KMeansJob job);

    [[nodiscard]] std::optional<Round> round() const override;
    [[nodiscard]] std::vector<TaskInput> task_inputs(TaskIndex index) const override;
    [[nodiscard]] Progress progress() const override;
    [[nodiscard]] Bytes result_bytes() const override;

    /// The centers; of the best start once finished.
    [[nodiscard]] const kernels::KMeansPoints& centers() const { return centers_; }
    /// How often the best start's centers were moved.
    [[nodiscard]] std::uint32_t iterations() const { return iterations_.front(); }
    /// Once finished: each row's cluster and squared distance from its center, in order.
    [[nodiscard]] const std::vector<std::uint32_t>& labels() const { return labels_; }
    [[nodiscard]] const std::vector<double>& distances() const { return distances_; }
    /// The sum of distances(), in order.
    [[nodiscard]] double inertia() const;

 private:
    enum class Phase : std::uint32_t { Picking, Judging, Moving, Comparing, Labelling, Finished };

    /// A place among the rows, weighted by their distances.
    struct Pick {
        std::size_t shard = 0;
        double at = 0;
    };

    [[nodiscard]] Result<void> fold(std::span<const ByteSpan> outputs, RoundWork& work) override;
    void write_state(ByteWriter& state) const override;
    [[nodiscard]] bool read_state(ByteReader& state) override;
    [[nodiscard]] Result<void> fold_picks(std::span<const ByteSpan> outputs);
    [[nodiscard]] Result<void> fold_candidates(std::span<const ByteSpan> outputs);
    [[nodiscard]] Result<void> fold_moves(std::span<const ByteSpan> outputs);
    [[nodiscard]] Result<void> fold_ends(std::span<const ByteSpan> outputs);
    [[nodiscard]] Result<void> fold_labels(std::span<const ByteSpan> outputs);
    /// For each start, the sums over its shards of what each candidate leaves.
    [[nodiscard]] Result<std::vector<kernels::KMeansSeeding>> potentials_of(
        std::span<const ByteSpan> outputs) const;
    void draw_picks();
    void take_start(std::uint32_t start);
    [[nodiscard]] std::uint32_t candidate_count() const;
    [[nodiscard]] std::uint64_t row_count() const;
    /// Starts that are not at their end, in order.
    [[nodiscard]] std::vector<std::uint32_t> moving() const;

    KMeansJob job_;
    Phase phase_ = Phase::Picking;
    kernels::KMeansPoints centers_;
    kernels::KMeansPoints candidates_;
    std::vector<double> potentials_;         ///< Shape [starts][shards], of the centers so far.
    std::vector<Pick> picks_;                ///< Shape [starts][candidates]; follows from these.
    std::vector<std::uint32_t> iterations_;  ///< Of each start.
    std::vector<std::uint8_t> has_ended_;    ///< Likewise.
    std::vector<std::uint32_t> labels_;
    std::vector<double> distances_;
};

struct KMeansLabelsPlan {
    std::vector<BlobRef> shards;            ///< As in KMeansJob.
    std::vector<std::uint32_t> row_counts;  ///< Of each.
    kernels::KMeansPoints centers;          ///< Of one start.
};

/// The cluster of each row, as f64, and the squared distance from its center: one round, one task a
/// shard. scores() has shape [rows][2].
class KMeansLabelsProgram final : public ScoresProgram {
 public:
    explicit KMeansLabelsProgram(KMeansLabelsPlan plan);

 private:
    [[nodiscard]] Round only_round() const override;

    Bytes centers_;
};

}  // namespace netcompute::programs
