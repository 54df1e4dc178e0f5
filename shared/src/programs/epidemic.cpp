#include <netcompute/assert.hpp>
#include <netcompute/programs/epidemic.hpp>

#include <algorithm>
#include <cmath>
#include <string>

namespace netcompute::programs {
namespace {

using kernels::EpidemicInput;
using kernels::EpidemicRun;

/// Of sorted values.
template <typename T>
T quantile(const std::vector<T>& sorted, double share) {
    const double rank = std::ceil(share * static_cast<double>(sorted.size()));
    return sorted[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
}

EpidemicSpread spread_of(std::vector<double> values) {
    const auto count = static_cast<double>(values.size());
    EpidemicSpread spread;
    for (const double value : values) spread.mean += value;
    spread.mean /= count;
    double squares = 0;
    for (const double value : values) squares += (value - spread.mean) * (value - spread.mean);
    if (count > 1) spread.standard_error = std::sqrt(squares / (count - 1) / count);
    std::sort(values.begin(), values.end());
    for (std::size_t i = 0; i < epidemic_quantiles.size(); ++i) {
        spread.quantiles[i] = quantile(values, epidemic_quantiles[i]);
    }
    return spread;
}

/// How many are in a state: 0 to 2 as the run has them, 3 recovered.
std::uint32_t people(const EpidemicInput& plan, const EpidemicRun& run, std::size_t point,
                     std::size_t state) {
    const std::uint32_t* const at = run.states.data() + 3 * point;
    return state < 3 ? at[state] : plan.population - at[0] - at[1] - at[2];
}

}  // namespace

EpidemicProgram::EpidemicProgram(const EpidemicInput& plan)
    : OneRound{"epidemic", "PEP1"}, plan_{plan} {
    NETCOMPUTE_ASSERT(plan_.replicate_count > 0, "a round has at least one task");
}

std::uint64_t EpidemicProgram::replicates_per_task(const EpidemicInput& plan) {
    constexpr std::uint64_t people = std::uint64_t{1} << 24;
    constexpr std::uint64_t values = std::uint64_t{1} << 18;
    return std::max<std::uint64_t>(1, std::min(people / plan.population, values / plan.points));
}

EpidemicInput EpidemicProgram::input_of(TaskIndex index) const {
    const std::uint64_t per_task = replicates_per_task(plan_);
    EpidemicInput input = plan_;
    input.first_replicate = index * per_task;
    input.replicate_count = std::min(per_task, plan_.replicate_count - input.first_replicate);
    return input;
}

Round EpidemicProgram::only_round() const {
    const std::uint64_t tasks = (plan_.replicate_count - 1) / replicates_per_task(plan_) + 1;
    return {"epidemic", 1, {}, static_cast<std::uint32_t>(tasks)};
}

std::vector<TaskInput> EpidemicProgram::task_inputs(TaskIndex index) const {
    return {kernels::encode_epidemic(input_of(index))};
}

Result<void> EpidemicProgram::fold(std::span<const ByteSpan> outputs, RoundWork&) {
    std::vector<EpidemicRun> runs;
    runs.reserve(static_cast<std::size_t>(plan_.replicate_count));
    for (TaskIndex index = 0; index < outputs.size(); ++index) {
        auto more = kernels::decode_epidemic(outputs[index], input_of(index));
        if (!more) {
            return unexpected(more.error().code,
                              "task " + std::to_string(index) + ": " + more.error().message);
        }
        std::move(more->begin(), more->end(), std::back_inserter(runs));
    }
    std::vector<std::uint32_t> values(runs.size());
    for (std::size_t point = 0; point < plan_.points; ++point) {
        for (std::size_t state = 0; state < states; ++state) {
            std::transform(runs.begin(), runs.end(), values.begin(), [&](const EpidemicRun& run) {
                return people(plan_, run, point, state);
            });
            std::sort(values.begin(), values.end());
            for (const double share : epidemic_quantiles) {
                bands_.push_back(quantile(values, share));
            }
        }
    }
    const auto of_each = [&](auto member) {
        std::vector<double> result;
        for (const EpidemicRun& run : runs) result.push_back(static_cast<double>(run.*member));
        return result;
    };
    spreads_ = {spread_of(of_each(&EpidemicRun::infected)), spread_of(of_each(&EpidemicRun::peak)),
                spread_of(of_each(&EpidemicRun::peak_time))};
    for (const EpidemicRun& run : runs) {
        const std::uint64_t bin = std::uint64_t{run.infected} * size_bins / plan_.population;
        ++histogram_[std::min<std::size_t>(static_cast<std::size_t>(bin), size_bins - 1)];
    }
    return {};
}

double EpidemicProgram::time(std::size_t point) const {
    return plan_.duration * static_cast<double>(point) / static_cast<double>(plan_.points - 1);
}

std::span<const std::uint32_t> EpidemicProgram::band(std::size_t point, std::size_t state) const {
    constexpr std::size_t width = epidemic_quantiles.size();
    return std::span{bands_}.subspan((point * states + state) * width, width);
}

void EpidemicProgram::write_result(ByteWriter& result) const {
    result.numbers(std::span<const std::uint32_t>{bands_});
    for (const EpidemicSpread& spread : spreads_) {
        result.number(spread.mean);
        result.number(spread.standard_error);
        result.numbers(std::span<const double>{spread.quantiles});
    }
    result.numbers(std::span<const std::uint64_t>{histogram_});
}

bool EpidemicProgram::read_result(ByteReader& result) {
    const std::size_t band_count =
        is_finished() ? plan_.points * states * epidemic_quantiles.size() : 0;
    bands_.resize(band_count);
    for (std::uint32_t& value : bands_) value = result.number<std::uint32_t>();
    for (EpidemicSpread& spread : spreads_) {
        spread.mean = result.number<double>();
        spread.standard_error = result.number<double>();
        for (double& value : spread.quantiles) value = result.number<double>();
    }
    for (std::uint64_t& count : histogram_) count = result.number<std::uint64_t>();
    return true;
}

}  // namespace netcompute::programs
