// The portable functions against MPFR, and their corner cases one by one.
#include <netcompute/math.hpp>

#include <gtest/gtest.h>
#include <mpfr.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <random>
#include <vector>

namespace netcompute {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double tiniest = std::numeric_limits<double>::denorm_min();
constexpr std::uint64_t canonical_nan = 0x7ff8000000000000;

std::uint64_t bits(double x) {
    return std::bit_cast<std::uint64_t>(x);
}

/// Places on the line of all f64 values, so that neighbours differ by 1, across 0 too.
std::int64_t place(double x) {
    const auto value = std::bit_cast<std::int64_t>(x);
    return value < 0 ? std::numeric_limits<std::int64_t>::min() - value : value;
}

std::int64_t ulps_apart(double a, double b) {
    const std::int64_t distance = place(a) - place(b);
    return distance < 0 ? -distance : distance;
}

using Operation = std::function<void(mpfr_t)>;

/// The correctly rounded value: 300 bits are far more than any f64 argument here needs.
class Reference {
 public:
    Reference() { mpfr_init2(value_, 300); }
    ~Reference() { mpfr_clear(value_); }
    Reference(const Reference&) = delete;
    Reference& operator=(const Reference&) = delete;

    double operator()(double x, const Operation& operation) {
        mpfr_set_d(value_, x, MPFR_RNDN);
        operation(value_);
        return mpfr_get_d(value_, MPFR_RNDN);
    }

