// The kernels on one core of this machine, with the Highway target that it offers.
#include <netcompute/kernels/kernel.hpp>
#include <netcompute/kernels/logistic.hpp>
#include <netcompute/kernels/monte_carlo_pi.hpp>
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

void noop(benchmark::State& state) {
    run(state, "noop", {Bytes(64)});
}
BENCHMARK(noop);

}  // namespace
}  // namespace netcompute::kernels

BENCHMARK_MAIN();
