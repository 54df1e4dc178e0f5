#include "jobs/search_program.hpp"

#include <utility>

namespace netcompute::jobs {

SearchProgram::SearchProgram(learning::FitsPlan fits, PlanTraining plan_training)
    : ManyRounds{"search", "PSE1"},
      fits_{std::move(fits)},
      plan_training_{std::move(plan_training)} {}

std::optional<programs::Round> SearchProgram::round() const {
    return training_ ? training_->program->round() : fits_.round();
}

std::vector<programs::TaskInput> SearchProgram::task_inputs(TaskIndex index) const {
    return training_ ? training_->program->task_inputs(index) : fits_.task_inputs(index);
}

std::vector<programs::BlobRef> SearchProgram::blobs() const {
    return training_ ? training_->program->blobs() : std::vector<programs::BlobRef>{};
}

programs::Progress SearchProgram::progress() const {
    programs::Progress progress = fits_.progress();
    if (training_) {
        for (const auto& metric : training_->program->progress().metrics) {
            progress.metrics.push_back(metric);
        }
    }
    return progress;
}

Bytes SearchProgram::result_bytes() const {
    Bytes bytes = fits_.result_bytes();
    if (training_) ByteWriter{bytes}.bytes(training_->program->result_bytes());
    return bytes;
}

Result<void> SearchProgram::fold(std::span<const ByteSpan> outputs, programs::RoundWork& work) {
    if (training_) return training_->program->finish_round(outputs, work);
    if (auto folded = fits_.finish_round(outputs, work); !folded) return folded;
    return fits_.round() ? Result<void>{} : begin_training();
}

Result<void> SearchProgram::begin_training() {
    auto training = plan_training_(fits_.records());
    if (!training) return unexpected(training.error());
    training_ = std::move(*training);
    return {};
}

void SearchProgram::write_state(ByteWriter& state) const {
    const Bytes fits = fits_.checkpoint();
    state.number(static_cast<std::uint64_t>(fits.size()));
    state.bytes(fits);
    if (training_) state.bytes(training_->program->checkpoint());
}

bool SearchProgram::read_state(ByteReader& state) {
    training_.reset();
    const auto size = state.number<std::uint64_t>();
    if (size > state.left()) return false;
    if (!fits_.restore(state.bytes(static_cast<std::size_t>(size)))) return false;
    if (fits_.round()) return true;
    if (!begin_training()) return false;
    return training_->program->restore(state.bytes(state.left())).has_value();
}

}  // namespace netcompute::jobs
