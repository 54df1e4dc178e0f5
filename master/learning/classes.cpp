#include "learning/classes.hpp"

#include "data/field_kinds.hpp"
#include "data/number.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

namespace netcompute::learning {
namespace {

using data::NumberKind;
using data::parse_number;
using data::ParsedNumber;

struct ClassFound {
    std::string text;
    double number = 0;  ///< Where all classes are numbers.
};

}  // namespace

std::optional<std::uint8_t> Classes::label_of(std::string_view value) const {
    const auto place_where = [&](const auto& is_it) -> std::optional<std::uint8_t> {
        const auto found = std::ranges::find_if(texts, is_it);
        if (found == texts.end()) return std::nullopt;
        return static_cast<std::uint8_t>(found - texts.begin());
    };
    if (const auto label = place_where([&](const auto& text) { return text == value; })) {
        return label;
    }
    if (const auto truth = data::parse_boolean(value)) {
        const auto same = [&](const auto& text) { return data::parse_boolean(text) == truth; };
        if (const auto label = place_where(same)) return label;
    }
    const ParsedNumber number = parse_number(value);
    if (number.kind != NumberKind::Finite) return std::nullopt;
    const bool are_numbers = std::ranges::all_of(
        texts, [](const auto& text) { return parse_number(text).kind == NumberKind::Finite; });
    if (!are_numbers) return std::nullopt;
    return place_where([&](const auto& text) { return parse_number(text).value == number.value; });
}

Result<FoundClasses> find_classes(const data::Table& table, const data::Column& column) {
    const auto& coded = std::get<data::CodedTexts>(column.values);
    std::vector<ParsedNumber> numbers;
    const char decimal = table.dataset->reading().decimal;
    for (const data::FieldAt& field : coded.texts) {
        const auto read = data::read_number(field.text, decimal);
        numbers.push_back({read.kind, read.value});
    }
    const bool are_numbers =
        std::ranges::count(numbers, NumberKind::NotANumber, &ParsedNumber::kind) == 0;
    const bool are_booleans = column.kind == data::ColumnKind::Boolean;
    const auto odd = std::ranges::find(numbers, NumberKind::NotFinite, &ParsedNumber::kind);
    if (are_numbers && odd != numbers.end()) {
        const auto& field = coded.texts[static_cast<std::size_t>(odd - numbers.begin())];
        return unexpected(ErrorCode::InvalidArgument, table.place(field.row, column.name) + ": " +
                                                          data::quote(field.text) +
                                                          " is not a finite number");
    }

    // Texts come in row order, so the first spelling of a class is the first one met here.
    std::vector<ClassFound> found;
    std::vector<std::size_t> class_of_text;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        const auto truth = are_booleans ? data::parse_boolean(coded.texts[i].text) : std::nullopt;
        const auto same = std::find_if(found.begin(), found.end(), [&](const ClassFound& known) {
            return are_booleans ? data::parse_boolean(known.text) == truth
                                : are_numbers && known.number == numbers[i].value;
        });
        class_of_text.push_back(static_cast<std::size_t>(same - found.begin()));
        if (same == found.end()) found.push_back({coded.texts[i].text, numbers[i].value});
    }

    std::vector<std::size_t> order(found.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
        const ClassFound& one = found[a];
        const ClassFound& other = found[b];
        if (are_booleans) return data::parse_boolean(one.text) < data::parse_boolean(other.text);
        return are_numbers ? one.number < other.number : one.text < other.text;
    });
    FoundClasses result;
    std::vector<std::uint8_t> label_of_class(found.size());
    for (std::size_t place = 0; place < order.size(); ++place) {
        label_of_class[order[place]] = static_cast<std::uint8_t>(place);
        result.classes.texts.push_back(found[order[place]].text);
    }
    std::array<std::uint8_t, 256> label_of_code{};
    for (std::size_t code = 0; code < class_of_text.size(); ++code) {
        label_of_code[code] = label_of_class[class_of_text[code]];
    }
    result.labels.reserve(coded.codes.size());
    for (const std::uint8_t code : coded.codes) result.labels.push_back(label_of_code[code]);
    return result;
}

}  // namespace netcompute::learning
