#pragma once

#include "learning/fits_program.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace netcompute::learning {

/// A search over some rows: the whole table's or, for judging the search itself, those that an
/// outer fold learns from.
struct SearchScope {
    /// The splits that candidates are judged by. One rung: all candidates. Several (successive
    /// halving): each has a larger share of the rows and the better candidates of the one before.
    std::vector<std::vector<std::uint32_t>> rungs;
    std::optional<std::uint32_t> outer =
        {};  ///< The split that judges its best candidate in the end.
};

struct SearchPlan {
    std::vector<std::uint32_t> tables;  ///< Of each candidate; fits over one table come together.
    std::uint32_t factor = 2;           ///< One in so many goes to the next rung, rounded up.
    std::size_t metric = 0;             ///< What candidates are judged by: its mean over splits.
    bool is_gain = true;                ///< More of it is better.
    std::vector<SearchScope> scopes;    ///< Each with as many rungs.

    /// How many fits it will ask for.
    [[nodiscard]] std::uint64_t fit_count() const;
};

/// How many rungs it takes until less than `factor` candidates are left.
[[nodiscard]] std::uint32_t rung_count(std::size_t candidates, std::uint32_t factor);

/// What became of a candidate in a scope.
struct CandidateStanding {
    std::uint32_t rung = 0;                 ///< The last one that it took part in.
    std::vector<const FitRecord*> records;  ///< Of that one's splits; null for fits still to come.
    std::optional<double> mean;             ///< Of the metric; nothing where a fit has failed.
};

struct ScopeStanding {
    std::vector<CandidateStanding> candidates;
    std::vector<std::uint32_t> order;  ///< All candidates, the best first.
    const FitRecord* outer = nullptr;  ///< Of its best candidate.
};

/// Where a search stands after these fits. Candidates that came further are better; then those with
/// the better mean, equal ones in their order; last those of which a fit failed.
struct SearchStanding {
    std::vector<FitTask> due;  ///< Nothing: it is over.
    std::vector<ScopeStanding> scopes;
};
[[nodiscard]] SearchStanding follow(const SearchPlan& plan, std::span<const FitRecord> records);

}  // namespace netcompute::learning
