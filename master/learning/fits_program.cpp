#include "learning/fits_program.hpp"

#include <netcompute/assert.hpp>
#include <netcompute/programs/fit.hpp>

#include <algorithm>
#include <limits>
#include <utility>

namespace netcompute::learning {
namespace {

/// What the outputs of one round may be together.
constexpr std::size_t scores_of_round = std::size_t{1} << 25;
constexpr std::size_t failure_bytes_max = 1000;

}  // namespace

FitsProgram::FitsProgram(FitsPlan plan)
    : ManyRounds{"fits", "PFI1"},
      plan_{std::move(plan)},
      score_sums_(static_cast<std::size_t>(plan_.rows_predicted) * plan_.score_width),
      due_{plan_.next({})} {
    find_round();
}

/// What a fit answers with.
std::size_t FitsProgram::score_count(const FitTask& task) const {
    const std::uint64_t tellings = plan_.tables[plan_.candidates[task.candidate].table].tellings;
    return static_cast<std::size_t>(plan_.splits[task.split].held_out.size() * plan_.score_width *
                                    tellings);
}

/// From begin_ on: the fits over one table whose scores are not too many, but at least one.
void FitsProgram::find_round() {
    end_ = begin_;
    std::size_t scores = 0;
    while (end_ < due_.size()) {
        const FitTask& task = due_[end_];
        scores += score_count(task);
        const auto table_of = [&](const FitTask& each) {
            return plan_.candidates[each.candidate].table;
        };
        const bool fits = table_of(task) == table_of(due_[begin_]) && scores <= scores_of_round;
        if (end_ > begin_ && !fits) break;
        ++end_;
    }
}

std::optional<programs::Round> FitsProgram::round() const {
    if (begin_ == end_) return std::nullopt;
    const FitCandidate& candidate = plan_.candidates[due_[begin_].candidate];
    return programs::Round{"fit", 2, plan_.tables[candidate.table].shared,
                           static_cast<std::uint32_t>(end_ - begin_)};
}

std::vector<programs::TaskInput> FitsProgram::task_inputs(TaskIndex index) const {
    const FitTask& task = due_[begin_ + index];
    return {plan_.splits[task.split].roles, plan_.candidates[task.candidate].params};
}

Result<FitRecord> FitsProgram::record_of(const FitTask& task, ByteSpan output) {
    const FitSplit& split = plan_.splits[task.split];
    const std::size_t width = plan_.score_width;
    auto found = programs::decode_fit(output, score_count(task));
    if (!found) return unexpected(found.error());
    FitRecord record{std::move(found->failure), found->steps, {}};
    record.figures.resize(plan_.metric_count);
    if (record.failure.empty()) {
        auto figures = plan_.measure(split, found->scores);
        if (figures) {
            record.figures = std::move(*figures);
            record.figures.resize(plan_.metric_count, std::numeric_limits<double>::quiet_NaN());
        } else {
            record.failure = figures.error().message;
        }
    }
    record.failure.resize(std::min(record.failure.size(), failure_bytes_max));
    if (!record.failure.empty() || score_sums_.empty() || !split.adds_scores) return record;
    for (std::size_t i = 0; i < split.held_out.size() * width; ++i) {
        score_sums_[split.held_out[i / width] * width + i % width] += found->scores[i];
    }
    return record;
}

Result<void> FitsProgram::fold(std::span<const ByteSpan> outputs, programs::RoundWork&) {
    for (std::size_t task = 0; task < outputs.size(); ++task) {
        auto record = record_of(due_[begin_ + task], outputs[task]);
        if (!record) {
            return unexpected(record.error().code,
                              "task " + std::to_string(task) + ": " + record.error().message);
        }
        records_.push_back(std::move(*record));
    }
    begin_ = end_;
    if (begin_ == due_.size()) {
        due_ = plan_.next(records_);
        begin_ = 0;
    }
    find_round();
    return {};
}

void FitsProgram::write_state(ByteWriter& state) const {
    state.number(static_cast<std::uint64_t>(records_.size()));
    for (const FitRecord& record : records_) {
        state.number(static_cast<std::uint32_t>(record.failure.size()));
        state.bytes(as_byte_span(record.failure));
        state.number(record.steps);
        state.numbers(std::span{record.figures});
    }
    state.numbers(std::span{score_sums_});
}

FitRecord FitsProgram::read_record(ByteReader& state) const {
    FitRecord record;
    const auto size = state.number<std::uint32_t>();
    record.failure = as_text(state.bytes(size));
    record.steps = state.number<double>();
    record.figures.resize(plan_.metric_count);
    for (double& figure : record.figures) figure = state.number<double>();
    return record;
}

bool FitsProgram::read_state(ByteReader& state) {
    const auto count = state.number<std::uint64_t>();
    if (count > state.left()) return false;
    records_.clear();
    for (std::uint64_t i = 0; i < count && state.ok(); ++i) {
        records_.push_back(read_record(state));
    }
    if (!state.ok() || state.left() < score_sums_.size() * sizeof(double)) return false;
    for (double& sum : score_sums_) sum = state.number<double>();
    // What was due, up to here, follows from the records.
    std::span<const FitRecord> rest{records_};
    due_ = plan_.next({});
    while (!due_.empty() && rest.size() >= due_.size()) {
        rest = rest.subspan(due_.size());
        due_ = plan_.next(std::span{records_}.first(records_.size() - rest.size()));
    }
    begin_ = rest.size();
    if (begin_ > 0 && due_.empty()) return false;
    find_round();
    return true;
}

programs::Progress FitsProgram::progress() const {
    const auto fits = static_cast<double>(records_.size());
    return {fits / static_cast<double>(std::max<std::uint64_t>(plan_.fit_count, 1)),
            {{"fits", fits}}};
}

Bytes FitsProgram::result_bytes() const {
    Bytes bytes;
    ByteWriter writer{bytes};
    write_state(writer);
    return bytes;
}

}  // namespace netcompute::learning
