#include <netcompute/assert.hpp>
#include <netcompute/programs/sampled_means.hpp>

#include <algorithm>
#include <cmath>
#include <string>

namespace netcompute::programs {

SampledMeans::SampledMeans(std::string_view name, const char (&tag)[5], const Sampling& sampling,
                           std::uint64_t samples_per_task, std::size_t sum_count)
    : ManyRounds{name, tag},
      kernel_{name},
      sampling_{sampling},
      samples_per_task_{samples_per_task},
      target_{sampling.samples},
      sums_(sum_count) {
    NETCOMPUTE_ASSERT(sampling_.samples > 0, "a round has at least one task");
}

std::optional<Round> SampledMeans::round() const {
    if (samples_ == target_) return std::nullopt;
    const std::uint64_t tasks = (target_ - samples_ - 1) / samples_per_task_ + 1;
    return Round{kernel_, 1, {}, static_cast<std::uint32_t>(tasks)};
}

std::vector<TaskInput> SampledMeans::task_inputs(TaskIndex index) const {
    const std::uint64_t before = index * samples_per_task_;
    return {task_input(next_sample_ + before,
                       std::min(samples_per_task_, target_ - samples_ - before))};
}

Result<void> SampledMeans::fold(std::span<const ByteSpan> outputs, RoundWork&) {
    for (std::size_t task = 0; task < outputs.size(); ++task) {
        ByteReader reader{outputs[task]};
        bool is_finite = true;
        for (double& sum : sums_) {
            const auto more = reader.number<double>();
            sum += more;
            is_finite = is_finite && std::isfinite(sum);
        }
        if (!reader.finished()) {
            return unexpected(ErrorCode::ShapeMismatch, std::string{kernel_} +
                                                            ": the output of task " +
                                                            std::to_string(task) + " is not " +
                                                            std::to_string(sums_.size()) + " sums");
        }
        if (!is_finite) {
            return unexpected(ErrorCode::LimitExceeded,
                              std::string{kernel_} + ": the sums of task " + std::to_string(task) +
                                  " overflow: choose less extreme parameters");
        }
    }
    samples_ = target_;
    next_sample_ += outputs.size() * samples_per_task_;
    target_ = next_target();
    return {};
}

bool SampledMeans::met_its_bound() const {
    return sampling_.standard_error_max == 0 ||
           (samples_ > 1 && standard_error() <= sampling_.standard_error_max);
}

/// The error falls with the square root of the count. A tenth more than that asks for, since the
/// error is estimated too; whole tasks; and at most eight times as many as there are, since few
/// samples tell little of it.
std::uint64_t SampledMeans::next_target() const {
    if (met_its_bound() || samples_ >= sampling_.samples_max) return samples_;
    const double ratio = standard_error() / sampling_.standard_error_max;
    const double factor = std::min(8.0, 1.1 * ratio * ratio);
    const double wanted = std::ceil(factor * static_cast<double>(samples_));
    const double most = static_cast<double>(sampling_.samples_max - samples_);
    const double more = std::max(1.0, wanted - static_cast<double>(samples_));
    if (!(more < most)) return sampling_.samples_max;
    const std::uint64_t tasks = (static_cast<std::uint64_t>(more) - 1) / samples_per_task_ + 1;
    return std::min(sampling_.samples_max, samples_ + tasks * samples_per_task_);
}

Progress SampledMeans::progress() const {
    if (samples_ == 0 || sampling_.standard_error_max == 0) return {};
    return {static_cast<double>(samples_) / static_cast<double>(target_),
            {{"samples", static_cast<double>(samples_)}, {"standard_error", standard_error()}}};
}

Bytes SampledMeans::result_bytes() const {
    Bytes bytes;
    ByteWriter writer{bytes};
    writer.number(samples_);
    writer.numbers(sums());
    return bytes;
}

void SampledMeans::write_state(ByteWriter& state) const {
    state.number(samples_);
    state.number(target_);
    state.number(next_sample_);
    state.numbers(sums());
}

bool SampledMeans::read_state(ByteReader& state) {
    samples_ = state.number<std::uint64_t>();
    target_ = state.number<std::uint64_t>();
    next_sample_ = state.number<std::uint64_t>();
    for (double& sum : sums_) sum = state.number<double>();
    const std::uint64_t most = std::max(sampling_.samples, sampling_.samples_max);
    return samples_ <= target_ && target_ > 0 && target_ <= most;
}

double variance_of_mean(double sum, double squares, double count) {
    if (count < 2) return 0;
    const double mean = sum / count;
    return std::max(0.0, squares / count - mean * mean) / (count - 1);
}

}  // namespace netcompute::programs
