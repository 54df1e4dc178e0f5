#include "learning/targets.hpp"

#include "data/field_kinds.hpp"
#include "data/number.hpp"
#include "learning/learned_column.hpp"
#include "learning/learner.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace netcompute::learning {
namespace {

using data::quote;

constexpr std::size_t classes_shown_max = 8;
/// Numbers with no more different values than this may be classes.
constexpr std::size_t numbers_like_classes_max = 20;
/// Beyond it, squares of differences are no numbers.
constexpr double target_size_max = 1e100;

Unexpected refused(const data::Table& table, const data::Column& column, const std::string& what) {
    return unexpected(ErrorCode::InvalidArgument,
                      data::describe_column(table.name, column.name) + ": " + what);
}

/// The first few fields of a column of many.
std::vector<std::string> examples_of(const data::Column& column) {
    const auto* const numbers = std::get_if<data::Numbers>(&column.values);
    const auto& fields =
        numbers != nullptr ? numbers->examples : std::get<data::Texts>(column.values).examples;
    std::vector<std::string> texts;
    for (const data::FieldAt& field : fields) texts.push_back(field.text);
    return texts;
}

/// Its first values, for messages.
std::string shown_values(const data::Column& column) {
    if (const auto* const coded = std::get_if<data::CodedTexts>(&column.values)) {
        std::vector<std::string> texts;
        for (const data::FieldAt& field : coded->texts) texts.push_back(field.text);
        return data::quote_list(texts, classes_shown_max);
    }
    const auto some = examples_of(column);
    return data::quote_list(some, some.size()) + " and many more";
}

/// The learners that take such a target, as a message's advice.
template <typename Takes>
std::string learners_that(const Takes& takes) {
    std::vector<std::string> names;
    for (const Learner& learner : learners()) {
        if (takes(learner.targets)) names.emplace_back(learner.name);
    }
    if (names.empty()) return "";
    return "; algorithms that take it: " + data::quote_list(names, names.size());
}

Result<void> check_fields(const data::Table& table, const data::Column& column) {
    if (const auto& missing = column.first_missing) {
        const bool is_word = !missing->text.empty();
        return unexpected(
            ErrorCode::InvalidArgument,
            table.place(missing->row, column.name) + ": " +
                (is_word ? quote(missing->text) + " counts as missing" : "no value") +
                ", but this is the target; every training row needs one" +
                (is_word ? "; put it between quotes, or give missing: [] if it is a class" : ""));
    }
    if (column.kind == data::ColumnKind::Number && column.odd.count > 0) {
        const data::FieldAt& odd = column.odd.first.front();
        return unexpected(ErrorCode::InvalidArgument,
                          table.place(odd.row, column.name) + ": " + quote(odd.text) +
                              " is no number, but the target's other values are; correct it, or "
                              "give columns: {" +
                              quote(column.name) + ": \"category\"} if it is a class");
    }
    return {};
}

/// Of a column of numbers; a number for each distinct field where it has few.
struct NumbersSeen {
    std::size_t distinct = 0;  ///< More than coded_texts_max count as one more.
    const data::FieldAt* fraction = nullptr;
};

NumbersSeen look_at(const data::Column& column) {
    const auto* const coded = std::get_if<data::CodedTexts>(&column.values);
    if (coded == nullptr) return {data::coded_texts_max + 1, nullptr};
    std::vector<double> different;
    NumbersSeen seen;
    for (std::size_t i = 0; i < coded->numbers.size(); ++i) {
        const double number = coded->numbers[i];
        if (std::isnan(number)) continue;
        different.push_back(number);
        if (seen.fraction == nullptr && number != std::floor(number)) {
            seen.fraction = &coded->texts[i];
        }
    }
    std::ranges::sort(different);
    const auto end = std::unique(different.begin(), different.end());
    seen.distinct = static_cast<std::size_t>(end - different.begin());
    return seen;
}

Result<std::vector<double>> numbers_in(const data::Table& table, const data::Column& column) {
    if (column.not_finite) {
        return unexpected(ErrorCode::InvalidArgument,
                          table.place(column.not_finite->row, column.name) + ": " +
                              quote(column.not_finite->text) + " is not a finite number");
    }
    NumericValues values;
    if (const auto* const coded = std::get_if<data::CodedTexts>(&column.values)) {
        values = numbers_of(*coded);
    } else {
        values.values = std::get<data::Numbers>(column.values).values;
    }
    std::vector<double> numbers;
    numbers.reserve(table.dataset->row_count());
    for (std::uint64_t row = 0; row < table.dataset->row_count(); ++row) {
        const double number = values.at(row);
        if (std::abs(number) > target_size_max) {
            return unexpected(ErrorCode::InvalidArgument,
                              table.place(row, column.name) + ": " + data::number_text(number) +
                                  " is too large to be learned from; give it in another unit");
        }
        numbers.push_back(number);
    }
    return numbers;
}

Result<LearnedTarget> learn_numbers(const data::Table& table, const data::Column& column) {
    auto numbers = numbers_in(table, column);
    if (!numbers) return unexpected(numbers.error());
    if (std::ranges::adjacent_find(*numbers, std::not_equal_to<>{}) == numbers->end()) {
        return refused(table, column, "is the same number in each row: nothing can be learned");
    }
    LearnedTarget target;
    target.values.numbers = std::move(*numbers);
    return target;
}

Result<LearnedTarget> learn_classes(const data::Table& table, const data::Column& column,
                                    const TargetQuestion& question) {
    const std::size_t most = question.taken.classes_most;
    const std::string must =
        "; the target of " + std::string{question.learner} + " must have " +
        (most == 2 ? "exactly two" : "at least two, and at most " + std::to_string(most));
    const std::string too_many =
        "has more than " + (most == 2 ? std::string{"two"} : std::to_string(most)) + " classes: ";
    if (!std::holds_alternative<data::CodedTexts>(column.values)) {
        return refused(table, column, too_many + shown_values(column) + must);
    }
    auto found = find_classes(table, column);
    if (!found) return unexpected(found.error());
    const auto shown = [&] { return data::quote_list(found->classes.texts, classes_shown_max); };
    if (found->classes.size() > most) {
        const auto takes = [&](const TakenTargets& other) {
            return other.classes_most >= found->classes.size();
        };
        return refused(table, column, too_many + shown() + must + learners_that(takes));
    }
    if (found->classes.size() < 2) {
        return refused(table, column, "has one class only: " + shown() + must);
    }
    LearnedTarget target;
    target.classes = std::move(found->classes);
    target.values.labels = std::move(found->labels);
    return target;
}

}  // namespace

