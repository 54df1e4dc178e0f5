#include <netcompute/math.hpp>
#include <netcompute/programs/option_pricing.hpp>

#include <algorithm>
#include <cmath>

namespace netcompute::programs {
namespace {

using kernels::OptionKind;

/// The standard normal distribution function, to about 1e-16. Source: Marsaglia, "Evaluating the
/// normal distribution", 2004.
double normal_cdf(double x) {
    if (x < -8) return 0;
    if (x > 8) return 1;
    double sum = x;
    double term = x;
    for (double i = 3; sum + term != sum; i += 2) {
        term *= x * x / i;
        sum += term;
    }
    constexpr double log_sqrt_two_pi = 0.91893853320467274178;
    return std::clamp(0.5 + sum * math::exp(-0.5 * x * x - log_sqrt_two_pi), 0.0, 1.0);
}

/// What max(±(X - strike), 0) is worth on average, for log X normal with this mean and deviation.
double lognormal_payoff(bool is_put, double strike, double log_mean, double deviation) {
    const double sign = is_put ? -1 : 1;
    const double d2 = (log_mean - math::log(strike)) / deviation;
    const double mean = math::exp(log_mean + 0.5 * deviation * deviation);
    return sign * (mean * normal_cdf(sign * (d2 + deviation)) - strike * normal_cdf(sign * d2));
}

double log_drift(const OptionTerms& terms) {
    return terms.rate - terms.dividend - 0.5 * terms.volatility * terms.volatility;
}

double discount(const OptionTerms& terms) {
    return math::exp(-terms.rate * terms.maturity);
}

double control_mean(const OptionTerms& terms) {
    switch (terms.kind) {
        case OptionKind::European:
            return terms.spot * math::exp(-terms.dividend * terms.maturity);
        case OptionKind::Asian:
            return geometric_asian_price(terms);
        default:
            return european_price(terms);
    }
}

kernels::OptionPaths paths_of(const OptionPlan& plan) {
    const OptionTerms& terms = plan.terms;
    const double step = terms.maturity / terms.steps;
    const bool has_barrier =
        terms.kind == OptionKind::UpBarrier || terms.kind == OptionKind::DownBarrier;
    kernels::OptionPaths paths;
    paths.kind = terms.kind;
    paths.is_put = terms.is_put;
    paths.is_knock_in = terms.is_knock_in;
    paths.is_antithetic = plan.is_antithetic;
    paths.steps = terms.steps;
    paths.log_spot = math::log(terms.spot);
    paths.drift = log_drift(terms) * step;
    paths.deviation = terms.volatility * std::sqrt(step);
    paths.strike = terms.strike;
    paths.log_barrier = has_barrier ? math::log(terms.barrier) : 0;
    paths.discount = discount(terms);
    paths.control_mean = control_mean(terms);
    return paths;
}

/// The four terms of which barrier options consist, and which of them an option has.
struct BarrierTerms {
    double a, b, c, d;
};

}  // namespace

double european_price(const OptionTerms& terms) {
    return discount(terms) *
           lognormal_payoff(terms.is_put, terms.strike,
                            math::log(terms.spot) + log_drift(terms) * terms.maturity,
                            terms.volatility * std::sqrt(terms.maturity));
}

double geometric_asian_price(const OptionTerms& terms) {
    const double n = terms.steps;
    const double step = terms.maturity / n;
    const double log_mean = math::log(terms.spot) + log_drift(terms) * step * (n + 1) / 2;
    const double variance =
        terms.volatility * terms.volatility * step * (n + 1) * (2 * n + 1) / (6 * n);
    return discount(terms) *
           lognormal_payoff(terms.is_put, terms.strike, log_mean, std::sqrt(variance));
}

double continuous_barrier_price(const OptionTerms& terms) {
    const double phi = terms.is_put ? -1 : 1;
    const double eta = terms.kind == OptionKind::DownBarrier ? 1 : -1;
    const double deviation = terms.volatility * std::sqrt(terms.maturity);
    const double mu = log_drift(terms) / (terms.volatility * terms.volatility);
    const double forward = terms.spot * math::exp(-terms.dividend * terms.maturity);
    const double strike = terms.strike * discount(terms);
    const double log_ratio = math::log(terms.barrier / terms.spot);
    const double shift = (1 + mu) * deviation;
    const auto plain = [&](double x) {
        return phi * (forward * normal_cdf(phi * x) - strike * normal_cdf(phi * (x - deviation)));
    };
    const auto mirrored = [&](double y) {
        return phi * (forward * math::exp(2 * (mu + 1) * log_ratio) * normal_cdf(eta * y) -
                      strike * math::exp(2 * mu * log_ratio) * normal_cdf(eta * (y - deviation)));
    };
    const BarrierTerms of{
        plain(math::log(terms.spot / terms.strike) / deviation + shift),
        plain(-log_ratio / deviation + shift),
        mirrored((2 * log_ratio + math::log(terms.spot / terms.strike)) / deviation + shift),
        mirrored(log_ratio / deviation + shift)};
    const bool strike_is_inside =
        eta > 0 ? terms.strike > terms.barrier : terms.strike < terms.barrier;
    // Knock-in. A call above a lower barrier is as a put below an upper one, and so on.
    const bool is_towards = (eta > 0) != terms.is_put;
    const double knock_in = is_towards ? (strike_is_inside ? of.c : of.a - of.b + of.d)
                                       : (strike_is_inside ? of.b - of.c + of.d : of.a);
    return terms.is_knock_in ? knock_in : european_price(terms) - knock_in;
}

OptionPricingProgram::OptionPricingProgram(const OptionPlan& plan)
    : SampledMeans{"option_pricing", "POP1", plan.sampling, samples_per_task(plan.terms.steps), 5},
      paths_{paths_of(plan)},
      seed_{plan.sampling.seed},
      uses_control_{plan.uses_control} {}

std::uint64_t OptionPricingProgram::samples_per_task(std::uint32_t steps) {
    constexpr std::uint64_t moves = std::uint64_t{1} << 24;
    return std::max<std::uint64_t>(1, moves / steps / kernels::option_samples_unit) *
           kernels::option_samples_unit;
}

Bytes OptionPricingProgram::task_input(std::uint64_t first, std::uint64_t count) const {
    return kernels::encode_option_pricing({paths_, seed_, first, count});
}

double OptionPricingProgram::control_coefficient() const {
    if (!uses_control_ || samples() < 2) return 0;
    const auto n = static_cast<double>(samples());
    const double xx = sums()[3] - sums()[1] * sums()[1] / n;
    const double xy = sums()[4] - sums()[0] * sums()[1] / n;
    return xx > 0 ? xy / xx : 0;
}

double OptionPricingProgram::price() const {
    const auto n = static_cast<double>(samples());
    return sums()[0] / n - control_coefficient() * (sums()[1] / n);
}

/// Of the mean of y - coefficient x.
double OptionPricingProgram::variance(double coefficient) const {
    const double b = coefficient;
    return variance_of_mean(sums()[0] - b * sums()[1],
                            sums()[2] - 2 * b * sums()[4] + b * b * sums()[3],
                            static_cast<double>(samples()));
}

double OptionPricingProgram::standard_error() const {
    return std::sqrt(variance(control_coefficient()));
}

double OptionPricingProgram::variance_ratio() const {
    const double with = variance(control_coefficient());
    return with > 0 ? variance(0) / with : 1;
}

}  // namespace netcompute::programs
