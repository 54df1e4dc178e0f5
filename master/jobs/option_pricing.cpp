#include "jobs/job_types.hpp"
#include "jobs/sampling_params.hpp"
#include <netcompute/programs/option_pricing.hpp>

#include <cmath>

namespace netcompute::jobs {
namespace {

using kernels::OptionKind;

constexpr std::string_view option_words[] = {"european", "asian", "barrier"};
constexpr std::string_view payoff_words[] = {"call", "put"};
constexpr std::string_view barrier_words[] = {"up_and_out", "up_and_in", "down_and_out",
                                              "down_and_in"};
constexpr double price_min = 1e-6;
constexpr double price_max = 1e9;

constexpr Choice option{
    .name = "option",
    .what =
        "What is paid for: the price at the end, the arithmetic mean of the prices at the "
        "steps, or the price at the end if a barrier was reached or not",
    .choices = option_words,
    .otherwise = "european"};
constexpr Number barrier{.name = "barrier",
                         .what = "The price that makes or ends the option, at the steps",
                         .min = price_min,
                         .max = price_max,
                         .otherwise = 120};
constexpr Choice barrier_kind{.name = "barrier_kind",
                              .what = "Where the barrier lies, and what reaching it does",
                              .choices = barrier_words,
                              .otherwise = "up_and_out"};
constexpr Choice payoff{.name = "payoff",
                        .what = "The right to buy or to sell",
                        .choices = payoff_words,
                        .otherwise = "call"};
constexpr Number spot{.name = "spot",
                      .what = "The underlying's price today",
                      .min = price_min,
                      .max = price_max,
                      .otherwise = 100};
constexpr Number strike{.name = "strike",
                        .what = "The price at which it may be bought or sold",
                        .min = price_min,
                        .max = price_max,
                        .otherwise = 100};
constexpr Number rate{.name = "rate",
                      .what = "Interest without risk, compounded continuously",
                      .min = -1,
                      .max = 1,
                      .otherwise = 0.05,
                      .unit = "1/year"};
constexpr Number dividend{.name = "dividend",
                          .what = "The underlying's yield, compounded continuously",
                          .min = -1,
                          .max = 1,
                          .otherwise = 0,
                          .unit = "1/year"};
constexpr Number volatility{.name = "volatility",
                            .what = "The deviation of the underlying's logarithm after a year",
                            .min = 0.001,
                            .max = 5,
                            .otherwise = 0.2};
constexpr Number maturity{.name = "maturity",
                          .what = "When the option ends",
                          .min = 0.001,
                          .max = 100,
                          .otherwise = 1,
                          .unit = "years"};
constexpr WholeNumber steps{
    .name = "steps",
    .what = "How often the price is looked at, evenly; of a European option only the end counts",
    .min = 1,
    .max = 4096,
    .otherwise = 252};
constexpr Choice antithetic{.name = "antithetic",
                            .what = "Whether a sample is the mean of a path and its mirror image",
                            .choices = yes_or_no,
                            .otherwise = "yes"};
constexpr Choice control_variate{
    .name = "control_variate",
    .what =
        "Whether the error of what has a closed form is taken off: the underlying, the Asian "
        "option on the geometric mean, the option without its barrier",
    .choices = yes_or_no,
    .otherwise = "yes"};

constexpr SamplingParams sampling{1'000'000, 1'000'000'000};

programs::OptionTerms terms_of(const ParamValues& values) {
    programs::OptionTerms terms;
    terms.is_put = values[payoff] == "put";
    terms.spot = values[spot];
    terms.strike = values[strike];
    terms.rate = values[rate];
    terms.dividend = values[dividend];
    terms.volatility = values[volatility];
    terms.maturity = values[maturity];
    if (values[option] == "european") return terms;
    terms.steps = static_cast<std::uint32_t>(values[steps]);
    terms.kind = OptionKind::Asian;
    if (values[option] == "asian") return terms;
    terms.kind =
        values[barrier_kind].starts_with("up") ? OptionKind::UpBarrier : OptionKind::DownBarrier;
    terms.is_knock_in = values[barrier_kind].ends_with("in");
    terms.barrier = values[barrier];
    return terms;
}

Result<void> check_together(const ParamValues& values) {
    const programs::OptionTerms terms = terms_of(values);
    const bool is_beyond = (terms.kind == OptionKind::UpBarrier && terms.spot >= terms.barrier) ||
                           (terms.kind == OptionKind::DownBarrier && terms.spot <= terms.barrier);
    if (is_beyond) {
        return unexpected(ErrorCode::InvalidArgument,
                          "params.barrier: " + nlohmann::json(terms.barrier).dump() +
                              " is reached by the spot, " + nlohmann::json(terms.spot).dump() +
                              ", already; give one " +
                              (terms.kind == OptionKind::UpBarrier ? "above" : "below") + " it");
    }
    return sampling.check(values, programs::OptionPricingProgram::samples_per_task(terms.steps));
}

/// Only what is a number: extreme parameters overflow in these formulas.
void add_closed_form(const char* name, double value, nlohmann::json& result) {
    if (std::isfinite(value)) result[name] = value;
}

Result<PreparedJob> make(const ParamValues& values, const JobContext&) {
    const programs::OptionPlan plan{terms_of(values), is_yes(values[antithetic]),
                                    is_yes(values[control_variate]), sampling.sampling(values)};
    auto program = std::make_unique<programs::OptionPricingProgram>(plan);
    const auto finish = [finished = program.get(), terms = plan.terms]() -> Result<nlohmann::json> {
        nlohmann::json result{{"price", finished->price()},
                              {"control_coefficient", finished->control_coefficient()},
                              {"variance_ratio", finished->variance_ratio()}};
        add_sampling(*finished, result);
        if (terms.kind == OptionKind::European) {
            add_closed_form("closed_form", programs::european_price(terms), result);
        } else if (terms.kind == OptionKind::Asian) {
            add_closed_form("geometric_closed_form", programs::geometric_asian_price(terms),
                            result);
        } else {
            add_closed_form("continuous_closed_form", programs::continuous_barrier_price(terms),
                            result);
        }
        return result;
    };
    return PreparedJob{std::move(program), finish, plan.sampling.standard_error_max > 0, {}};
}

}  // namespace

JobType option_pricing_job() {
    return {.name = "option_pricing",
            .title = "Option pricing",
            .summary =
                "Prices a European, Asian or barrier option by Monte Carlo, in the model of "
                "Black and Scholes",
            .params = {.common = {option, payoff, spot, strike, rate, dividend, volatility,
                                  maturity, steps, antithetic, control_variate, sampling.samples,
                                  sampling.standard_error, sampling.samples_max, sampling.seed},
                       .choice = option,
                       .variants = {{"european", {}},
                                    {"asian", {}},
                                    {"barrier", {barrier, barrier_kind}}}},
            .make = make,
            .check_together = check_together,
            .is_quick = true};
}

}  // namespace netcompute::jobs
