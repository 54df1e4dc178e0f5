// What the kernels compute, against plain loops, and what they refuse.
#include <netcompute/kernels/kernel.hpp>
#include <netcompute/kernels/logistic.hpp>
#include <netcompute/kernels/monte_carlo_pi.hpp>
#include <netcompute/kernels/tile.hpp>
#include <netcompute/random.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

namespace netcompute::kernels {
namespace {

using ::testing::HasSubstr;

Result<Bytes> run(std::string_view kernel, const std::vector<Bytes>& inputs) {
    return run_once(*find_kernel(kernel, 1), std::vector<ByteSpan>(inputs.begin(), inputs.end()));
}

TEST(RegistryTest, KernelsAreListedInOrderOfName) {
    ASSERT_FALSE(registry().empty());
    for (std::size_t i = 1; i < registry().size(); ++i) {
        EXPECT_LT(registry()[i - 1].name, registry()[i].name);
    }
}

TEST(RegistryTest, AKernelIsFoundByNameAndVersionOnly) {
    EXPECT_NE(find_kernel("noop", 1), nullptr);
    EXPECT_EQ(find_kernel("noop", 2), nullptr);
    EXPECT_EQ(find_kernel("noo", 1), nullptr);
}

TEST(NoopKernelTest, ThePayloadComesBack) {
    const Bytes payload{std::byte{1}, std::byte{0}, std::byte{255}};
    EXPECT_EQ(*run("noop", {payload}), payload);
    EXPECT_EQ(run("noop", {}).error().code, ErrorCode::ShapeMismatch);
}

std::uint64_t inside(std::uint64_t seed, std::uint64_t first, std::uint64_t count) {
    const Bytes output = *run("monte_carlo_pi", {encode_monte_carlo_pi({seed, first, count})});
    ByteReader reader{output};
    return reader.number<std::uint64_t>();
}

TEST(MonteCarloPiKernelTest, CountsThePointsThatPhiloxGivesOneByOne) {
    const std::uint64_t seed = 0x123456789abcdef0;
    const std::uint64_t first = 0xfffffff0;  // The counter's second word begins to matter.
    std::uint64_t expected = 0;
    for (std::uint64_t i = first; i < first + 5000; ++i) {
        const Philox::Block words = Philox::block(
            {static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(i >> 32), 0, 0},
            {0x9abcdef0, 0x12345678});
        const std::uint64_t x = words[0] >> 1 | 1;
        const std::uint64_t y = words[1] >> 1 | 1;
        expected += x * x + y * y < std::uint64_t{1} << 62;
    }
    EXPECT_EQ(inside(seed, first, 5000), expected);
    EXPECT_NEAR(static_cast<double>(expected) / 5000, 0.7854, 0.02);
}

TEST(MonteCarloPiKernelTest, ARangeIsTheSumOfItsParts) {
    EXPECT_EQ(inside(1, 0, 1003), inside(1, 0, 17) + inside(1, 17, 1) + inside(1, 18, 985));
}

TEST(MonteCarloPiKernelTest, RefusesOtherSizesAndEndlessWork) {
    EXPECT_EQ(run("monte_carlo_pi", {Bytes(23)}).error().code, ErrorCode::ShapeMismatch);
    EXPECT_EQ(run("monte_carlo_pi", {Bytes(25)}).error().code, ErrorCode::ShapeMismatch);
    EXPECT_EQ(run("monte_carlo_pi", {Bytes(24), Bytes(24)}).error().code, ErrorCode::ShapeMismatch);
    EXPECT_EQ(run("monte_carlo_pi", {encode_monte_carlo_pi({1, 0, monte_carlo_pi_samples_max + 1})})
                  .error()
                  .code,
              ErrorCode::LimitExceeded);
}

/// A shard with plain loops over it, in long double.
struct Shard {
    std::uint32_t row_count;
    std::uint32_t feature_count;
    std::vector<double> weights;
    double intercept = 0.25;
    std::vector<double> features;
    std::vector<double> labels;

    Shard(std::uint32_t rows, std::uint32_t columns) : row_count{rows}, feature_count{columns} {
        Philox random{rows * 1000u + columns};
        for (std::uint32_t c = 0; c < columns; ++c) weights.push_back(2 * random.next_unit() - 1);
        for (std::uint32_t i = 0; i < rows * columns; ++i) {
            features.push_back(6 * random.next_unit() - 3);
        }
        for (std::uint32_t r = 0; r < rows; ++r) {
            labels.push_back(static_cast<double>(random.next_below(2)));
        }
    }

