#include <netcompute/assert.hpp>
#include <netcompute/math.hpp>
#include <netcompute/programs/sweep_design.hpp>
#include <netcompute/random.hpp>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace netcompute::programs {
namespace {

constexpr std::size_t sobol_bits = 32;

/// What a dimension's direction numbers begin with: the degree of a primitive polynomial, its inner
/// coefficients as bits, and as many odd numbers as its degree.
struct SobolStart {
    std::size_t degree;
    std::uint32_t coefficients;
    std::array<std::uint32_t, 5> first;
};

/// Of the second dimension and those after it.
constexpr std::array<SobolStart, sobol_axes_max - 1> sobol_starts{{{1, 0, {1}},
                                                                   {2, 1, {1, 3}},
                                                                   {3, 1, {1, 3, 1}},
                                                                   {3, 2, {1, 1, 1}},
                                                                   {4, 1, {1, 1, 3, 3}},
                                                                   {4, 4, {1, 3, 5, 13}},
                                                                   {5, 2, {1, 1, 5, 5, 17}},
                                                                   {5, 4, {1, 1, 5, 5, 5}},
                                                                   {5, 7, {1, 1, 7, 11, 19}}}};

using Directions = std::array<std::uint32_t, sobol_bits>;

Directions directions_of(std::size_t axis) {
    Directions v{};
    if (axis == 0) {
        for (std::size_t i = 0; i < sobol_bits; ++i)
            v[i] = std::uint32_t{1} << (sobol_bits - 1 - i);
        return v;
    }
    const SobolStart& start = sobol_starts[axis - 1];
    const std::size_t degree = start.degree;
    for (std::size_t i = 0; i < sobol_bits; ++i) {
        if (i < degree) {
            v[i] = start.first[i] << (sobol_bits - 1 - i);
            continue;
        }
        v[i] = v[i - degree] ^ (v[i - degree] >> degree);
        for (std::size_t k = 1; k < degree; ++k) {
            if ((start.coefficients >> (degree - 1 - k) & 1) != 0) v[i] ^= v[i - k];
        }
    }
    return v;
}

}  // namespace

DesignPoints grid_design(const std::vector<std::uint32_t>& steps) {
    DesignPoints points{{}};
    for (const std::uint32_t count : steps) {
        DesignPoints longer;
        for (const std::vector<double>& point : points) {
            for (std::uint32_t i = 0; i < count; ++i) {
                longer.push_back(point);
                longer.back().push_back(count == 1 ? 0.0 : static_cast<double>(i) / (count - 1));
            }
        }
        points = std::move(longer);
    }
    return points;
}

DesignPoints latin_hypercube_design(std::uint32_t points, std::size_t axes, std::uint64_t seed) {
    DesignPoints result(points, std::vector<double>(axes));
    for (std::size_t axis = 0; axis < axes; ++axis) {
        Philox random{seed, axis};
        std::vector<std::uint32_t> cells(points);
        for (std::uint32_t i = 0; i < points; ++i) cells[i] = i;
        for (std::uint32_t i = points; i > 1; --i) {
            std::swap(cells[i - 1], cells[static_cast<std::size_t>(random.next_below(i))]);
        }
        for (std::uint32_t i = 0; i < points; ++i) {
            result[i][axis] = (cells[i] + random.next_unit()) / points;
        }
    }
    return result;
}

DesignPoints sobol_design(std::uint32_t points, std::size_t axes, std::uint64_t seed) {
    NETCOMPUTE_ASSERT(axes <= sobol_axes_max, "the axes are checked when a job is made");
    DesignPoints result(points, std::vector<double>(axes));
    for (std::size_t axis = 0; axis < axes; ++axis) {
        const Directions directions = directions_of(axis);
        const auto shift = static_cast<std::uint32_t>(Philox{seed, axis}.next_u64());
        for (std::uint32_t i = 0; i < points; ++i) {
            std::uint32_t bits = shift;
            for (std::size_t bit = 0; bit < sobol_bits && i >> bit != 0; ++bit) {
                if ((i >> bit & 1) != 0) bits ^= directions[bit];
            }
            result[i][axis] = (bits + 0.5) * 0x1p-32;
        }
    }
    return result;
}

double spaced(double from, double to, double u, bool is_logarithmic) {
    double value = from + u * (to - from);
    if (is_logarithmic) {
        value = from * math::exp(u * math::log(to / from));
    }
    char text[32];
    std::snprintf(text, sizeof text, "%.12g", value);
    return std::strtod(text, nullptr);
}

}  // namespace netcompute::programs
