#include "learning/classes.hpp"

#include "data/field_kinds.hpp"
#include "data/number.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace netcompute::learning {
namespace {

using data::NumberKind;
using data::parse_number;
using data::ParsedNumber;

constexpr std::size_t classes_shown_max = 8;

struct ClassFound {
    std::string text;
    double number = 0;  ///< Where all classes are numbers.
};

/// The first few fields of a column of many.
std::vector<std::string> examples_of(const data::Column& column) {
    const auto* const numbers = std::get_if<data::Numbers>(&column.values);
    const auto& fields =
        numbers != nullptr ? numbers->examples : std::get<data::Texts>(column.values).examples;
    std::vector<std::string> texts;
    for (const data::FieldAt& field : fields) texts.push_back(field.text);
    return texts;
}

}  // namespace

std::optional<std::uint8_t> Classes::label_of(std::string_view value) const {
    if (value == negative) return std::uint8_t{0};
    if (value == positive) return std::uint8_t{1};
    if (const auto truth = data::parse_boolean(value)) {
        if (truth == data::parse_boolean(negative)) return std::uint8_t{0};
        if (truth == data::parse_boolean(positive)) return std::uint8_t{1};
    }
    const ParsedNumber number = parse_number(value);
    const ParsedNumber negative_number = parse_number(negative);
    const ParsedNumber positive_number = parse_number(positive);
    for (const ParsedNumber& each : {number, negative_number, positive_number}) {
        if (each.kind != NumberKind::Finite) return std::nullopt;
    }
    if (number.value == negative_number.value) return std::uint8_t{0};
    if (number.value == positive_number.value) return std::uint8_t{1};
    return std::nullopt;
}

Result<LearnedTarget> learn_target(const data::Table& table, const data::Column& column,
                                   std::string_view learner) {
    if (const auto& missing = column.first_missing) {
        const bool is_word = !missing->text.empty();
        return unexpected(
            ErrorCode::InvalidArgument,
            table.place(missing->row, column.name) + ": " +
                (is_word ? data::quote(missing->text) + " counts as missing" : "no value") +
                ", but this is the target; every training row needs one" +
                (is_word ? "; put it between quotes, or give missing: [] if it is a class" : ""));
    }
    if (column.kind == data::ColumnKind::Number && column.odd.count > 0) {
        const data::FieldAt& odd = column.odd.first.front();
        return unexpected(ErrorCode::InvalidArgument,
                          table.place(odd.row, column.name) + ": " + data::quote(odd.text) +
                              " is no number, but the target's other values are; correct it, or "
                              "give columns: {" +
                              data::quote(column.name) + ": \"category\"} if it is a class");
    }
    const auto wrong_count = [&](std::size_t count, const std::string& found) {
        return unexpected(
            ErrorCode::InvalidArgument,
            data::describe_column(table.name, column.name) +
                (count == 1 ? ": has one class only: " : ": has more than two classes: ") + found +
                "; the target of " + std::string{learner} + " must have exactly two");
    };
    const auto* const coded = std::get_if<data::CodedTexts>(&column.values);
    if (coded == nullptr) {
        const auto some = examples_of(column);
        return wrong_count(some.size(), data::quote_list(some, some.size()) + " and many more");
    }

    std::vector<ParsedNumber> numbers;
    const char decimal = table.dataset->reading().decimal;
    for (const data::FieldAt& field : coded->texts) {
        const auto read = data::read_number(field.text, decimal);
        numbers.push_back({read.kind, read.value});
    }
    const bool are_numbers =
        std::ranges::count(numbers, NumberKind::NotANumber, &ParsedNumber::kind) == 0;
    const bool are_booleans = column.kind == data::ColumnKind::Boolean;
    const auto odd = std::ranges::find(numbers, NumberKind::NotFinite, &ParsedNumber::kind);
    if (are_numbers && odd != numbers.end()) {
        const auto& field = coded->texts[static_cast<std::size_t>(odd - numbers.begin())];
        return unexpected(ErrorCode::InvalidArgument, table.place(field.row, column.name) + ": " +
                                                          data::quote(field.text) +
                                                          " is not a finite number");
    }

    // Texts come in row order, so the first spelling of a class is the first one met here.
    std::vector<ClassFound> found;
    std::vector<std::size_t> class_of_text;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        const auto truth = are_booleans ? data::parse_boolean(coded->texts[i].text) : std::nullopt;
        const auto same = std::find_if(found.begin(), found.end(), [&](const ClassFound& known) {
            return are_booleans ? data::parse_boolean(known.text) == truth
                                : are_numbers && known.number == numbers[i].value;
        });
        class_of_text.push_back(static_cast<std::size_t>(same - found.begin()));
        if (same == found.end()) found.push_back({coded->texts[i].text, numbers[i].value});
    }
    if (found.size() != 2) {
        std::vector<std::string> names;
        for (const ClassFound& each : found) names.push_back(each.text);
        return wrong_count(names.size(), data::quote_list(names, classes_shown_max));
    }

    const auto comes_later = [&](const ClassFound& one, const ClassFound& other) {
        if (are_booleans) return data::parse_boolean(one.text) == true;
        return are_numbers ? one.number > other.number : one.text > other.text;
    };
    const bool is_swapped = comes_later(found[0], found[1]);
    LearnedTarget target;
    target.classes = {found[is_swapped ? 1 : 0].text, found[is_swapped ? 0 : 1].text};
    target.labels.reserve(coded->codes.size());
    for (const std::uint8_t code : coded->codes) {
        const bool is_second = class_of_text[code] == 1;
        target.labels.push_back(is_second != is_swapped ? 1 : 0);
    }
    return target;
}

}  // namespace netcompute::learning
