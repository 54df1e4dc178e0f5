#pragma once

#include "learning/learner.hpp"
#include "params/params.hpp"
#include <netcompute/result.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <vector>

namespace netcompute::learning {

inline constexpr std::size_t candidates_max = 10'000;

/// What a search tries: for names of the learner's parameters a list of values each or, where
/// candidates are drawn, a range, {"min", "max", "scale": "log"}.
struct SearchSpace {
    nlohmann::json grid;
    std::optional<std::uint64_t>
        draws;  ///< How many are drawn; nothing: each combination of lists.
    std::uint64_t seed = 0;
};

/// Parameters to try.
struct Candidate {
    nlohmann::json params;       ///< Those of the grid.
    params::ParamValues values;  ///< All of the learner's.
};

/// The form of a grid, without the learner: errors as for params::Structured::check.
[[nodiscard]] Result<void> check_grid(const nlohmann::json& grid);

/// What can be said of the candidates without making them, and how many they will be. Errors:
/// those of plan_candidates().
[[nodiscard]] Result<std::size_t> check_candidates(const Learner& learner,
                                                   const params::ParamValues& others,
                                                   const SearchSpace& space);

/// The candidates, in order: of lists each combination, names in their order, the last one's values
/// changing first (scikit-learn's ParameterGrid); or so many that are drawn by the seed, evenly
/// from lists and ranges, whole numbers where the parameter is one, none of them twice. `others`
/// has the values of the parameters that the grid leaves alone. A pure function.
/// Errors: InvalidArgument, naming params.grid and the parameter, for one that the learner has not,
/// a value that it does not take or that is listed twice, a range where nothing is drawn; for more
/// candidates than candidates_max, or than there are.
[[nodiscard]] Result<std::vector<Candidate>> plan_candidates(const Learner& learner,
                                                             const params::ParamValues& others,
                                                             const SearchSpace& space);

}  // namespace netcompute::learning
