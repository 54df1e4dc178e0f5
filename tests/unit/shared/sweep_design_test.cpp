// Where the points of a sweep lie.
#include <netcompute/programs/sweep_design.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace netcompute::programs {
namespace {

TEST(SweepDesignTest, AGridTakesBothEnds) {
    EXPECT_EQ(grid_design({2, 1, 3}),
              (DesignPoints{{0, 0, 0}, {0, 0, 0.5}, {0, 0, 1}, {1, 0, 0}, {1, 0, 0.5}, {1, 0, 1}}));
}

// Each of n equal parts of each axis has one point.
TEST(SweepDesignTest, EveryAxisIsCutIntoCellsOfOnePointEach) {
    constexpr std::uint32_t count = 64;
    for (const DesignPoints& points :
         {latin_hypercube_design(count, 7, 3), sobol_design(count, sobol_axes_max, 3)}) {
        for (std::size_t axis = 0; axis < points[0].size(); ++axis) {
            std::set<double> cells;
            for (const auto& point : points) cells.insert(std::floor(point[axis] * count));
            EXPECT_EQ(cells.size(), count) << "axis " << axis;
            EXPECT_LT(*cells.rbegin(), count);
        }
    }
}

// The first two dimensions of Sobol's sequence are a (0, 2)-sequence: each elementary rectangle of
// area 1/64 has one of 64 points. So it is after the shift.
TEST(SweepDesignTest, SobolsFirstTwoAxesFillEveryElementaryRectangle) {
    const DesignPoints points = sobol_design(64, 2, 9);
    for (int bits = 0; bits <= 6; ++bits) {
        std::set<std::pair<double, double>> rectangles;
        for (const auto& point : points) {
            rectangles.emplace(std::floor(std::ldexp(point[0], bits)),
                               std::floor(std::ldexp(point[1], 6 - bits)));
        }
        EXPECT_EQ(rectangles.size(), 64u) << bits;
    }
}

// The mean of a smooth function comes out far closer than with as many random points.
TEST(SweepDesignTest, SobolsPointsIntegrate) {
    const DesignPoints points = sobol_design(4096, sobol_axes_max, 1);
    double sum = 0;
    for (const auto& point : points) {
        double product = 1;
        for (const double x : point) product *= 1 + (x - 0.5);
        sum += product;
    }
    EXPECT_NEAR(sum / 4096, 1, 0.002);  // At random: 0.018.
}

TEST(SweepDesignTest, SpacedNumbersAreShort) {
    EXPECT_EQ(spaced(0.1, 0.5, 0.125, false), 0.15);
    EXPECT_EQ(spaced(0.1, 0.5, 1, false), 0.5);
    EXPECT_EQ(spaced(1e-3, 1e3, 0.5, true), 1);
    EXPECT_EQ(spaced(1e-3, 1e3, 1, true), 1000);
}

}  // namespace
}  // namespace netcompute::programs
