#include "kernel_cases.hpp"

#include "boosting_cases.hpp"
#include "fit_cases.hpp"
#include "forest_cases.hpp"
#include "kmeans_cases.hpp"
#include "learner_cases.hpp"
#include <netcompute/kernels/epidemic.hpp>
#include <netcompute/kernels/gram.hpp>
#include <netcompute/kernels/ising.hpp>
#include <netcompute/kernels/kernel.hpp>
#include <netcompute/kernels/logistic.hpp>
#include <netcompute/kernels/monte_carlo_pi.hpp>
#include <netcompute/kernels/option_pricing.hpp>
#include <netcompute/kernels/softmax.hpp>
#include <netcompute/kernels/tile.hpp>
#include <netcompute/math.hpp>

#include <cmath>
#include <limits>

namespace netcompute::testing {
namespace {

using kernels::encode_monte_carlo_pi;
using kernels::encode_shift;
using kernels::encode_softmax_weights;
using kernels::encode_tile;
using kernels::encode_weights;

/// Roughly normal, with deviation `scale`.
double random_number(Philox& random, double scale) {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += random.next_unit();
    return scale * sum;
}

std::vector<double> random_numbers(Philox& random, std::size_t count, double scale) {
    std::vector<double> numbers(count);
    for (double& number : numbers) number = random_number(random, scale);
    return numbers;
}

Bytes random_labels(Philox& random, std::uint32_t row_count) {
    std::vector<double> labels(row_count);
    for (double& label : labels) label = static_cast<double>(random.next_below(2));
    return encode_tile(row_count, 1, labels);
}

/// A call of logistic_newton, and one of linear_scores on the same rows.
void add_logistic(std::vector<KernelCase>& cases, Philox& random, std::uint32_t row_count,
                  std::uint32_t feature_count, double feature_scale, double weight_scale) {
    const Bytes weights = encode_weights(random_numbers(random, feature_count, weight_scale),
                                         random_number(random, weight_scale));
    std::vector<double> values =
        random_numbers(random, std::size_t{row_count} * feature_count, feature_scale);
    if (!values.empty()) values[values.size() / 2] = -0.0;
    const Bytes features = encode_tile(row_count, feature_count, values);
    cases.push_back({"logistic_newton", 1, {weights, features, random_labels(random, row_count)}});
    cases.push_back({"linear_scores", 1, {weights, features}});
    const Bytes targets = encode_tile(row_count, 1, random_numbers(random, row_count, 100));
    cases.push_back({"gram", 1, {encode_shift(random_number(random, 10)), features, targets}});
}

/// Calls of the kernels of several classes.
void add_softmax(std::vector<KernelCase>& cases, Philox& random, std::uint32_t row_count,
                 std::uint32_t feature_count, std::uint32_t class_count, double scale) {
    const Bytes weights = encode_softmax_weights(
        class_count, random_numbers(random, std::size_t{class_count} * (feature_count + 1), scale));
    const Bytes features =
        encode_tile(row_count, feature_count,
                    random_numbers(random, std::size_t{row_count} * feature_count, scale));
    std::vector<double> labels(row_count);
    for (double& label : labels) label = static_cast<double>(random.next_below(class_count));
    const Bytes tile = encode_tile(row_count, 1, labels);
    cases.push_back({"softmax_gradient", 1, {weights, features, tile}});
    cases.push_back({"softmax_scores", 1, {weights, features}});
}

void add_refused(std::vector<KernelCase>& cases, Philox& random) {
    const Bytes weights = encode_weights(random_numbers(random, 2, 1), 0);
    const Bytes features = encode_tile(3, 2, random_numbers(random, 6, 1));
    const Bytes labels = random_labels(random, 3);
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const double infinity = std::numeric_limits<double>::infinity();
    Bytes cut = features;
    cut.pop_back();
    Bytes other_magic = features;
    other_magic[0] = std::byte{'X'};

    cases.push_back({"noop", 1, {}});
    cases.push_back({"noop", 2, {Bytes(3)}});
    cases.push_back({"monte_carlo_pi", 1, {Bytes(23)}});
    cases.push_back({"monte_carlo_pi", 1, {encode_monte_carlo_pi({1, 0, ~std::uint64_t{0}})}});
    for (const Bytes& bad : {cut, other_magic, Bytes{}, encode_tile(2, 3, std::vector<double>(6)),
                             encode_tile(3, 2, std::vector<double>{1, 2, 3, 4, nan, 6}),
                             encode_tile(3, 2, std::vector<double>{1, -infinity, 3, 4, 5, 6})}) {
        cases.push_back({"logistic_newton", 1, {weights, bad, labels}});
        cases.push_back({"linear_scores", 1, {weights, bad}});
    }
    for (const Bytes& bad : {Bytes{}, Bytes(9), encode_weights(std::vector<double>(3), 0),
                             encode_weights(std::vector<double>{1, nan}, 0),
                             encode_weights(std::vector<double>{1, 2}, infinity)}) {
        cases.push_back({"logistic_newton", 1, {bad, features, labels}});
        cases.push_back({"linear_scores", 1, {bad, features}});
    }
    const Bytes three = encode_softmax_weights(3, random_numbers(random, 9, 1));
    for (const Bytes& bad : {Bytes{}, Bytes(9), encode_softmax_weights(1, std::vector<double>(3)),
                             encode_softmax_weights(101, std::vector<double>(303)),
                             encode_softmax_weights(3, std::vector<double>(8)),
                             encode_softmax_weights(3, std::vector<double>(9, nan))}) {
        cases.push_back({"softmax_gradient", 1, {bad, features, labels}});
        cases.push_back({"softmax_scores", 1, {bad, features}});
    }
    for (const Bytes& bad : {cut, other_magic, encode_tile(2, 3, std::vector<double>(6)),
                             encode_tile(3, 2, std::vector<double>{1, 2, 3, 4, nan, 6})}) {
        cases.push_back({"softmax_gradient", 1, {three, bad, labels}});
        cases.push_back({"softmax_scores", 1, {three, bad}});
        cases.push_back({"gram", 1, {encode_shift(0), bad, labels}});
    }
    for (const Bytes& bad : {Bytes(7), encode_shift(nan), encode_shift(infinity)}) {
        cases.push_back({"gram", 1, {bad, features, labels}});
    }
    for (const Bytes& bad : {Bytes(5), encode_tile(3, 1, std::vector<double>{0, 1, nan}),
                             encode_tile(3, 1, std::vector<double>{0, 3, 1}),
                             encode_tile(3, 1, std::vector<double>{0, -1, 1}),
                             encode_tile(2, 1, std::vector<double>(2))}) {
        cases.push_back({"softmax_gradient", 1, {three, features, bad}});
        cases.push_back({"gram", 1, {encode_shift(0), features, bad}});
    }
    for (const Bytes& bad :
         {Bytes(5), encode_tile(3, 1, std::vector<double>{0, 1, 0.5}),
          encode_tile(3, 1, std::vector<double>{0, 1, nan}),
          encode_tile(2, 1, std::vector<double>(2)), encode_tile(1, 3, std::vector<double>(3))}) {
        cases.push_back({"logistic_newton", 1, {weights, features, bad}});
    }
}

/// Options of each kind with whole and with broken blocks of samples; lattices whose rows fill no
/// vector; epidemics of either model that end early, late and at once.
void add_simulations(std::vector<KernelCase>& cases, Philox& random) {
    using kernels::OptionKind;
    kernels::OptionPricingInput option;
    kernels::OptionPaths& paths = option.paths;
    paths.log_spot = paths.log_barrier = math::log(100.0);
    paths.drift = 0.001;
    paths.deviation = 0.05;
    paths.strike = 101;
    paths.discount = 0.97;
    paths.control_mean = 4;
    for (const OptionKind kind : {OptionKind::European, OptionKind::Asian, OptionKind::UpBarrier,
                                  OptionKind::DownBarrier}) {
        for (const std::uint64_t count : {0u, 1u, 31u, 32u, 33u, 2000u}) {
            paths.kind = kind;
            paths.log_barrier += kind == OptionKind::UpBarrier ? 0.02 : -0.02;
            paths.steps = kind == OptionKind::European ? 1 : 7;
            paths.is_put = random.next_below(2) == 1;
            paths.is_knock_in = random.next_below(2) == 1;
            paths.is_antithetic = random.next_below(2) == 1;
            option.seed = random.next_u64();
            option.first_sample = 32 * random.next_below(std::uint64_t{1} << 40);
            option.sample_count = count;
            cases.push_back({"option_pricing", 1, {kernels::encode_option_pricing(option)}});
        }
    }
    paths.deviation = 1e3;  // Overflows to infinities and NaNs.
    cases.push_back({"option_pricing", 1, {kernels::encode_option_pricing(option)}});
    option.first_sample = 1;
    cases.push_back({"option_pricing", 1, {kernels::encode_option_pricing(option)}});

    for (const std::uint32_t size : {4u, 6u, 10u, 34u, 5u}) {
        for (const double temperature : {0.5, 2.3, 50.0}) {
            cases.push_back({"ising",
                             1,
                             {kernels::encode_ising({size, 3, 20, temperature, random.next_u64(),
                                                     random.next_u64(), 2})}});
        }
    }
    cases.push_back({"ising", 1, {kernels::encode_ising({1024, 1, 1, 2.3, 0, 0, 1 << 20})}});

    kernels::EpidemicInput epidemic;
    epidemic.points = 7;
    epidemic.duration = 30;
    epidemic.recovery_rate = 0.2;
    for (const std::uint32_t population : {1u, 2u, 300u, 5000u}) {
        for (const double infection_rate : {0.0, 0.5, 1e9}) {
            epidemic.population = population;
            epidemic.infectious = 1 + population / 100;
            epidemic.is_seir = random.next_below(2) == 1;
            epidemic.onset_rate = epidemic.is_seir ? 0.3 : 0;
            epidemic.infection_rate = infection_rate;
            epidemic.seed = random.next_u64();
            epidemic.first_replicate = random.next_u64();
            epidemic.replicate_count = 2;
            cases.push_back({"epidemic", 1, {kernels::encode_epidemic(epidemic)}});
        }
    }
    epidemic.replicate_count = ~std::uint64_t{0};
    cases.push_back({"epidemic", 1, {kernels::encode_epidemic(epidemic)}});
}

}  // namespace

std::vector<KernelCase> kernel_cases() {
    Philox random{20240607};
    std::vector<KernelCase> cases;
    for (const std::size_t size : {0u, 1u, 7u, 64u, 4099u}) {
        Bytes payload(size);
        for (std::byte& byte : payload) byte = std::byte(random.next_u64() & 0xff);
        cases.push_back({"noop", 1, {payload}});
    }
    for (const std::uint64_t count : {0u, 1u, 3u, 4u, 15u, 16u, 17u, 1000u, 100003u}) {
        cases.push_back(
            {"monte_carlo_pi",
             1,
             {encode_monte_carlo_pi({random.next_u64(), random.next_u64() >> 20, count})}});
    }
    // Across the end of the low counter word, and of the whole counter.
    cases.push_back({"monte_carlo_pi", 1, {encode_monte_carlo_pi({7, 0xffffff00, 1000})}});
    cases.push_back(
        {"monte_carlo_pi", 1, {encode_monte_carlo_pi({7, ~std::uint64_t{0} - 99, 1000})}});

    for (const std::uint32_t row_count : {0u, 1u, 15u, 16u, 17u, 255u, 256u, 257u, 1003u}) {
        for (const std::uint32_t feature_count : {0u, 1u, 3u, 4u, 5u, 17u, 32u}) {
            add_logistic(cases, random, row_count, feature_count, 1, 1);
        }
    }
    add_logistic(cases, random, 5000, 33, 1, 0.3);
    // Saturated rows, subnormal terms, sums that overflow to infinities and NaNs.
    for (const double scale : {1e-310, 1e-160, 30.0, 1e3, 1e155, 1e300}) {
        add_logistic(cases, random, 100, 6, scale, scale);
        add_logistic(cases, random, 100, 6, scale, 1);
    }
    for (const std::uint32_t row_count : {0u, 1u, 15u, 256u, 257u, 1003u}) {
        for (const std::uint32_t class_count : {2u, 3u, 4u, 9u}) {
            add_softmax(cases, random, row_count, row_count % 7, class_count, 1);
        }
    }
    for (const double scale : {1e-310, 1e-160, 30.0, 1e3, 1e155, 1e300}) {
        add_softmax(cases, random, 100, 6, 5, scale);
    }
    add_refused(cases, random);
    add_simulations(cases, random);
    for (KernelCase& each : boosting_cases()) cases.push_back(std::move(each));
    for (KernelCase& each : fit_cases()) cases.push_back(std::move(each));
    for (KernelCase& each : forest_cases()) cases.push_back(std::move(each));
    for (KernelCase& each : kmeans_cases()) cases.push_back(std::move(each));
    for (KernelCase& each : learner_cases()) cases.push_back(std::move(each));
    return cases;
}

TrainingData random_training_data(std::vector<std::uint32_t> row_counts,
                                  std::uint32_t feature_count, std::uint64_t seed) {
    Philox random{seed};
    const std::vector<double> truth = random_numbers(random, feature_count, 1);
    TrainingData data;
    data.feature_count = feature_count;
    for (const std::uint32_t row_count : row_counts) {
        const std::vector<double> values =
            random_numbers(random, std::size_t{row_count} * feature_count, 1);
        std::vector<double> labels(row_count);
        for (std::uint32_t row = 0; row < row_count; ++row) {
            double score = 0.3;
            for (std::uint32_t c = 0; c < feature_count; ++c) {
                score += truth[c] * values[std::size_t{c} * row_count + row];
            }
            labels[row] = random.next_unit() < math::sigmoid(score) ? 1 : 0;
        }
        data.feature_tiles.push_back(encode_tile(row_count, feature_count, values));
        data.label_tiles.push_back(encode_tile(row_count, 1, labels));
    }
    data.row_counts = std::move(row_counts);
    return data;
}

}  // namespace netcompute::testing
