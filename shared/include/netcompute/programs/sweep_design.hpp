#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace netcompute::programs {

/// Points of the unit cube, [point][axis], each coordinate from 0 to 1.
using DesignPoints = std::vector<std::vector<double>>;

/// The most axes of sobol_design().
inline constexpr std::size_t sobol_axes_max = 10;

/// All combinations of coordinates that divide each axis evenly, ends included; an axis with one
/// step is at 0. The last axis changes first.
[[nodiscard]] DesignPoints grid_design(const std::vector<std::uint32_t>& steps);

/// As many points as cells on each axis, one point in each cell, at random within it.
/// Source: McKay, Beckman and Conover, "A comparison of three methods for selecting values of input
/// variables in the analysis of output from a computer code", 1979.
[[nodiscard]] DesignPoints latin_hypercube_design(std::uint32_t points, std::size_t axes,
                                                  std::uint64_t seed);

/// The first points of Sobol's sequence, shifted at random (bit by bit, so that each power of two
/// of points is spread as evenly as without). At most sobol_axes_max axes.
/// Source: Joe and Kuo, "Constructing Sobol sequences with better two-dimensional projections",
/// 2008, whose direction numbers these are.
[[nodiscard]] DesignPoints sobol_design(std::uint32_t points, std::size_t axes, std::uint64_t seed);

/// The number at coordinate u from `from` to `to`, or likewise for their logarithms; to 12 digits,
/// which leaves out what rounding adds.
[[nodiscard]] double spaced(double from, double to, double u, bool is_logarithmic);

}  // namespace netcompute::programs
