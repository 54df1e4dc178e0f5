#pragma once

#include <netcompute/kernels/option_pricing.hpp>
#include <netcompute/programs/sampled_means.hpp>

#include <optional>

namespace netcompute::programs {

/// An option in the model of Black and Scholes.
struct OptionTerms {
    kernels::OptionKind kind = kernels::OptionKind::European;
    bool is_put = false;
    bool is_knock_in = false;
    double spot = 0;  ///< The underlying's price today; above 0, as strike and barrier are.
    double strike = 0;
    double barrier = 0;       ///< Of one with a barrier; the spot is not beyond it.
    double rate = 0;          ///< Without risk, a year, compounded continuously.
    double dividend = 0;      ///< Yield, likewise.
    double volatility = 0;    ///< A year.
    double maturity = 0;      ///< In years.
    std::uint32_t steps = 1;  ///< How often it is looked at; of a European option 1.
};

/// Closed forms. Source: Black and Scholes, "The pricing of options and corporate liabilities",
/// 1973; Merton, "Theory of rational option pricing", 1973.
[[nodiscard]] double european_price(const OptionTerms& terms);
/// With the geometric mean of the prices at the steps. Source: Kemna and Vorst, "A pricing method
/// for options based on average asset values", 1990.
[[nodiscard]] double geometric_asian_price(const OptionTerms& terms);
/// With a barrier that is watched all the time, not only at the steps. Source: Reiner and
/// Rubinstein, "Breaking down the barriers", 1991.
[[nodiscard]] double continuous_barrier_price(const OptionTerms& terms);

struct OptionPlan {
    OptionTerms terms;
    bool is_antithetic = true;
    bool uses_control = true;
    Sampling sampling;
};

/// The price of an option by Monte Carlo, with a control variate whose expectation is known: the
/// underlying for a European option, the one with the geometric mean for an Asian one, the European
/// one for one with a barrier.
class OptionPricingProgram final : public SampledMeans {
 public:
    explicit OptionPricingProgram(const OptionPlan& plan);

    /// How many samples a task has, which depends on the steps alone.
    [[nodiscard]] static std::uint64_t samples_per_task(std::uint32_t steps);

    [[nodiscard]] double price() const;
    [[nodiscard]] double standard_error() const override;
    /// How much of the control variate is taken off: the regression's coefficient; 0 without one.
    [[nodiscard]] double control_coefficient() const;
    /// The variance of a sample without the control variate over that with it.
    [[nodiscard]] double variance_ratio() const;

 private:
    [[nodiscard]] Bytes task_input(std::uint64_t first, std::uint64_t count) const override;
    [[nodiscard]] double variance(double coefficient) const;

    kernels::OptionPaths paths_;
    std::uint64_t seed_ = 0;
    bool uses_control_ = true;
};

}  // namespace netcompute::programs
