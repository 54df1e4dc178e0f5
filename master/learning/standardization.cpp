#include "learning/standardization.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace netcompute::learning {
namespace {

/// A deviation that would lose its digits, or vanish, means a feature that does not vary.
double usable_deviation(double deviation) {
    return deviation >= std::numeric_limits<double>::min() ? deviation : 1;
}

}  // namespace

bool is_constant(double mean, double variance, double count) {
    constexpr double epsilon = std::numeric_limits<double>::epsilon();
    const double rounding = count * mean * epsilon;
    return variance <= count * epsilon * variance + rounding * rounding;
}

std::optional<double> median_of(std::span<const double> values) {
    std::vector<double> there;
    there.reserve(values.size());
    for (const double value : values) {
        if (!std::isnan(value)) there.push_back(value);
    }
    if (there.empty()) return std::nullopt;
    const auto middle = there.begin() + static_cast<std::ptrdiff_t>(there.size() / 2);
    std::nth_element(there.begin(), middle, there.end());
    if (there.size() % 2 == 1) return *middle;
    return std::midpoint(*std::max_element(there.begin(), middle), *middle);
}

std::optional<Standardization> fit_standardization(std::span<const double> values, double median) {
    const auto filled = [&](double value) { return std::isnan(value) ? median : value; };
    const auto count = static_cast<double>(values.size());
    double sum = 0;
    double least = std::numeric_limits<double>::infinity();
    double greatest = -least;
    for (const double raw : values) {
        const double value = filled(raw);
        sum += value;
        least = std::min(least, value);
        greatest = std::max(greatest, value);
    }
    // The mean of equal values may round away from them; a constant column must become 0 exactly.
    if (least == greatest) return Standardization{least, 1};

    const double first_mean = sum / count;
    const double reach = std::max(greatest - first_mean, first_mean - least);
    if (!std::isfinite(reach)) return std::nullopt;
    // A power of two brings the squares into range without changing a digit.
    const int exponent = std::clamp(std::ilogb(reach), -1000, 1000);
    const double factor = std::ldexp(1.0, -exponent);
    double deviation_sum = 0;
    double square_sum = 0;
    for (const double raw : values) {
        const double deviation = (filled(raw) - first_mean) * factor;
        deviation_sum += deviation;
        square_sum += deviation * deviation;
    }
    const double variance = (square_sum - deviation_sum * deviation_sum / count) / count;
    const double mean = first_mean + deviation_sum / factor / count;
    if (is_constant(mean * factor, variance, count)) return Standardization{mean, 1};
    return Standardization{mean, usable_deviation(std::ldexp(std::sqrt(variance), exponent))};
}

Standardization fit_indicator(std::uint64_t ones, std::uint64_t rows) {
    if (ones == 0 || ones == rows) return {ones == 0 ? 0.0 : 1.0, 1};
    const auto count = static_cast<double>(rows);
    const double mean = static_cast<double>(ones) / count;
    const double square_sum = static_cast<double>(ones) * ((1 - mean) * (1 - mean)) +
                              static_cast<double>(rows - ones) * (mean * mean);
    return {mean, std::sqrt(square_sum / count)};
}

}  // namespace netcompute::learning