Task task_of(std::string_view name) {
    const auto found = std::ranges::find(task_names, name);
    return static_cast<Task>(found - task_names.begin());
}

std::vector<double> TargetValues::part(std::uint64_t begin, std::uint64_t count) const {
    const auto from = static_cast<std::ptrdiff_t>(begin);
    const auto to = static_cast<std::ptrdiff_t>(begin + count);
    if (labels.empty()) return {numbers.begin() + from, numbers.begin() + to};
    return {labels.begin() + from, labels.begin() + to};
}

Result<LearnedTarget> learn_target(const data::Table& table, const data::Column& column,
                                   const TargetQuestion& question) {
    if (auto good = check_fields(table, column); !good) return unexpected(good.error());
    const TakenTargets& taken = question.taken;
    const bool are_numbers = column.kind == data::ColumnKind::Number;
    const bool must_be_numbers =
        taken.classes_most == 0 || (taken.numbers && question.task == Task::Regression);
    if (must_be_numbers && !are_numbers) {
        return refused(table, column,
                       "holds no numbers: " + shown_values(column) + "; the target of " +
                           std::string{question.learner} + " must be numbers" +
                           (taken.both() ? " where task is \"regression\""
                                         : learners_that([](const TakenTargets& other) {
                                               return other.classes_most > 0;
                                           })));
    }
    if (must_be_numbers) return learn_numbers(table, column);
    const NumbersSeen seen = are_numbers ? look_at(column) : NumbersSeen{};
    const bool are_measured =
        seen.distinct > numbers_like_classes_max || (seen.distinct > 2 && seen.fraction != nullptr);
    if (!taken.numbers) {
        const bool is_continuous = seen.distinct > data::coded_texts_max ||
                                   (seen.distinct > 2 && seen.fraction != nullptr);
        if (are_numbers && is_continuous && taken.classes_most > 2) {
            return refused(
                table, column,
                "holds numbers: " + shown_values(column) + ", but " +
                    std::string{question.learner} + " tells classes apart; give columns: {" +
                    quote(column.name) + ": \"category\"} if they are classes" +
                    learners_that([](const TakenTargets& other) { return other.numbers; }));
        }
        return learn_classes(table, column, question);
    }
    const bool as_numbers = question.task == Task::Auto && are_numbers && are_measured;
    auto target =
        as_numbers ? learn_numbers(table, column) : learn_classes(table, column, question);
    if (target && question.task == Task::Auto && are_numbers && seen.distinct > 2) {
        target->note = "column " + quote(column.name) + ": is the target, and was taken for " +
                       (as_numbers ? "a number (task: \"classification\" would take its values "
                                     "for classes)"
                                   : std::to_string(target->classes.size()) +
                                         " classes (task: \"regression\" would take it for a "
                                         "number)");
    }
    return target;
}

