// The kernels on one core of this machine, with the Highway target that it offers.
#include <netcompute/kernels/epidemic.hpp>
#include <netcompute/kernels/ising.hpp>
#include <netcompute/kernels/kernel.hpp>
#include <netcompute/kernels/logistic.hpp>
#include <netcompute/kernels/monte_carlo_pi.hpp>
#include <netcompute/kernels/option_pricing.hpp>
#include <netcompute/kernels/tile.hpp>
#include <netcompute/random.hpp>

#include <benchmark/benchmark.h>

#include <vector>

namespace netcompute::kernels {
namespace {

void run(benchmark::State& state, std::string_view kernel, const std::vector<Bytes>& inputs) {
    const std::vector<ByteSpan> spans(inputs.begin(), inputs.end());
    const Kernel& found = *find_kernel(kernel, 1);
    for (auto _ : state) {
        const Result<Bytes> output = run_once(found, spans);
        if (!output) {
            state.SkipWithError(output.error().message.c_str());
            return;
        }
        benchmark::DoNotOptimize(output->data());
    }
}

Bytes random_tile(std::uint32_t row_count, std::uint32_t column_count, std::uint64_t seed) {
    Philox random{seed};
    std::vector<double> values(std::size_t{row_count} * column_count);
    for (double& value : values) value = 4 * random.next_unit() - 2;
    return encode_tile(row_count, column_count, values);
}

/// One Newton step over a shard; a million rows is 31 shards of 32768.
void logistic_newton(benchmark::State& state) {
    const auto row_count = static_cast<std::uint32_t>(state.range(0));
    const auto feature_count = static_cast<std::uint32_t>(state.range(1));
    std::vector<double> labels(row_count);
    for (std::uint32_t row = 0; row < row_count; ++row) labels[row] = row % 3 == 0 ? 1 : 0;
    const std::vector<double> weights(feature_count, 0.1);
    run(state, "logistic_newton",
        {encode_weights(weights, 0.5), random_tile(row_count, feature_count, 1),
         encode_tile(row_count, 1, labels)});
    state.SetItemsProcessed(state.iterations() * row_count);
}
BENCHMARK(logistic_newton)
    ->ArgNames({"rows", "features"})
    ->Args({891, 5})
    ->Args({32768, 8})
    ->Args({32768, 32})
    ->Args({8192, 128})
    ->Unit(benchmark::kMillisecond);

void linear_scores(benchmark::State& state) {
    const auto row_count = static_cast<std::uint32_t>(state.range(0));
    const auto feature_count = static_cast<std::uint32_t>(state.range(1));
    const std::vector<double> weights(feature_count, 0.1);
    run(state, "linear_scores",
        {encode_weights(weights, 0.5), random_tile(row_count, feature_count, 1)});
    state.SetItemsProcessed(state.iterations() * row_count);
}
BENCHMARK(linear_scores)
    ->ArgNames({"rows", "features"})
    ->Args({32768, 32})
    ->Unit(benchmark::kMillisecond);

void monte_carlo_pi(benchmark::State& state) {
    MonteCarloPiInput input;
    input.seed = 1;
    input.sample_count = std::uint64_t{1} << 22;
    run(state, "monte_carlo_pi", {encode_monte_carlo_pi(input)});
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(input.sample_count));
}
BENCHMARK(monte_carlo_pi)->Unit(benchmark::kMillisecond);

/// Items are moves of a path: a normal number, and an exponential function for an Asian option.
void option_pricing(benchmark::State& state) {
    OptionPricingInput input;
    input.paths.kind = static_cast<OptionKind>(state.range(0));
    input.paths.steps = input.paths.kind == OptionKind::European ? 1 : 64;
    input.paths.log_spot = 4.6;
    input.paths.log_barrier = 4.8;
    input.paths.deviation = 0.02;
    input.paths.strike = 100;
    input.sample_count = (std::uint64_t{1} << 20) / input.paths.steps;
    run(state, "option_pricing", {encode_option_pricing(input)});
    state.SetItemsProcessed(state.iterations() * (std::int64_t{1} << 20));
}
BENCHMARK(option_pricing)->ArgName("kind")->DenseRange(0, 2)->Unit(benchmark::kMillisecond);

/// Items are visits to spins.
void ising(benchmark::State& state) {
    const auto size = static_cast<std::uint32_t>(state.range(0));
    constexpr std::uint32_t sweeps = 200;
    run(state, "ising", {encode_ising({size, 0, sweeps, 2.27, 1, 0, 1})});
    state.SetItemsProcessed(state.iterations() * sweeps * size * size);
}
BENCHMARK(ising)->ArgName("size")->Arg(32)->Arg(128)->Unit(benchmark::kMillisecond);

/// Items are replicates of an epidemic that infects most of 10,000 people.
void epidemic(benchmark::State& state) {
    EpidemicInput input;
    input.population = 10'000;
    input.infectious = 10;
    input.points = 101;
    input.duration = 200;
    input.infection_rate = 0.3;
    input.recovery_rate = 0.1;
    input.replicate_count = 10;
    run(state, "epidemic", {encode_epidemic(input)});
    state.SetItemsProcessed(state.iterations() * 10);
}
BENCHMARK(epidemic)->Unit(benchmark::kMillisecond);

void noop(benchmark::State& state) {
    run(state, "noop", {Bytes(64)});
}
BENCHMARK(noop);

}  // namespace
}  // namespace netcompute::kernels

BENCHMARK_MAIN();
