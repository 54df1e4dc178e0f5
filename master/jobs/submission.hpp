#pragma once

#include "data/dataset.hpp"
#include "learning/classes.hpp"
#include <netcompute/result.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::jobs {

/// Predictions to be handed in: a line a row, in input order.
struct Submission {
    std::string_view id_name;
    std::string_view target_name;
    data::Texts ids;
    std::span<const double> scores;  ///< Linear; above 0 predicts the positive class.
    const learning::Classes& classes;
};

/// The CSV text: a header of id and target, then the ids with their predicted class. Fields are
/// quoted where RFC 4180 asks for it. Errors: ShapeMismatch unless each id has a score.
[[nodiscard]] Result<std::string> submission_text(const Submission& submission);

/// The true labels of rows named by `ids`, from a table that was read with this id column, and has
/// a target column: the test set's truth, for scoring. Rows with other ids are passed over.
/// Errors: NotFound for a missing column or an id without a row; InvalidArgument for an id that
/// stands twice and a value of neither class.
[[nodiscard]] Result<std::vector<std::uint8_t>> find_labels(const data::Table& table,
                                                            std::string_view id_name,
                                                            std::string_view target_name,
                                                            const learning::Classes& classes,
                                                            const data::Texts& ids);

}  // namespace netcompute::jobs