Result<TrueValues> true_values(const data::Table& table, const data::Column& column,
                               const Classes& classes) {
    TrueValues found;
    const auto* const coded = std::get_if<data::CodedTexts>(&column.values);
    std::vector<std::optional<std::uint8_t>> label_of_code;
    if (coded != nullptr) {
        for (const data::FieldAt& field : coded->texts) {
            label_of_code.push_back(classes.label_of(field.text));
        }
    }
    const auto* const numbers = std::get_if<data::Numbers>(&column.values);
    const char decimal = table.dataset->reading().decimal;
    const auto number_at = [&](std::uint64_t row) -> std::optional<double> {
        const double known = numbers != nullptr ? numbers->values[row]
                             : coded != nullptr ? coded->numbers[coded->codes[row]]
                                                : data::missing_number;
        if (!std::isnan(known)) return known;
        const auto read = data::read_number(data::field_text(column, row), decimal);
        if (read.kind != data::NumberKind::Finite) return std::nullopt;
        return read.value;
    };
    for (std::uint64_t row = 0; row < table.dataset->row_count(); ++row) {
        if (data::is_missing_at(column, row)) {
            ++found.missing;
            continue;
        }
        const auto wrong = [&](const std::string& what) {
            return unexpected(ErrorCode::InvalidArgument,
                              table.place(row, column.name) + ": " +
                                  quote(data::field_text(column, row)) + what +
                                  "; correct it, or leave the column out");
        };
        if (classes.empty()) {
            const auto number = number_at(row);
            if (!number) return wrong(" is not a finite number");
            found.values.numbers.push_back(*number);
            continue;
        }
        const auto label = coded != nullptr ? label_of_code[coded->codes[row]]
                                            : classes.label_of(data::field_text(column, row));
        if (!label && classes.size() == 2) {
            return wrong(" is neither " + quote(classes.texts[0]) + " nor " +
                         quote(classes.texts[1]));
        }
        if (!label) {
            return wrong(" is none of the model's classes: " +
                         data::quote_list(classes.texts, classes_shown_max));
        }
        found.values.labels.push_back(*label);
    }
    return found;
}

}  // namespace netcompute::learning
