#pragma once

#include "fit_rows.hpp"

#include <cstdint>
#include <vector>

// The rows of a fold may lack classes of the table, and most programs learn classes that there are.

namespace netcompute::programs {

/// The classes that there are among labels, in order.
[[nodiscard]] std::vector<std::uint32_t> classes_met(const std::vector<double>& labels,
                                                     std::uint32_t class_count);

/// The same rows, whose labels are places among the classes that were met; -1 for any other label.
[[nodiscard]] FitRows with_places(const FitRows& rows, const std::vector<std::uint32_t>& met);

/// Scores of all classes, logarithms of what is proportional to probabilities: one that was not met
/// is 2^-52 times as probable as the likeliest, which is what metrics take for the least.
[[nodiscard]] std::vector<double> spread(const std::vector<double>& scores,
                                         const std::vector<std::uint32_t>& met,
                                         std::uint32_t class_count);

}  // namespace netcompute::programs
