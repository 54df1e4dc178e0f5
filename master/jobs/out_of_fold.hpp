#pragma once

#include "jobs/judging.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace netcompute::jobs {

/// What models said of rows that they have not seen.
struct OutOfFold {
    std::vector<std::uint32_t> rows;  ///< Those that were held out, in order.
    learning::TargetValues truth;
    std::vector<double> scores;  ///< [rows][width]: the mean over the fits that held a row out.
};

/// Of sums of the scores of all rows, [rows of the table][width].
[[nodiscard]] OutOfFold out_of_fold(const JudgedTable& table,
                                    std::span<const learning::Split> splits,
                                    std::span<const double> score_sums);

/// A line a row: its id, its true value, the predicted one and, of two classes, how probable the
/// second is, of more, how probable each.
[[nodiscard]] std::string predictions_text(const JudgedTable& table, const OutOfFold& found);

/// Adds "confusion" of classes and, of two, "roc", "precision_recall" and "calibration".
void add_curves(const JudgedTable& table, const OutOfFold& found, nlohmann::json& result);

}  // namespace netcompute::jobs
