#include "data/classes.hpp"

#include "data/number.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace netcompute::data {
namespace {

/// One class may be written in several ways (1, 1.0, 1e0), but not in so many.
constexpr std::size_t spellings_max = 100;
constexpr std::size_t classes_shown_max = 8;

struct ClassFound {
    std::string text;
    double number = 0;  ///< Where all classes are numbers.
};

}  // namespace

std::optional<std::uint8_t> Classes::label_of(std::string_view value) const {
    if (value == negative) return std::uint8_t{0};
    if (value == positive) return std::uint8_t{1};
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

Result<void> TargetBuilder::add(std::string_view text, RowPlace place) {
    if (const auto code = texts_.find(text)) {
        codes_.push_back(*code);
        return {};
    }
    if (is_missing(text)) {
        return unexpected(ErrorCode::InvalidArgument,
                          describe_place(table_, place, name_) +
                              ": no value, but this is the target; every training row needs one");
    }
    if (texts_.size() == spellings_max) return unexpected(wrong_class_count(texts_.texts()));
    codes_.push_back(texts_.add(text));
    first_places_.push_back(place);
    return {};
}

Result<LearnedTarget> TargetBuilder::finish() && {
    const auto& texts = texts_.texts();
    std::vector<ParsedNumber> numbers;
    for (const std::string& text : texts) numbers.push_back(parse_number(text));
    const auto has_kind = [](NumberKind kind) {
        return [kind](const ParsedNumber& number) { return number.kind == kind; };
    };
    const bool are_numbers =
        std::none_of(numbers.begin(), numbers.end(), has_kind(NumberKind::NotANumber));
    const auto odd = std::find_if(numbers.begin(), numbers.end(), has_kind(NumberKind::NotFinite));
    if (are_numbers && odd != numbers.end()) {
        const auto index = static_cast<std::size_t>(odd - numbers.begin());
        return unexpected(ErrorCode::InvalidArgument,
                          describe_place(table_, first_places_[index], name_) + ": " +
                              quote(texts[index]) + " is not a finite number");
    }

    // Texts came in row order, so the first spelling of a class is the first one met here.
    std::vector<ClassFound> found;
    std::vector<std::size_t> class_of_text;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        const auto same = std::find_if(found.begin(), found.end(), [&](const ClassFound& known) {
            return are_numbers && known.number == numbers[i].value;
        });
        class_of_text.push_back(static_cast<std::size_t>(same - found.begin()));
        if (same == found.end()) found.push_back({texts[i], numbers[i].value});
    }
    if (found.size() != 2) {
        std::vector<std::string> names;
        for (const ClassFound& each : found) names.push_back(each.text);
        return unexpected(wrong_class_count(names));
    }

    const bool is_swapped = are_numbers ? found[0].number > found[1].number  //
                                        : found[0].text > found[1].text;
    LearnedTarget target;
    target.classes = {found[is_swapped ? 1 : 0].text, found[is_swapped ? 0 : 1].text};
    target.labels.reserve(codes_.size());
    for (const std::uint8_t code : codes_) {
        const bool is_second = class_of_text[code] == 1;
        target.labels.push_back(is_second != is_swapped ? 1 : 0);
    }
    return target;
}

Error TargetBuilder::wrong_class_count(std::span<const std::string> found) const {
    const std::string count =
        found.size() == 1 ? "has one class only: " : "has more than two classes: ";
    return {ErrorCode::InvalidArgument,
            describe_column(table_, name_) + ": " + count + quote_list(found, classes_shown_max) +
                "; the target of a logistic regression must have exactly two"};
}

}  // namespace netcompute::data