    [[nodiscard]] std::vector<Bytes> inputs() const {
        return {encode_weights(weights, intercept), encode_tile(row_count, feature_count, features),
                encode_tile(row_count, 1, labels)};
    }
    /// The features of a row, and 1 for the intercept.
    [[nodiscard]] long double feature(std::uint32_t row, std::uint32_t column) const {
        return column == feature_count ? 1.0L : features[column * row_count + row];
    }
    [[nodiscard]] long double score(std::uint32_t row) const {
        long double sum = intercept;
        for (std::uint32_t c = 0; c < feature_count; ++c) sum += weights[c] * feature(row, c);
        return sum;
    }
};

class LogisticKernelTest
    : public ::testing::TestWithParam<std::pair<std::uint32_t, std::uint32_t>> {};

TEST_P(LogisticKernelTest, SumsAreThoseOfPlainLoops) {
    const Shard shard{GetParam().first, GetParam().second};
    const std::uint32_t size = shard.feature_count + 1;
    long double loss = 0;
    std::vector<long double> gradient(size);
    std::vector<long double> hessian(triangle_size(size));
    for (std::uint32_t row = 0; row < shard.row_count; ++row) {
        const long double score = shard.score(row);
        const long double p = 1 / (1 + std::exp(-score));
        loss += std::log(1 + std::exp(score)) - shard.labels[row] * score;
        std::size_t at = 0;
        for (std::uint32_t i = 0; i < size; ++i) {
            gradient[i] += (p - shard.labels[row]) * shard.feature(row, i);
            for (std::uint32_t j = i; j < size; ++j) {
                hessian[at++] += p * (1 - p) * shard.feature(row, i) * shard.feature(row, j);
            }
        }
    }
    const Result<Bytes> output = run("logistic_newton", shard.inputs());
    ASSERT_TRUE(output);
    const Result<LogisticSums> sums = decode_logistic_sums(*output, shard.feature_count);
    ASSERT_TRUE(sums);
    const double tolerance = 1e-13 * shard.row_count * 10;
    EXPECT_NEAR(sums->loss, static_cast<double>(loss), tolerance);
    for (std::size_t i = 0; i < gradient.size(); ++i) {
        EXPECT_NEAR(sums->gradient[i], static_cast<double>(gradient[i]), tolerance) << i;
    }
    for (std::size_t i = 0; i < hessian.size(); ++i) {
        EXPECT_NEAR(sums->hessian[i], static_cast<double>(hessian[i]), tolerance) << i;
    }
}

TEST_P(LogisticKernelTest, ScoresAreThoseOfPlainLoops) {
    const Shard shard{GetParam().first, GetParam().second};
    const Result<Bytes> output = run("linear_scores", {shard.inputs()[0], shard.inputs()[1]});
    ASSERT_TRUE(output);
    const Result<std::vector<double>> scores = decode_scores(*output, shard.row_count);
    ASSERT_TRUE(scores);
    for (std::uint32_t row = 0; row < shard.row_count; ++row) {
        EXPECT_NEAR((*scores)[row], static_cast<double>(shard.score(row)), 1e-12) << row;
    }
}

INSTANTIATE_TEST_SUITE_P(Shapes, LogisticKernelTest,
                         ::testing::Values(std::pair{0u, 3u}, std::pair{1u, 1u}, std::pair{16u, 4u},
                                           std::pair{17u, 0u}, std::pair{255u, 5u},
                                           std::pair{257u, 8u}, std::pair{1000u, 33u}));

TEST(LogisticNewtonTest, LossIsExactWhereTheModelIsSureAndRight) {
    // e^-40 is far below the ulp of 1: 1 - p would be 0, and ln(1 + e^-40) would be lost.
    const std::vector<Bytes> inputs{encode_weights({}, -40), encode_tile(1, 0, {}),
                                    encode_tile(1, 1, std::vector<double>{0})};
    const Bytes output = *run("logistic_newton", inputs);
    const LogisticSums sums = *decode_logistic_sums(output, 0);
    EXPECT_DOUBLE_EQ(sums.loss, std::exp(-40));
    EXPECT_DOUBLE_EQ(sums.gradient[0], std::exp(-40));
    EXPECT_DOUBLE_EQ(sums.hessian[0], std::exp(-40));
}

TEST(LogisticNewtonTest, OverflowGivesTheOneNanAndNeverANegativeZero) {
    const double huge = 1e308;
    const std::vector<Bytes> inputs{encode_weights(std::vector<double>{huge, -huge}, 0),
                                    encode_tile(1, 2, std::vector<double>{huge, huge}),
                                    encode_tile(1, 1, std::vector<double>{0})};
    const Bytes output = *run("logistic_newton", inputs);
    const LogisticSums sums = *decode_logistic_sums(output, 2);
    EXPECT_EQ(std::bit_cast<std::uint64_t>(sums.loss), 0x7ff8000000000000u);
    const Bytes scores = *run("linear_scores", {encode_weights(std::vector<double>{-1}, -0.0),
                                                encode_tile(1, 1, std::vector<double>{0})});
    EXPECT_EQ(std::bit_cast<std::uint64_t>((*decode_scores(scores, 1))[0]), 0u);
}

/// The three inputs of a good call, each of which a test replaces in turn.
std::vector<Bytes> good_inputs() {
    return Shard{3, 2}.inputs();
}

void expect_refused(std::size_t input, const Bytes& bad, ErrorCode code, const char* words) {
    std::vector<Bytes> inputs = good_inputs();
    ASSERT_TRUE(run("logistic_newton", inputs));
    inputs[input] = bad;
    const Result<Bytes> newton = run("logistic_newton", inputs);
    ASSERT_FALSE(newton) << words;
    EXPECT_EQ(newton.error().code, code) << newton.error().message;
    EXPECT_THAT(newton.error().message, HasSubstr(words));
    EXPECT_THAT(newton.error().message, HasSubstr("logistic_newton: "));
    if (input == 2) return;
    inputs.pop_back();
    const Result<Bytes> scores = run("linear_scores", inputs);
    ASSERT_FALSE(scores) << words;
    EXPECT_EQ(scores.error().code, code) << scores.error().message;
    EXPECT_THAT(scores.error().message, HasSubstr(words));
}

TEST(LogisticKernelRefusesTest, WeightsThatAreNotSome) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    expect_refused(0, {}, ErrorCode::ShapeMismatch, "0 bytes of weights");
    expect_refused(0, Bytes(9), ErrorCode::ShapeMismatch, "9 bytes of weights");
    expect_refused(0, encode_weights(std::vector<double>{1}, 0), ErrorCode::ShapeMismatch,
                   "2 features for 1 weights");
    expect_refused(0, encode_weights(std::vector<double>{1, nan}, 0), ErrorCode::InvalidArgument,
                   "weight 1 is nan");
    expect_refused(0, encode_weights(std::vector<double>{1, 2}, -HUGE_VAL),
                   ErrorCode::InvalidArgument, "weight 2 is -inf");
}

TEST(LogisticKernelRefusesTest, FeaturesThatAreNotATileOfFiniteNumbers) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    expect_refused(1, Bytes(16), ErrorCode::InvalidArgument, "NCT1");
    expect_refused(1, encode_tile(3, 2, std::vector<double>{1, 2, 3, 4, HUGE_VAL, 6}),
                   ErrorCode::InvalidArgument, "feature 1 of row 1 is inf");
    expect_refused(1, encode_tile(3, 2, std::vector<double>{1, 2, nan, 4, 5, 6}),
                   ErrorCode::InvalidArgument, "feature 0 of row 2 is nan");
}

