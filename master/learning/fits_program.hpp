#pragma once

#include "learning/folds.hpp"
#include <netcompute/programs/rounds.hpp>

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace netcompute::learning {

/// One fit: a candidate's parameters, learned from the training rows of a split and judged by those
/// that it holds out.
struct FitTask {
    std::uint32_t candidate = 0;
    std::uint32_t split = 0;
    friend bool operator==(const FitTask&, const FitTask&) = default;
};

/// What became of one.
struct FitRecord {
    std::string failure;          ///< Why there is no model, and no figures. Else empty.
    double steps = 0;             ///< Iterations, sweeps or trees.
    std::vector<double> figures;  ///< One a metric; NaN for one that is not defined.
};

/// A prepared table, as fit@2 reads it. There are several where candidates need different ones.
struct FitInputs {
    std::vector<programs::TaskInput> shared;
    std::uint64_t tellings = 1;  ///< How many times scores are told: FitPermutations.
};

struct FitCandidate {
    std::uint32_t table = 0;
    Bytes params;  ///< Of its learner's family.
};

/// The rows of a split: its roles as a blob, and which rows are held out, in order.
struct FitSplit {
    programs::BlobRef roles;
    std::vector<std::uint32_t> held_out;
    bool adds_scores = true;  ///< To the kept sums, where scores are kept.
};

struct FitsPlan {
    std::vector<FitInputs> tables;
    std::vector<FitCandidate> candidates;
    std::vector<FitSplit> splits;
    std::size_t metric_count = 0;  ///< Figures that are kept of a fit.
    std::size_t score_width = 1;   ///< Scores a row.
    /// What to fit next, by what became of all fits so far, which it has asked for, in order; a
    /// pure function. Nothing: it is over.
    std::function<std::vector<FitTask>(std::span<const FitRecord> records)> next;
    /// The figures of a split's scores, all that are told; what of metric_count they leave out is
    /// not defined. Errors: where they cannot be judged; the fit has failed.
    std::function<Result<std::vector<double>>(const FitSplit& split,
                                              std::span<const double> scores)>
        measure;
    std::uint64_t fit_count = 0;       ///< How many fits there will be, for people.
    std::uint64_t rows_predicted = 0;  ///< Rows of the table, where their scores are kept; or 0.
};

/// Fits, each a task of fit@2: a round has as many as are due, or as many as share a table and keep
/// the outputs of a round within 256 MB. A fold measures each fit's scores.
/// result_bytes() is what the state has: the records, and the kept scores.
class FitsProgram final : public programs::ManyRounds {
 public:
    explicit FitsProgram(FitsPlan plan);

    [[nodiscard]] std::optional<programs::Round> round() const override;
    [[nodiscard]] std::vector<programs::TaskInput> task_inputs(TaskIndex index) const override;
    [[nodiscard]] programs::Progress progress() const override;
    [[nodiscard]] Bytes result_bytes() const override;

    [[nodiscard]] std::span<const FitRecord> records() const { return records_; }
    /// Sums of the scores (the first telling) of each row over the fits that held it out:
    /// [rows_predicted][width].
    [[nodiscard]] std::span<const double> score_sums() const { return score_sums_; }

 private:
    [[nodiscard]] Result<void> fold(std::span<const ByteSpan> outputs,
                                    programs::RoundWork& work) override;
    void write_state(ByteWriter& state) const override;
    [[nodiscard]] bool read_state(ByteReader& state) override;
    [[nodiscard]] Result<FitRecord> record_of(const FitTask& task, ByteSpan output);
    [[nodiscard]] FitRecord read_record(ByteReader& state) const;
    [[nodiscard]] std::size_t score_count(const FitTask& task) const;
    void find_round();

    FitsPlan plan_;
    std::vector<FitRecord> records_;
    std::vector<double> score_sums_;
    std::vector<FitTask>
        due_;  ///< What `next` said last, and where in it the round begins and ends.
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

}  // namespace netcompute::learning
