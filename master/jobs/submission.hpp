#pragma once

#include "data/dataset.hpp"
#include "learning/scores.hpp"
#include "learning/targets.hpp"
#include <netcompute/result.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace netcompute::jobs {

/// Predictions to be handed in: a line a row, in input order.
struct Submission {
    std::string_view id_name;
    std::string_view target_name;
    data::Texts ids;
    learning::Scores scores;           ///< Of these classes, or numbers.
    const learning::Classes& classes;  ///< None for numbers.
    bool with_probabilities = false;  ///< A column for each class, "probability CLASS"; of classes.
};

/// The CSV text: a header of id and target, then the ids with their predicted class or number.
/// Fields are quoted where RFC 4180 asks for it. Errors: ShapeMismatch unless each id has scores.
[[nodiscard]] Result<std::string> submission_text(const Submission& submission);

/// {"class": {"predicted class": rows, …}, …}, of true and predicted classes.
[[nodiscard]] nlohmann::json confusion_document(const learning::Classes& classes,
                                                std::span<const std::uint8_t> labels,
                                                const learning::Scores& scores);

/// The true values of rows named by `ids`, from a table that was read with this id column, and has
/// a target column: the test set's truth, for scoring. Rows with other ids are passed over.
/// Errors: NotFound for a missing column or an id without a row; InvalidArgument for an id that
/// stands twice and for a row without a value; those of true_values().
[[nodiscard]] Result<learning::TargetValues> find_truth(const data::Table& table,
                                                        std::string_view id_name,
                                                        std::string_view target_name,
                                                        const learning::Classes& classes,
                                                        const data::Texts& ids);

}  // namespace netcompute::jobs