TEST(LogisticKernelRefusesTest, LabelsThatAreNotOneZeroOrOneARow) {
    expect_refused(2, Bytes(16), ErrorCode::InvalidArgument, "labels: ");
    expect_refused(2, encode_tile(2, 1, std::vector<double>{0, 1}), ErrorCode::ShapeMismatch,
                   "labels have 2 rows x 1 columns for features of 3 rows");
    expect_refused(2, encode_tile(3, 1, std::vector<double>{0, 1, 2}), ErrorCode::InvalidArgument,
                   "the label of row 2 is 2");
}

TEST(LogisticKernelRefusesTest, MisalignedInputs) {
    for (std::size_t bad = 0; bad < 3; ++bad) {
        std::vector<Bytes> inputs = good_inputs();
        Bytes shifted(1);
        ByteWriter{shifted}.bytes(inputs[bad]);
        std::vector<ByteSpan> spans(inputs.begin(), inputs.end());
        spans[bad] = ByteSpan{shifted}.subspan(1);
        const Result<Bytes> output = run_once(*find_kernel("logistic_newton", 1), spans);
        ASSERT_FALSE(output);
        EXPECT_THAT(output.error().message, HasSubstr("8-byte boundary"));
    }
}

TEST(LogisticKernelRefusesTest, MoreFeaturesThanAHessianHasRoomFor) {
    const std::uint32_t count = logistic_features_max + 1;
    const std::vector<Bytes> inputs{encode_weights(std::vector<double>(count), 0),
                                    encode_tile(1, count, std::vector<double>(count)),
                                    encode_tile(1, 1, std::vector<double>{1})};
    EXPECT_EQ(run("logistic_newton", inputs).error().code, ErrorCode::LimitExceeded);
}

TEST(LogisticOutputTest, AnOutputOfAnotherSizeIsRefused) {
    const Bytes output = *run("logistic_newton", good_inputs());
    EXPECT_TRUE(decode_logistic_sums(output, 2));
    EXPECT_FALSE(decode_logistic_sums(output, 3));
    EXPECT_FALSE(decode_logistic_sums({}, 2));
    EXPECT_TRUE(decode_scores(Bytes(16), 2));
    EXPECT_FALSE(decode_scores(Bytes(15), 2));
}

}  // namespace
}  // namespace netcompute::kernels
