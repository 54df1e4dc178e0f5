// Simulations against closed forms, and how many samples they take.
#include "program_checks.hpp"
#include <netcompute/programs/epidemic.hpp>
#include <netcompute/programs/ising.hpp>
#include <netcompute/programs/option_pricing.hpp>

#include <gmock/gmock.h>

#include <bit>
#include <cmath>

namespace netcompute::programs {
namespace {

using kernels::OptionKind;
using testing::expect_damaged_checkpoints_to_be_refused;
using testing::expect_restarts_to_change_nothing;
using testing::expect_wrong_sizes_to_be_refused;

std::optional<ByteSpan> no_blob_at_all(const Sha256&) {
    return std::nullopt;
}

OptionTerms usual_terms() {
    OptionTerms terms;
    terms.spot = 100;
    terms.strike = 105;
    terms.rate = 0.05;
    terms.dividend = 0.02;
    terms.volatility = 0.25;
    terms.maturity = 1.5;
    return terms;
}

std::unique_ptr<OptionPricingProgram> priced(const OptionPlan& plan) {
    auto program = std::make_unique<OptionPricingProgram>(plan);
    EXPECT_TRUE(run_in_process(*program, no_blob_at_all));
    return program;
}

Sampling samples(std::uint64_t count, std::uint64_t seed = 1) {
    return {.samples = count, .seed = seed};
}

TEST(OptionPricingTest, ClosedFormsAreThoseOfTheTextbook) {
    OptionTerms terms;
    terms.spot = terms.strike = 100;
    terms.rate = 0.05;
    terms.volatility = 0.2;
    terms.maturity = 1;
    EXPECT_NEAR(european_price(terms), 10.450583572185565, 1e-12);
    terms.is_put = true;
    EXPECT_NEAR(european_price(terms), 5.573526022256971, 1e-12);
    terms = {.spot = 100,
             .strike = 90,
             .rate = 0.08,
             .dividend = 0.04,
             .volatility = 0.25,
             .maturity = 0.5};
    for (const bool is_put : {false, true}) {
        for (const OptionKind kind : {OptionKind::UpBarrier, OptionKind::DownBarrier}) {
            for (const double strike : {90.0, 95.0, 100.0, 105.0, 110.0}) {
                terms.is_put = is_put;
                terms.strike = strike;
                terms.kind = kind;
                terms.barrier = kind == OptionKind::UpBarrier ? 105 : 95;
                terms.is_knock_in = true;
                const double knock_in = continuous_barrier_price(terms);
                terms.is_knock_in = false;
                const double knock_out = continuous_barrier_price(terms);
                EXPECT_NEAR(knock_in + knock_out, european_price(terms), 1e-12);
                EXPECT_GE(knock_in, -1e-12);
                EXPECT_GE(knock_out, -1e-12);
            }
        }
    }
}

// Whatever lowers the variance, the price is the closed form, as far as the error says.
TEST(OptionPricingTest, AEuropeanOptionHasItsClosedForm) {
    for (const bool is_put : {false, true}) {
        for (const bool is_antithetic : {false, true}) {
            for (const bool uses_control : {false, true}) {
                OptionPlan plan{usual_terms(), is_antithetic, uses_control, samples(200'001)};
                plan.terms.is_put = is_put;
                const auto program = priced(plan);
                const double exact = european_price(plan.terms);
                EXPECT_NEAR(program->price(), exact, 4 * program->standard_error());
                EXPECT_GT(program->standard_error(), 0.001);
                EXPECT_LT(program->standard_error(), 0.06);
                EXPECT_GE(program->variance_ratio(), uses_control ? 1.2 : 1.0);
            }
        }
    }
}

/// The mean of the control variate less its closed form, in standard errors.
double control_offset(const OptionPricingProgram& program) {
    const Bytes bytes = program.result_bytes();
    ByteReader reader{bytes};
    const auto n = static_cast<double>(reader.number<std::uint64_t>());
    double sums[5];
    for (double& sum : sums) sum = reader.number<double>();
    return sums[1] / n / std::sqrt(variance_of_mean(sums[1], sums[3], n));
}

TEST(OptionPricingTest, AnAsianOptionsControlHasItsClosedForm) {
    OptionPlan plan{usual_terms(), false, true, samples(100'000)};
    plan.terms.kind = OptionKind::Asian;
    plan.terms.steps = 12;
    const auto with = priced(plan);
    EXPECT_LT(std::fabs(control_offset(*with)), 4);
    EXPECT_GT(with->variance_ratio(), 100);
    plan.uses_control = false;
    plan.sampling.seed = 2;
    const auto without = priced(plan);
    EXPECT_NEAR(with->price(), without->price(), 4 * without->standard_error());
    EXPECT_GT(with->price(), geometric_asian_price(plan.terms));
}

// Watched at m steps, a barrier is as one watched all the time that lies 0.5826 deviations of a
// step farther away (Broadie, Glasserman and Kou, "A continuity correction for discrete barrier
// options", 1997).
TEST(OptionPricingTest, ABarrierOptionIsCloseToThatOfAContinuousBarrier) {
    for (const bool is_up : {true, false}) {
        for (const bool is_put : {true, false}) {
            OptionPlan plan{usual_terms(), true, true, samples(30'000)};
            OptionTerms& terms = plan.terms;
            terms.kind = is_up ? OptionKind::UpBarrier : OptionKind::DownBarrier;
            terms.is_put = is_put;
            terms.barrier = is_up ? 135 : 80;
            terms.steps = 50;
            const auto knock_out = priced(plan);
            EXPECT_LT(std::fabs(control_offset(*knock_out)), 4);
            terms.is_knock_in = true;
            const auto knock_in = priced(plan);
            EXPECT_NEAR(knock_in->price() + knock_out->price(), european_price(terms), 1e-9);
            const double away = 0.5826 * terms.volatility * std::sqrt(terms.maturity / terms.steps);
            terms.barrier *= std::exp(is_up ? away : -away);
            EXPECT_NEAR(knock_in->price(), continuous_barrier_price(terms),
                        4 * knock_in->standard_error() + 0.03);
        }
    }
}

TEST(OptionPricingTest, SamplesAreTakenUntilTheErrorIsMet) {
    OptionPlan plan{usual_terms(), true, true, samples(1000)};
    plan.sampling.samples_max = 10'000'000;
    plan.sampling.standard_error_max = 0.02;
    const auto make = [&] { return std::make_unique<OptionPricingProgram>(plan); };
    EXPECT_GE(expect_restarts_to_change_nothing(make, no_blob_at_all), 3u);
    const auto program = priced(plan);
    EXPECT_TRUE(program->met_its_bound());
    EXPECT_LE(program->standard_error(), 0.02);
    EXPECT_GT(program->samples(), 1000u);
    EXPECT_NEAR(program->price(), european_price(plan.terms), 4 * program->standard_error());

    plan.sampling.samples_max = 20'000;
    plan.sampling.standard_error_max = 1e-6;
    const auto cut_short = priced(plan);
    EXPECT_FALSE(cut_short->met_its_bound());
    EXPECT_EQ(cut_short->samples(), 20'000u);
}

TEST(OptionPricingTest, SamplesDependOnNothingButTheirNumber) {
    const OptionPlan plan{usual_terms(), true, true, samples(1000)};
    OptionPricingProgram program{plan};
    expect_damaged_checkpoints_to_be_refused(program);
    expect_wrong_sizes_to_be_refused(program, no_blob_at_all);
    // A sum that is no number is no sum of payoffs.
    OptionPricingProgram other{plan};
    Bytes output(40);
    const double nan = std::nan("");
    std::memcpy(output.data(), &nan, sizeof nan);
    EXPECT_EQ(test_support::fold_here(other, testing::spans_of({output})).error().code,
              ErrorCode::LimitExceeded);
}

/// The energy a spin of a 4 x 4 torus, by all of its 2^16 states.
double energy_of_four_by_four(double temperature) {
    double weights = 0;
    double energies = 0;
    for (std::uint32_t state = 0; state < 1u << 16; ++state) {
        int bonds = 0;
        for (int i = 0; i < 16; ++i) {
            const int right = (i & ~3) | ((i + 1) & 3);
            const int below = (i + 4) & 15;
            for (const int other : {right, below}) {
                bonds += (state >> i & 1) == (state >> other & 1) ? 1 : -1;
            }
        }
        const double weight = std::exp((bonds - 32) / temperature);
        weights += weight;
        energies -= bonds * weight;
    }
    return energies / weights / 16;
}

TEST(IsingTest, ASmallLatticeHasItsExactEnergy) {
    for (const double temperature : {1.5, 2.3, 5.0}) {
        IsingProgram program{{4, 100, 400, temperature, samples(400)}};
        ASSERT_TRUE(run_in_process(program, no_blob_at_all));
        EXPECT_NEAR(program.mean(kernels::Energy), energy_of_four_by_four(temperature),
                    4 * program.standard_error())
            << temperature;
        EXPECT_LT(program.standard_error(), 0.005);
    }
}

TEST(IsingTest, ALargeLatticeIsAsTheInfiniteOne) {
    EXPECT_NEAR(onsager_energy(2.0), -1.7455645, 1e-6);
    EXPECT_NEAR(onsager_energy(ising_critical_temperature), -std::sqrt(2.0), 1e-6);
    EXPECT_NEAR(onsager_magnetisation(2.0), 0.911319, 1e-6);
    for (const double temperature : {1.8, 3.2}) {
        IsingProgram program{{64, 300, 300, temperature, samples(12)}};
        ASSERT_TRUE(run_in_process(program, no_blob_at_all));
        EXPECT_NEAR(program.mean(kernels::Energy), onsager_energy(temperature),
                    4 * program.standard_error());
        if (temperature > ising_critical_temperature) continue;
        EXPECT_NEAR(program.mean(kernels::Magnetisation), onsager_magnetisation(temperature),
                    4 * program.magnetisation_error());
    }
}

TEST(IsingTest, RestartsChangeNothing) {
    const auto make = [] {
        Sampling sampling = samples(8);
        sampling.samples_max = 200;
        sampling.standard_error_max = 0.01;
        return std::make_unique<IsingProgram>(IsingPlan{8, 10, 50, 2.5, sampling});
    };
    EXPECT_GE(expect_restarts_to_change_nothing(make, no_blob_at_all), 3u);
}

kernels::EpidemicInput small_plan() {
    kernels::EpidemicInput plan;
    plan.population = 2;
    plan.infectious = 1;
    plan.points = 3;
    plan.duration = 1e6;
    plan.infection_rate = 0.3;
    plan.recovery_rate = 0.1;
    plan.replicate_count = 20'000;
    return plan;
}

// Of two people, the second is infected before the first recovers with odds of half the
// reproduction number, exposed for a while or not.
TEST(EpidemicTest, TwoPeopleInfectEachOtherAsOftenAsTheyShould) {
    for (const bool is_seir : {false, true}) {
        kernels::EpidemicInput plan = small_plan();
        plan.is_seir = is_seir;
        plan.onset_rate = is_seir ? 0.2 : 0;
        EpidemicProgram program{plan};
        ASSERT_TRUE(run_in_process(program, no_blob_at_all));
        EXPECT_NEAR(program.size().mean, 1.6, 4 * program.size().standard_error);
        EXPECT_LT(program.size().standard_error, 0.004);
        EXPECT_EQ(program.size().quantiles[0], 1);
        EXPECT_EQ(program.size().quantiles[2], 2);
        EXPECT_EQ(program.band(2, 3)[0], 1u);  // All have recovered, one person or both.
        EXPECT_EQ(program.band(2, 3)[4], 2u);
        EXPECT_EQ(program.band(0, 2)[2], 1u);
    }
}

// Without infections people recover one by one: as many are left as e^(-rate time) says.
TEST(EpidemicTest, QuantilesFollowTheExponentialLaw) {
    kernels::EpidemicInput plan = small_plan();
    plan.population = plan.infectious = 1000;
    plan.infection_rate = 0;
    plan.duration = 10;
    plan.points = 11;
    plan.replicate_count = 1000;
    EpidemicProgram program{plan};
    ASSERT_TRUE(run_in_process(program, no_blob_at_all));
    for (std::size_t point = 1; point < plan.points; ++point) {
        const double share = std::exp(-0.1 * program.time(point));
        const double deviation = std::sqrt(1000 * share * (1 - share));
        EXPECT_NEAR(program.band(point, 2)[2], 1000 * share, 0.2 * deviation + 1);
        EXPECT_NEAR(program.band(point, 2)[4], 1000 * share + 1.645 * deviation,
                    0.3 * deviation + 1);
    }
    EXPECT_EQ(program.peak().mean, 1000);
    EXPECT_EQ(program.size_histogram().back(), 1000u);
}

// A branching process dies out with the probability 1 / R from each of those at the beginning.
TEST(EpidemicTest, SomeOutbreaksStaySmall) {
    kernels::EpidemicInput plan = small_plan();
    plan.population = 2000;
    plan.infectious = 2;
    plan.infection_rate = 0.2;
    plan.duration = 1000;
    plan.replicate_count = 1500;
    EpidemicProgram program{plan};
    ASSERT_TRUE(run_in_process(program, no_blob_at_all));
    const auto small = static_cast<double>(program.size_histogram()[0]);
    EXPECT_NEAR(small / 1500, 0.25, 4 * std::sqrt(0.25 * 0.75 / 1500));
    // The others reach the size z with z = 1 - e^(-2 z).
    EXPECT_NEAR(program.size().quantiles[3] / 2000, 0.8, 0.02);
}

TEST(EpidemicTest, RestartsChangeNothing) {
    kernels::EpidemicInput plan = small_plan();
    plan.population = 100'000;
    plan.duration = 5;
    plan.replicate_count = 200;
    const auto make = [&] { return std::make_unique<EpidemicProgram>(plan); };
    EXPECT_GT(make()->round()->task_count, 1u);
    EXPECT_EQ(expect_restarts_to_change_nothing(make, no_blob_at_all), 2u);
    expect_damaged_checkpoints_to_be_refused(*make());
    expect_wrong_sizes_to_be_refused(*make(), no_blob_at_all);
    const auto finished = make();
    ASSERT_TRUE(run_in_process(*finished, no_blob_at_all));
    EXPECT_EQ(finished->result_bytes().size(), 3u * 4 * 5 * 4 + 3 * 7 * 8 + 20 * 8);
}

}  // namespace
}  // namespace netcompute::programs
