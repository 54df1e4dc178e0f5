#include "learning/encoded_column.hpp"

#include "data/field_kinds.hpp"
#include "data/number.hpp"
#include "learning/column_notes.hpp"
#include "learning/learned_column.hpp"
#include "learning/standardization.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

namespace netcompute::learning {
namespace {

using data::FieldAt;
using data::NumberKind;

Unexpected refuse(const data::Table& table, const std::string& column, const FieldAt& field,
                  const std::string& problem) {
    return unexpected(ErrorCode::InvalidArgument,
                      table.place(field.row, column) + ": " + data::quote(field.text) + problem +
                          "; the model learned from a column of numbers");
}

/// Whether a table's column was read as numbers or dates.
bool are_values(data::ColumnKind kind) {
    return kind == data::ColumnKind::Number || data::is_date(kind);
}

constexpr const char* no_number = " is not a number";
constexpr const char* not_finite = " is not a finite number";
constexpr const char* too_far = " is too far from the training data's numbers";

Result<FeatureValues> encode_coded_numbers(const data::Table& table, const data::Column& column,
                                           const data::CodedTexts& coded,
                                           const NumericEncoding& encoding) {
    if (!are_values(column.kind) && !coded.texts.empty()) {
        const auto word = std::ranges::find_if(coded.texts, [](const FieldAt& field) {
            return data::read_number(field.text).kind == NumberKind::NotANumber;
        });
        return refuse(table, column.name, word == coded.texts.end() ? coded.texts.front() : *word,
                      no_number);
    }
    if (column.not_finite) return refuse(table, column.name, *column.not_finite, not_finite);
    for (std::size_t i = 0; i < coded.texts.size(); ++i) {
        const double number = coded.numbers[i];
        if (!std::isnan(number) && !std::isfinite(standardize(number, encoding.standardization))) {
            return refuse(table, column.name, coded.texts[i], too_far);
        }
    }
    return FeatureValues{numbers_of(coded)};
}

/// The column that names the rows may be a feature as well: it is kept as it is written.
Result<FeatureValues> encode_written_numbers(const data::Table& table, const data::Column& column,
                                             const data::Texts& texts,
                                             const NumericEncoding& encoding) {
    NumericValues values;
    for (std::uint64_t row = 0; row < texts.size(); ++row) {
        const FieldAt field{std::string{texts[row]}, row};
        const auto number = data::read_number(field.text, table.dataset->reading().decimal);
        const bool is_missing = data::is_missing(field.text) && number.kind != NumberKind::Finite;
        if (number.kind == NumberKind::NotANumber && !is_missing) {
            return refuse(table, column.name, field, no_number);
        }
        if (number.kind == NumberKind::NotFinite && !is_missing) {
            return refuse(table, column.name, field, not_finite);
        }
        if (!std::isfinite(standardize(number.value, encoding.standardization))) {
            return refuse(table, column.name, field, too_far);
        }
        values.own_values.push_back(is_missing ? data::missing_number : number.value);
    }
    values.values = values.own_values;
    return FeatureValues{std::move(values)};
}

Result<FeatureValues> encode_numbers(const data::Table& table, const data::Column& column,
                                     const NumericEncoding& encoding) {
    if (const auto* const coded = std::get_if<data::CodedTexts>(&column.values)) {
        return encode_coded_numbers(table, column, *coded, encoding);
    }
    if (const auto* const texts = std::get_if<data::Texts>(&column.values)) {
        return encode_written_numbers(table, column, *texts, encoding);
    }
    const auto& numbers = std::get<data::Numbers>(column.values);
    if (column.not_finite) return refuse(table, column.name, *column.not_finite, not_finite);
    const auto odd = std::ranges::find_if(numbers.values, [&](double value) {
        return !std::isnan(value) && !std::isfinite(standardize(value, encoding.standardization));
    });
    if (odd != numbers.values.end()) {
        const auto row = static_cast<std::uint64_t>(odd - numbers.values.begin());
        return refuse(table, column.name, {data::field_text(column, row), row}, too_far);
    }
    NumericValues values;
    values.values = numbers.values;
    return FeatureValues{std::move(values)};
}

Result<FeatureValues> encode_dates(const data::Table& table, const data::Column& column,
                                   const DateEncoding& encoding) {
    const auto* const coded = std::get_if<data::CodedTexts>(&column.values);
    const auto* const numbers = std::get_if<data::Numbers>(&column.values);
    NumericValues values;
    if (data::is_date(column.kind) && coded != nullptr) values = numbers_of(*coded);
    if (data::is_date(column.kind) && numbers != nullptr) values.values = numbers->values;
    const bool is_all_missing = column.missing_count == table.dataset->row_count();
    if (coded != nullptr && is_all_missing) values = numbers_of(*coded);
    if (values.codes.empty() && values.values.empty() && table.dataset->row_count() > 0) {
        return unexpected(ErrorCode::InvalidArgument,
                          data::describe_column(table.name, column.name) +
                              ": the model learned from dates here, and these are none; correct "
                              "them, or give columns: {" +
                              data::quote(column.name) + ": \"" +
                              std::string{data::column_kind_name(encoding.kind)} + "\"}");
    }
    return FeatureValues{std::move(values)};
}

/// Fields that count as no category, for the note.
struct Unseen {
    std::uint64_t count = 0;
    FieldAt first{{}, std::numeric_limits<std::uint64_t>::max()};

