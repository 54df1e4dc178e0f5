#include "learning/learned_column.hpp"

#include "data/number.hpp"
#include "learning/standardization.hpp"
#include <netcompute/assert.hpp>

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>
#include <utility>

namespace netcompute::learning {
namespace {

using data::NumberKind;
using data::parse_number;

Result<LearnedColumn> learn_numbers(const data::Table& table, const std::string& name,
                                    const std::optional<data::FieldAt>& not_finite,
                                    NumericValues values) {
    if (not_finite) {
        return unexpected(ErrorCode::InvalidArgument,
                          table.place(not_finite->row, name) + ": " +
                              data::quote(not_finite->text) +
                              " is not a finite number; leave the field empty if it is missing");
    }
    std::vector<double> own;
    for (const std::uint8_t code : values.codes) {
        own.push_back(code < values.number_of_code.size() ? values.number_of_code[code]
                                                          : data::missing_number);
    }
    const std::span<const double> numbers = values.codes.empty() ? values.values : own;
    const std::optional<double> median = median_of(numbers);
    NETCOMPUTE_ASSERT(median, "a column of numbers holds at least one");
    const auto figures = fit_standardization(numbers, *median);
    if (!figures) {
        return unexpected(ErrorCode::InvalidArgument,
                          data::describe_column(table.name, name) +
                              ": the numbers are too large to be averaged; give them in a "
                              "larger unit");
    }
    return LearnedColumn{{name, NumericEncoding{*median, *figures}}, std::move(values)};
}

LearnedColumn learn_categories(const std::string& name, const data::CodedTexts& coded) {
    std::vector<std::uint8_t> order(coded.texts.size());
    std::iota(order.begin(), order.end(), std::uint8_t{0});
    std::ranges::sort(
        order, {}, [&](std::uint8_t code) -> const std::string& { return coded.texts[code].text; });
    CategoricalValues values;
    values.codes = coded.codes;
    values.category_of_code.resize(coded.texts.size());
    CategoricalEncoding encoding;
    for (const std::uint8_t code : order) {
        values.category_of_code[code] = static_cast<std::uint8_t>(encoding.categories.size());
        encoding.categories.push_back(coded.texts[code].text);
    }

    std::array<std::uint64_t, 256> counts{};
    for (const std::uint8_t code : coded.codes) {
        ++counts[code < order.size() ? values.category_of_code[code] : category_missing];
    }
    encoding.has_missing = counts[category_missing] > 0;
    for (std::size_t i = encoding.first_kept(); i < encoding.category_count(); ++i) {
        const std::uint64_t ones =
            i < encoding.categories.size() ? counts[i] : counts[category_missing];
        encoding.standardizations.push_back(fit_indicator(ones, coded.codes.size()));
    }
    return {{name, std::move(encoding)}, std::move(values)};
}

Result<LearnedColumn> learn_coded(const data::Table& table, const std::string& name,
                                  const data::CodedTexts& coded) {
    if (coded.texts.empty()) {
        return unexpected(ErrorCode::InvalidArgument,
                          data::describe_column(table.name, name) +
                              ": every value is missing; remove the column, or fill it");
    }
    std::optional<data::FieldAt> not_finite;
    bool are_numbers = true;
    for (const data::FieldAt& field : coded.texts) {
        const NumberKind kind = parse_number(field.text).kind;
        if (kind == NumberKind::NotANumber) are_numbers = false;
        if (kind == NumberKind::NotFinite && !not_finite) not_finite = field;
    }
    if (are_numbers) return learn_numbers(table, name, not_finite, numbers_of(coded));
    if (coded.texts.size() <= categories_max) return learn_categories(name, coded);
    return LearnedColumn{{name, DroppedEncoding{}}, {}};
}

}  // namespace

NumericValues numbers_of(const data::CodedTexts& coded) {
    NumericValues numbers;
    numbers.codes = coded.codes;
    for (const data::FieldAt& field : coded.texts) {
        const auto number = parse_number(field.text);
        const bool is_finite = number.kind == NumberKind::Finite;
        numbers.number_of_code.push_back(is_finite ? number.value : data::missing_number);
    }
    return numbers;
}

Result<LearnedColumn> learn_column(const data::Table& table, const data::Column& column) {
    if (const auto* const coded = std::get_if<data::CodedTexts>(&column.values)) {
        return learn_coded(table, column.name, *coded);
    }
    if (const auto* const numbers = std::get_if<data::Numbers>(&column.values)) {
        NumericValues values;
        values.values = numbers->values;
        return learn_numbers(table, column.name, numbers->not_finite, std::move(values));
    }
    return LearnedColumn{{column.name, DroppedEncoding{}}, {}};
}

}  // namespace netcompute::learning
