#include "learning/metrics.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

namespace netcompute::learning {
namespace {

using Labels = std::vector<std::uint8_t>;
using LogOdds = std::vector<double>;

Metrics measured(const Labels& labels, const LogOdds& scores) {
    const auto metrics = measure(labels, scores);
    EXPECT_TRUE(metrics) << metrics.error().message;
    return metrics ? *metrics : Metrics{};
}

TEST(MetricsTest, AScoreOfZeroPredictsTheNegativeClass) {
    EXPECT_EQ(measured({0, 1, 1, 0}, {0, 1e-300, -1, 5}).find("accuracy").value(), 0.5);
}

TEST(MetricsTest, LogLossIsTheMeanInNats) {
    EXPECT_NEAR(measured({1, 0}, {0, 0}).find("log_loss").value(), std::log(2.0), 1e-15);
    EXPECT_NEAR(measured({1, 0}, {2, 2}).find("log_loss").value(),
                (std::log1p(std::exp(-2.0)) + std::log1p(std::exp(2.0))) / 2, 1e-15);
}

TEST(MetricsTest, LogLossOfExtremeScoresIsFinite) {
    EXPECT_EQ(measured({1, 0}, {-1e6, -1e6}).find("log_loss").value(), 5e5);
    EXPECT_EQ(measured({1, 0}, {1e6, -1e6}).find("log_loss").value(), 0);
}

TEST(MetricsTest, AreaUnderTheCurveCountsTiesHalf) {
    EXPECT_EQ(measured({0, 1}, {1, 2}).find("auc"), 1);
    EXPECT_EQ(measured({0, 1}, {2, 1}).find("auc"), 0);
    EXPECT_EQ(measured({0, 1}, {1, 1}).find("auc"), 0.5);
    EXPECT_EQ(measured({0, 1, 0, 1}, {1, 1, 2, 3}).find("auc"), 0.625);
}

TEST(MetricsTest, AreaUnderTheCurveIsUndefinedForOneClass) {
    EXPECT_FALSE(measured({1, 1}, {1, 2}).find("auc"));
    EXPECT_FALSE(measured({0}, {1}).find("auc"));
}

/// The definition, pair by pair.
double area_by_pairs(const Labels& labels, const LogOdds& scores) {
    double wins = 0;
    double pairs = 0;
    for (std::size_t i = 0; i < labels.size(); ++i) {
        for (std::size_t j = 0; j < labels.size(); ++j) {
            if (labels[i] != 1 || labels[j] != 0) continue;
            ++pairs;
            wins += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0;
        }
    }
    return wins / pairs;
}

TEST(MetricsTest, AreaUnderTheCurveIsThatOfTheDefinition) {
    std::mt19937 dice{3};
    for (int round = 0; round < 50; ++round) {
        Labels labels{0, 1};
        LogOdds scores{0.5, 0.5};
        for (int i = 0; i < 100; ++i) {
            labels.push_back(static_cast<std::uint8_t>(dice() % 2));
            scores.push_back(static_cast<double>(dice() % 20) - 10);
        }
        EXPECT_DOUBLE_EQ(measured(labels, scores).find("auc").value(),
                         area_by_pairs(labels, scores));
    }
}

TEST(MetricsTest, WhatCannotBeMeasuredIsRefused) {
    EXPECT_FALSE(measure({}, {}));
    const Labels one{1};
    const Labels two{2};
    const LogOdds score{1};
    EXPECT_FALSE(measure(one, {}));
    EXPECT_FALSE(measure(two, score));
    for (const double odd :
         {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
        const LogOdds scores{odd};
        EXPECT_FALSE(measure(one, scores));
    }
}

}  // namespace
}  // namespace netcompute::learning
