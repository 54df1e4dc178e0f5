#pragma once

#include "learning/fits_program.hpp"
#include "learning/learner.hpp"

#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace netcompute::jobs {

/// Fits, and then one training, planned by what became of them: the best candidate on all rows.
/// result_bytes() is those of the fits, then those of the training.
class SearchProgram final : public programs::ManyRounds {
 public:
    /// Errors of a plan end the job: nothing could be fitted. A pure function.
    using PlanTraining =
        std::function<Result<learning::Training>(std::span<const learning::FitRecord> records)>;

    SearchProgram(learning::FitsPlan fits, PlanTraining plan_training);

    [[nodiscard]] std::optional<programs::Round> round() const override;
    [[nodiscard]] std::vector<programs::TaskInput> task_inputs(TaskIndex index) const override;
    [[nodiscard]] std::vector<programs::BlobRef> blobs() const override;
    [[nodiscard]] programs::Progress progress() const override;
    [[nodiscard]] Bytes result_bytes() const override;

    [[nodiscard]] std::span<const learning::FitRecord> records() const { return fits_.records(); }
    /// What the training has found; once finished.
    [[nodiscard]] learning::Trained trained() const { return training_->finish(); }

 private:
    [[nodiscard]] Result<void> fold(std::span<const ByteSpan> outputs,
                                    programs::RoundWork& work) override;
    void write_state(ByteWriter& state) const override;
    [[nodiscard]] bool read_state(ByteReader& state) override;
    [[nodiscard]] Result<void> begin_training();

    learning::FitsProgram fits_;
    PlanTraining plan_training_;
    std::optional<learning::Training> training_;  ///< Once all fits are done.
};

}  // namespace netcompute::jobs