 private:
    mpfr_t value_;
};

void exact_exp(mpfr_t x) {
    mpfr_exp(x, x, MPFR_RNDN);
}
void exact_log(mpfr_t x) {
    mpfr_log(x, x, MPFR_RNDN);
}
void exact_log1p(mpfr_t x) {
    mpfr_log1p(x, x, MPFR_RNDN);
}
void exact_sigmoid(mpfr_t x) {
    mpfr_neg(x, x, MPFR_RNDN);
    mpfr_exp(x, x, MPFR_RNDN);
    mpfr_add_ui(x, x, 1, MPFR_RNDN);
    mpfr_ui_div(x, 1, x, MPFR_RNDN);
}
void exact_softplus(mpfr_t x) {
    if (mpfr_cmp_ui(x, 1000) > 0) return;  // e^x may be beyond MPFR; what it adds to x is nothing.
    mpfr_exp(x, x, MPFR_RNDN);
    mpfr_log1p(x, x, MPFR_RNDN);
}

/// `count` arguments of every magnitude: any bits at all, uniform in [low, high], spread evenly in
/// exponent on both signs, and close to each of `hard`.
std::vector<double> arguments(std::size_t count, double low, double high,
                              const std::vector<double>& hard) {
    std::mt19937_64 engine{20240607};
    std::uniform_real_distribution<double> range{low, high};
    std::uniform_real_distribution<double> exponent{-1074, 11};
    std::uniform_int_distribution<int> steps{-40, 40};
    std::vector<double> result;
    for (std::size_t i = 0; i < count; ++i) {
        switch (i % 4) {
            case 0:
                result.push_back(range(engine));
                break;
            case 1:
                result.push_back(std::bit_cast<double>(engine()));
                break;
            case 2:
                result.push_back((i % 8 < 4 ? 1 : -1) * std::exp2(exponent(engine)));
                break;
            default:
                const double centre = hard[engine() % hard.size()];
                result.push_back(std::bit_cast<double>(bits(centre) +
                                                       static_cast<std::uint64_t>(steps(engine))));
        }
    }
    return result;
}

/// The largest distance from the correctly rounded result; infinities must be met exactly.
std::int64_t largest_error(double (*function)(double), const Operation& exact,
                           const std::vector<double>& points) {
    Reference reference;
    std::int64_t largest = 0;
    for (const double x : points) {
        const double expected = reference(x, exact);
        const double actual = function(x);
        if (std::isnan(expected)) {
            EXPECT_EQ(bits(actual), canonical_nan) << "at " << x;
            continue;
        }
        EXPECT_FALSE(std::isnan(actual)) << "at " << x;
        const std::int64_t error = ulps_apart(actual, expected);
        largest = std::max(largest, error);
    }
    return largest;
}

constexpr std::size_t argument_count = 400'000;

std::vector<double> rounding_boundaries_of_exp() {
    std::vector<double> result{
        0x1.62e42fefa39efp9, -0x1.74910d52d3051p9, -0x1.6232bdd7abcd2p9, 1e-300, -1e-17, 0x1p-54};
    for (int k = -2150; k <= 2048; ++k) result.push_back((k + 0.5) * 0.34657359027997264);
    return result;
}

std::vector<double> rounding_boundaries_of_log() {
    std::vector<double> result{1.0, 0x1p-1022, tiniest * 100, 0x1.fffffffffffffp1023 / 2};
    for (int k = -1074; k < 1023; ++k) {
        result.push_back(std::ldexp(std::sqrt(2.0), k));
        result.push_back(std::ldexp(1.0, k));
    }
    return result;
}

std::vector<double> rounding_boundaries_of_log1p() {
    std::vector<double> result{-1 + 0x1p-50, 1e-300, -1e-17, 0x1p53, 0x1p54, 1.0};
    for (int k = -52; k < 1000; ++k) {
        result.push_back(std::ldexp(std::sqrt(2.0), k) - 1);
        result.push_back(std::ldexp(1.0, k) - 1);
    }
    return result;
}

TEST(MathTest, ExpIsWithinOneUlpOfTheCorrectlyRoundedValue) {
    EXPECT_LE(largest_error(math::exp, exact_exp,
                            arguments(argument_count, -746, 710, rounding_boundaries_of_exp())),
              1);
}

TEST(MathTest, LogIsWithinOneUlpOfTheCorrectlyRoundedValue) {
    EXPECT_LE(largest_error(math::log, exact_log,
                            arguments(argument_count, 0.3, 3, rounding_boundaries_of_log())),
              1);
}

TEST(MathTest, Log1pIsWithinOneUlpOfTheCorrectlyRoundedValue) {
    EXPECT_LE(largest_error(math::log1p, exact_log1p,
                            arguments(argument_count, -1, 3, rounding_boundaries_of_log1p())),
              1);
}

TEST(MathTest, SigmoidIsWithinTwoUlp) {
    EXPECT_LE(largest_error(math::sigmoid, exact_sigmoid,
                            arguments(argument_count, -750, 50, rounding_boundaries_of_exp())),
              2);
}

TEST(MathTest, SoftplusIsWithinTwoUlp) {
    EXPECT_LE(largest_error(math::softplus, exact_softplus,
                            arguments(argument_count, -750, 50, rounding_boundaries_of_exp())),
              2);
}

TEST(MathTest, ExpMeetsItsLimits) {
    EXPECT_EQ(math::exp(0.0), 1.0);
    EXPECT_EQ(math::exp(-0.0), 1.0);
    EXPECT_EQ(math::exp(infinity), infinity);
    EXPECT_EQ(bits(math::exp(-infinity)), bits(0.0));
    EXPECT_EQ(math::exp(709.79), infinity);
    EXPECT_LT(math::exp(709.78), infinity);
    EXPECT_EQ(math::exp(-745.13), tiniest);
    EXPECT_EQ(bits(math::exp(-745.14)), bits(0.0));
    EXPECT_EQ(math::exp(tiniest), 1.0);
}

TEST(MathTest, LogMeetsItsLimits) {
    EXPECT_EQ(bits(math::log(1.0)), bits(0.0));
    EXPECT_EQ(math::log(0.0), -infinity);
    EXPECT_EQ(math::log(-0.0), -infinity);
    EXPECT_EQ(math::log(infinity), infinity);
    EXPECT_EQ(bits(math::log(-tiniest)), canonical_nan);
    EXPECT_EQ(bits(math::log(-infinity)), canonical_nan);
}

TEST(MathTest, Log1pMeetsItsLimits) {
    EXPECT_EQ(bits(math::log1p(0.0)), bits(0.0));
    EXPECT_EQ(bits(math::log1p(-0.0)), bits(-0.0));
    EXPECT_EQ(math::log1p(tiniest), tiniest);
    EXPECT_EQ(math::log1p(-1.0), -infinity);
    EXPECT_EQ(math::log1p(infinity), infinity);
    EXPECT_EQ(bits(math::log1p(-1.0000000000000002)), canonical_nan);
    EXPECT_EQ(bits(math::log1p(-infinity)), canonical_nan);
}

TEST(MathTest, SigmoidAndSoftplusMeetTheirLimits) {
    EXPECT_EQ(math::sigmoid(0.0), 0.5);
    EXPECT_EQ(math::sigmoid(infinity), 1.0);
    EXPECT_EQ(bits(math::sigmoid(-infinity)), bits(0.0));
    EXPECT_EQ(math::softplus(infinity), infinity);
    EXPECT_EQ(bits(math::softplus(-infinity)), bits(0.0));
    EXPECT_EQ(math::softplus(800.0), 800.0);
}

TEST(MathTest, EveryNanBecomesTheCanonicalOne) {
    constexpr std::uint64_t payloads[] = {0x7ff8000000000000, 0x7ff0000000000001,
                                          0x7fffffffffffffff};
    for (const std::uint64_t payload : payloads) {
        for (const std::uint64_t sign : {std::uint64_t{0}, std::uint64_t{1} << 63}) {
            const double nan = std::bit_cast<double>(payload | sign);
            for (double (*const function)(double) :
                 {math::exp, math::log, math::log1p, math::sigmoid, math::softplus}) {
                EXPECT_EQ(bits(function(nan)), canonical_nan);
            }
        }
    }
}

}  // namespace
}  // namespace netcompute
