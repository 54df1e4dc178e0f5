#include "learning/metrics.hpp"

#include "learning/curves.hpp"

#include <gtest/gtest.h>

#include <algorithm>
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

// scikit-learn 1.2.1 of y = [0, 1, 1, 0, 1], probabilities 1 / (1 + exp(-s)).
TEST(MetricsTest, TwoClassesAreJudgedAsScikitLearnDoes) {
    const TargetValues truth{{0, 1, 1, 0, 1}, {}};
    const LogOdds scores{0.5, 2, 0.5, -3, -1};
    const auto metrics = judge(truth, {{}, scores}, 2);
    ASSERT_TRUE(metrics);
    const auto names = judged_metric_names(2);
    ASSERT_EQ(metrics->figures.size(), names.size());
    for (std::size_t i = 0; i < names.size(); ++i) EXPECT_EQ(metrics->figures[i].name, names[i]);
    EXPECT_NEAR(*metrics->find("average_precision"), 1.0 / 3 + 2.0 / 9 + 1.0 / 4, 1e-15);
    EXPECT_NEAR(*metrics->find("balanced_accuracy"), (0.5 + 2.0 / 3) / 2, 1e-15);
    EXPECT_NEAR(*metrics->find("f1"), 2.0 / 3, 1e-15);
    EXPECT_NEAR(*metrics->find("brier"), 0.21617955421011992, 1e-15);
    const TargetValues none{{0, 0}, {}};
    const LogOdds low{-1, -2};
    const auto without = judge(none, {{}, low}, 2);
    EXPECT_FALSE(without->find("average_precision"));
    EXPECT_EQ(without->find("f1"), 0);
}

TEST(MetricsTest, CurvesAreThoseOfEachScore) {
    const Labels labels{0, 1, 1, 0, 1};
    const LogOdds scores{0.5, 2, 0.5, -3, -1};
    const Curve roc = roc_curve(labels, scores);
    EXPECT_EQ(roc.x, (std::vector<double>{0, 0, 0.5, 0.5, 1}));
    EXPECT_EQ(roc.y, (std::vector<double>{0, 1.0 / 3, 2.0 / 3, 1, 1}));
    const Curve precision = precision_recall_curve(labels, scores);
    EXPECT_EQ(precision.x, (std::vector<double>{0, 1.0 / 3, 2.0 / 3, 1, 1}));
    EXPECT_EQ(precision.y, (std::vector<double>{1, 1, 2.0 / 3, 3.0 / 4, 3.0 / 5}));
    EXPECT_TRUE(roc_curve(Labels{1, 1}, LogOdds{1, 2}).x.empty());
    Labels many;
    LogOdds rising;
    for (int i = 0; i < 1000; ++i) {
        many.push_back(i % 3 == 0 ? 1 : 0);
        rising.push_back(i);
    }
    const Curve thin = roc_curve(many, rising);
    ASSERT_EQ(thin.x.size(), curve_points_max);
    EXPECT_EQ(thin.x.front(), 0);
    EXPECT_EQ(thin.y.back(), 1);
    EXPECT_TRUE(std::is_sorted(thin.x.begin(), thin.x.end()));
    const auto bins = calibration_of(labels, std::vector<double>{0.05, 1, 0.95, 0.05, 0.5});
    ASSERT_EQ(bins.size(), 3U);
    EXPECT_EQ(bins[0].rows, 2U);
    EXPECT_EQ(bins[0].share, 0);
    EXPECT_DOUBLE_EQ(bins[2].mean_probability, 0.975);
}

}  // namespace
}  // namespace netcompute::learning
