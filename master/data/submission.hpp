#pragma once

#include "data/classes.hpp"
#include "data/input_file.hpp"
#include "data/text_arena.hpp"
#include <netcompute/result.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::data {

/// Predictions to be handed in: a line a row, in input order.
struct Submission {
    std::string_view id_name;
    std::string_view target_name;
    const TextArena& ids;
    std::span<const double> scores;  ///< Linear; above 0 predicts the positive class.
    const Classes& classes;
};

/// The CSV text: a header of id and target, then the ids with their predicted class. Fields are
/// quoted where RFC 4180 asks for it. Errors: ShapeMismatch unless each id has a score.
[[nodiscard]] Result<std::string> submission_text(const Submission& submission);

/// The true labels of rows named by `ids`, from a CSV with an id and a target column: the test
/// set's truth, for scoring. Rows with other ids are passed over.
/// Errors: those of CsvReader; NotFound for a missing column or an id without a row;
/// InvalidArgument for an id that stands twice and a value of neither class.
[[nodiscard]] Result<std::vector<std::uint8_t>> read_labels(const InputFile& file,
                                                            std::string_view id_name,
                                                            std::string_view target_name,
                                                            const Classes& classes,
                                                            const TextArena& ids);

}  // namespace netcompute::data
