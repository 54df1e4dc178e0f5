#pragma once

#include "data/dataset.hpp"
#include "learning/classes.hpp"
#include "params/params.hpp"
#include <netcompute/result.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::learning {

/// The targets that a learner takes.
struct TakenTargets {
    std::size_t classes_most = 2;  ///< The most classes; 0: it tells no classes apart.
    bool numbers = false;

    [[nodiscard]] bool both() const { return classes_most > 0 && numbers; }
};

/// What is learned of a target that could be either.
enum class Task { Auto, Classification, Regression };

/// The parameter of learners that take both kinds of targets.
inline constexpr std::array<std::string_view, 3> task_names{"auto", "classification", "regression"};
inline constexpr params::Choice task_param{
    .name = "task",
    .what =
        "Whether the target is classes or a number; `auto`: a number if its values are "
        "numbers, more than 20 different ones or with fractions",
    .choices = task_names,
    .otherwise = "auto"};
[[nodiscard]] Task task_of(std::string_view name);

/// What rows have in the target column: one of both lists, in row order.
struct TargetValues {
    std::vector<std::uint8_t> labels;  ///< Classes: the places of them.
    std::vector<double> numbers;       ///< Or numbers, finite.

    [[nodiscard]] std::size_t size() const {
        return labels.empty() ? numbers.size() : labels.size();
    }
    /// Rows [begin, begin + count) as numbers: what a tile of labels holds.
    [[nodiscard]] std::vector<double> part(std::uint64_t begin, std::uint64_t count) const;
    friend bool operator==(const TargetValues&, const TargetValues&) = default;
};

struct LearnedTarget {
    Classes classes;  ///< None where the target is a number.
    TargetValues values;
    std::optional<std::string> note;  ///< For people: which of both it was taken for.
};

/// Who asks for a target.
struct TargetQuestion {
    std::string_view learner = "a learner";  ///< As messages call it: "a logistic regression".
    TakenTargets taken = {};
    Task task = Task::Auto;  ///< Where it takes both.
};

/// Reads the target of a training table: finds its classes, or its numbers. A learner of both takes
/// numbers for what they are where there are more than 20 different ones, or more than two and some
/// have fractions, unless the task says it.
/// Errors: InvalidArgument for a missing value; for a number that is not finite, or beyond 1e100,
/// among numbers; for one value only; listing what was found, for more classes than the learner
/// takes, for numbers that a learner of classes gets, and for words that one of numbers gets.
[[nodiscard]] Result<LearnedTarget> learn_target(const data::Table& table,
                                                 const data::Column& column,
                                                 const TargetQuestion& question);

/// The true values of rows that a model predicted. `classes`: the model's. Rows without a value are
/// counted, and are not in the list. Errors: InvalidArgument, with the place, for a value of no
/// class, or, where there are no classes, for what is no finite number.
struct TrueValues {
    TargetValues values;
    std::uint64_t missing = 0;
};
[[nodiscard]] Result<TrueValues> true_values(const data::Table& table, const data::Column& column,
                                             const Classes& classes);

}  // namespace netcompute::learning