    void add(std::uint64_t more, const FieldAt& field) {
        count += more;
        if (field.row < first.row) first = field;
    }
};

/// Finds the category of each text, and counts what has none.
class Categories {
 public:
    explicit Categories(const CategoricalEncoding& encoding) : encoding_{encoding} {}

    /// The category of a field that `count` rows have, this one first.
    std::uint8_t of(const FieldAt& field, std::uint64_t count) {
        const auto& names = encoding_.categories;  // In byte order.
        if (encoding_.are_booleans) {
            const auto truth = data::parse_boolean(field.text);
            const auto same = std::ranges::find_if(
                names, [&](const auto& name) { return data::parse_boolean(name) == truth; });
            if (truth && same != names.end()) {
                return static_cast<std::uint8_t>(same - names.begin());
            }
        }
        const auto found = std::ranges::lower_bound(names, field.text);
        if (found != names.end() && *found == field.text) {
            return static_cast<std::uint8_t>(found - names.begin());
        }
        if (encoding_.has_other) return category_other;
        unknown_.add(count, field);
        return category_unknown;
    }
    std::uint8_t missing(const FieldAt& field, std::uint64_t count) {
        if (!encoding_.has_missing && count > 0) missing_.add(count, field);
        return category_missing;
    }

    void add_notes(const data::Table& table, const std::string& column,
                   std::vector<std::string>& notes) const {
        const auto first_at = [&](const Unseen& unseen) {
            return " (the first in line " +
                   std::to_string(table.dataset->place(unseen.first.row).line);
        };
        if (unknown_.count > 0) {
            notes.push_back("column " + data::quote(column) + ": " +
                            data::counted(unknown_.count, "value") +
                            " that the training data did not have" + first_at(unknown_) + ": " +
                            data::quote(unknown_.first.text) + "); counted as no category");
        }
        if (missing_.count > 0) {
            notes.push_back("column " + data::quote(column) + ": " +
                            data::counted(missing_.count, "missing value") +
                            ", where the training data had none" + first_at(missing_) +
                            "); counted as no category");
        }
    }

 private:
    const CategoricalEncoding& encoding_;
    Unseen unknown_;
    Unseen missing_;
};

CategoricalValues encode_coded_texts(const data::Column& column, const data::CodedTexts& coded,
                                     Categories& categories) {
    std::array<std::uint64_t, 256> counts{};
    for (const std::uint8_t code : coded.codes) ++counts[code];
    CategoricalValues values;
    values.codes = coded.codes;
    categories.missing(column.first_missing.value_or(FieldAt{}), column.missing_count);
    for (std::size_t code = 0; code < coded.texts.size(); ++code) {
        values.category_of_code.push_back(categories.of(coded.texts[code], counts[code]));
    }
    return values;
}

FeatureValues encode_categories(const data::Table& table, const data::Column& column,
                                const CategoricalEncoding& encoding,
                                std::vector<std::string>& notes) {
    Categories categories{encoding};
    CategoricalValues values;
    if (const auto* const coded = std::get_if<data::CodedTexts>(&column.values)) {
        values = encode_coded_texts(column, *coded, categories);
    } else {
        for (std::uint64_t row = 0; row < table.dataset->row_count(); ++row) {
            const FieldAt field{data::field_text(column, row), row};
            const bool is_missing = column.kind == data::ColumnKind::Id
                                        ? data::is_missing(field.text)
                                        : data::is_missing_at(column, row) && field.text.empty();
            values.own_codes.push_back(is_missing ? categories.missing(field, 1)
                                                  : categories.of(field, 1));
        }
        values.codes = values.own_codes;
        values.category_of_code.resize(category_missing);
        std::iota(values.category_of_code.begin(), values.category_of_code.end(), std::uint8_t{0});
    }
    categories.add_notes(table, column.name, notes);
    return values;
}

}  // namespace

Result<FeatureValues> encode_column(const data::Table& table, const data::Column& column,
                                    const FeatureColumn& as, std::vector<std::string>& notes) {
    if (column.kind != data::ColumnKind::Id) add_reading_notes(table, column, notes);
    if (const auto* const numeric = std::get_if<NumericEncoding>(&as.encoding)) {
        return encode_numbers(table, column, *numeric);
    }
    if (const auto* const dates = std::get_if<DateEncoding>(&as.encoding)) {
        return encode_dates(table, column, *dates);
    }
    return encode_categories(table, column, std::get<CategoricalEncoding>(as.encoding), notes);
}

}  // namespace netcompute::learning
