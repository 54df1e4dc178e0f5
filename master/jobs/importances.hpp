#pragma once

#include "jobs/judging.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

// Permutation importance: how much worse a metric is on rows that are held out once the values of a
// column are permuted among them. Source: Breiman, "Random forests" (2001), section 10.

namespace netcompute::jobs {

/// The columns of a table that make features, and how often each is permuted.
struct PermutedColumns {
    std::vector<std::string> names;
    programs::FitPermutations permutations;
};
[[nodiscard]] PermutedColumns permuted_columns(const JudgedTable& table, std::uint32_t repeats,
                                               std::uint64_t seed);

/// Whether a task can answer for these splits, and all that so many fits find be kept. Errors:
/// LimitExceeded.
[[nodiscard]] Result<void> check_permutations(const JudgedTable& table,
                                              const PermutedColumns& columns,
                                              std::span<const learning::Split> splits,
                                              std::uint64_t fits);

/// What fit@2 reads to permute them.
[[nodiscard]] learning::FitInputs permuting_inputs(const JudgedTable& table,
                                                   const PermutedColumns& columns);

/// Figures that a fit has of so many metrics.
[[nodiscard]] std::size_t figure_count(const JudgedTable& table, const PermutedColumns& columns);

/// [{"column": …, "metrics": {…}, "deviations": {…}}, …]: over all records and repeats, what most
/// depends on first, by the first metric of classes, or r2 of numbers.
[[nodiscard]] nlohmann::json importances_document(
    const JudgedTable& table, const PermutedColumns& columns,
    std::span<const learning::FitRecord* const> records);

}  // namespace netcompute::jobs
