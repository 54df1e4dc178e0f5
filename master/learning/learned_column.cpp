#include "learning/learned_column.hpp"

#include "data/field_kinds.hpp"
#include "data/number.hpp"
#include "learning/column_notes.hpp"
#include "learning/standardization.hpp"
#include <netcompute/assert.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

namespace netcompute::learning {
namespace {

/// Of a column that learns nothing.
void add_constant_note(const std::string& name, const std::string& what,
                       std::vector<std::string>& notes) {
    notes.push_back("column " + data::quote(name) + ": is constant (" + what +
                    "), so nothing is learned from it");
}

Result<LearnedColumn> learn_numbers(const data::Table& table, const data::Column& column,
                                    NumericValues values, std::vector<std::string>& notes) {
    if (const auto& not_finite = column.not_finite) {
        return unexpected(ErrorCode::InvalidArgument,
                          table.place(not_finite->row, column.name) + ": " +
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
                          data::describe_column(table.name, column.name) +
                              ": the numbers are too large to be averaged; give them in a "
                              "larger unit");
    }
    double least = *median;
    double greatest = *median;
    for (const double value : numbers) {
        if (std::isnan(value)) continue;
        least = std::min(least, value);
        greatest = std::max(greatest, value);
    }
    if (figures->deviation == 1 && greatest - least < 1e-6 * std::max(1.0, std::abs(least))) {
        add_constant_note(column.name,
                          least == greatest
                              ? "each number is " + data::number_text(least)
                              : "its numbers, from " + data::number_text(least) + " to " +
                                    data::number_text(greatest) + ", differ by rounding only",
                          notes);
    }
    return LearnedColumn{{column.name, NumericEncoding{*median, *figures}}, std::move(values)};
}

/// The category of each distinct text, by number; those of one boolean are one.
std::vector<std::string> category_texts(const data::CodedTexts& coded, bool are_booleans) {
    std::vector<std::string> texts;
    std::array<std::optional<std::string>, 2> first;
    for (const data::FieldAt& field : coded.texts) {
        const auto truth = are_booleans ? data::parse_boolean(field.text) : std::nullopt;
        if (!truth) {
            texts.push_back(field.text);
            continue;
        }
        auto& spelling = first[*truth ? 1 : 0];
        if (!spelling) spelling = field.text;
        texts.push_back(*spelling);
    }
    return texts;
}

/// Those that are kept of the categories, in byte order.
std::vector<std::string> kept_categories(const std::vector<std::string>& texts,
                                         const std::vector<std::uint64_t>& rows_of_text,
                                         std::size_t categories) {
    std::map<std::string, std::uint64_t> rows;
    for (std::size_t i = 0; i < texts.size(); ++i) rows[texts[i]] += rows_of_text[i];
    std::vector<std::string> names;
    for (const auto& [name, count] : rows) names.push_back(name);
    if (names.size() <= categories) return names;
    std::ranges::stable_sort(names, std::greater<>{}, [&](const auto& name) { return rows[name]; });
    names.resize(categories - 1);
    std::ranges::sort(names);
    return names;
}

/// Categories of texts, each of which so many rows have; nothing where there are too many.
std::optional<CategoricalEncoding> encode_texts(const std::vector<std::string>& texts,
                                                const std::vector<std::uint64_t>& rows_of_text,
                                                std::uint64_t missing_rows, std::uint64_t row_count,
                                                std::size_t categories, bool keeps_rest) {
    CategoricalEncoding encoding;
    encoding.categories = kept_categories(texts, rows_of_text, categories);
    encoding.has_missing = missing_rows > 0;
    std::vector<std::uint64_t> ones(encoding.categories.size());
    std::uint64_t other_rows = 0;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        const auto found = std::ranges::lower_bound(encoding.categories, texts[i]);
        const bool is_kept = found != encoding.categories.end() && *found == texts[i];
        if (!is_kept) {
            if (!keeps_rest) return std::nullopt;
            encoding.has_other = true;
        }
        (is_kept ? ones[static_cast<std::size_t>(found - encoding.categories.begin())]
                 : other_rows) += rows_of_text[i];
    }
    if (encoding.has_other) ones.push_back(other_rows);
    if (encoding.has_missing) ones.push_back(missing_rows);
    for (std::size_t i = encoding.first_kept(); i < ones.size(); ++i) {
        encoding.standardizations.push_back(fit_indicator(ones[i], row_count));
    }
    return encoding;
}

std::uint8_t category_of(const CategoricalEncoding& encoding, const std::string& text) {
    const auto found = std::ranges::lower_bound(encoding.categories, text);
    if (found == encoding.categories.end() || *found != text) return category_other;
    return static_cast<std::uint8_t>(found - encoding.categories.begin());
}

/// What is learned of a column of texts, however it is stored.
class CategoryLearner {
 public:
    CategoryLearner(const data::Column& column, std::uint64_t row_count, std::size_t categories,
                    bool keeps_rest, std::vector<std::string>& notes)
        : column_{column},
          row_count_{row_count},
          categories_{categories},
          keeps_rest_{keeps_rest},
          notes_{notes} {}

    LearnedColumn learn(const data::CodedTexts& coded) {
        std::vector<std::uint64_t> rows(coded.texts.size());
        for (const std::uint8_t code : coded.codes) {
            if (code < rows.size()) ++rows[code];
        }
        const auto texts = category_texts(coded, column_.kind == data::ColumnKind::Boolean);
        auto encoding =
            encode_texts(texts, rows, column_.missing_count, row_count_, categories_, keeps_rest_);
        if (!encoding) return dropped();
        CategoricalValues values;
        values.codes = coded.codes;
        for (const std::string& text : texts) {
            values.category_of_code.push_back(category_of(*encoding, text));
        }
        return learned(*std::move(encoding), std::move(values));
    }

    LearnedColumn learn(const data::Texts& written) {
        if (!keeps_rest_) return dropped();
        std::map<std::string, std::uint64_t, std::less<>> rows_of_text;
        for (std::size_t row = 0; row < written.size(); ++row) {
            const std::string_view text = written[row];
            if (text.empty()) continue;
            const auto found = rows_of_text.find(text);
            found == rows_of_text.end() ? ++rows_of_text[std::string{text}] : ++found->second;
        }
        std::vector<std::string> texts;
        std::vector<std::uint64_t> rows;
        for (const auto& [text, count] : rows_of_text) {
            texts.push_back(text);
            rows.push_back(count);
        }
        auto encoding =
            encode_texts(texts, rows, column_.missing_count, row_count_, categories_, keeps_rest_);
        CategoricalValues values;
        for (std::size_t row = 0; row < written.size(); ++row) {
            const std::string text{written[row]};
            values.own_codes.push_back(text.empty() ? category_missing
                                                    : category_of(*encoding, text));
        }
        values.codes = values.own_codes;
        values.category_of_code.resize(category_missing);
        std::iota(values.category_of_code.begin(), values.category_of_code.end(), std::uint8_t{0});
        return learned(*std::move(encoding), std::move(values));
    }

 private:
    [[nodiscard]] LearnedColumn dropped() const {
        notes_.push_back("column " + data::quote(column_.name) +
                         ": left out: text with more than " + std::to_string(categories_) +
                         " distinct values");
        return {{column_.name, DroppedEncoding{}}, {}};
    }
    LearnedColumn learned(CategoricalEncoding encoding, CategoricalValues values) const {
        encoding.are_booleans = column_.kind == data::ColumnKind::Boolean;
        if (encoding.category_count() == 1) {
            add_constant_note(column_.name, "each field is " + data::quote(encoding.categories[0]),
                              notes_);
        }
        if (encoding.has_other) {
            notes_.push_back("column " + data::quote(column_.name) + ": its " +
                             std::to_string(encoding.categories.size()) +
                             " most frequent texts are categories, the rest is \"other\"");
        }
        return {{column_.name, std::move(encoding)}, std::move(values)};
    }

    const data::Column& column_;
    std::uint64_t row_count_;
    std::size_t categories_;
    bool keeps_rest_;
    std::vector<std::string>& notes_;
};

/// The standardization of one part of all dates.
NumericEncoding learn_date_part(const NumericValues& dates, std::uint64_t rows, std::size_t part) {
    std::vector<double> values;
    for (std::uint64_t row = 0; row < rows; ++row) values.push_back(date_part(dates.at(row), part));
    const double median = median_of(values).value_or(0);
    // Dates of the years 1000 to 9999 can be averaged.
    return {median, fit_standardization(values, median).value_or(Standardization{})};
}

LearnedColumn learn_dates(const data::Column& column, NumericValues dates, std::uint64_t rows) {
    DateEncoding encoding;
    encoding.kind = column.kind;
    bool has_times = false;
    for (std::uint64_t row = 0; row < rows; ++row) {
        const double hour = date_part(dates.at(row), 3);
        if (!std::isnan(hour) && hour != 0) has_times = true;
    }
    for (std::size_t part = 0; part < (has_times ? 4U : 3U); ++part) {
        encoding.parts.push_back(learn_date_part(dates, rows, part));
    }
    return {{column.name, std::move(encoding)}, std::move(dates)};
}

}  // namespace

NumericValues numbers_of(const data::CodedTexts& coded) {
    NumericValues numbers;
    numbers.codes = coded.codes;
    numbers.number_of_code = coded.numbers;
    return numbers;
}

std::uint8_t category_at(const CategoricalEncoding& encoding, std::size_t place) {
    const std::size_t named = encoding.categories.size();
    if (place < named) return static_cast<std::uint8_t>(place);
    return encoding.has_other && place == named ? category_other : category_missing;
}

double date_part(double days, std::size_t part) {
    if (std::isnan(days)) return days;
    if (part == 0) return days;
    const data::DateParts parts = data::date_parts(days);
    return part == 1 ? parts.month : part == 2 ? parts.weekday : parts.hour;
}

Result<LearnedColumn> learn_column(const data::Table& table, const data::Column& column,
                                   std::size_t categories, bool keeps_rest,
                                   std::vector<std::string>& notes) {
    const LearnedColumn dropped{{column.name, DroppedEncoding{}}, {}};
    const std::uint64_t rows = table.dataset->row_count();
    const auto* const coded = std::get_if<data::CodedTexts>(&column.values);
    const auto* const numbers = std::get_if<data::Numbers>(&column.values);
    if (column.kind == data::ColumnKind::Ignore || column.kind == data::ColumnKind::Id) {
        return dropped;
    }
    if (&column == table.dataset->columns().data() && data::is_nameless(column.name)) {
        notes.push_back("column " + data::quote(column.name) +
                        ": left out: a first column without a name numbers the rows");
        return dropped;
    }
    add_reading_notes(table, column, notes);
    const bool are_values = column.kind == data::ColumnKind::Number || data::is_date(column.kind);
    const bool is_all_missing = column.missing_count + (are_values ? column.odd.count : 0) == rows;
    if (is_all_missing) {
        notes.push_back("column " + data::quote(column.name) +
                        ": left out: every value is missing");
        return dropped;
    }
    if (are_values) {
        NumericValues values;
        if (coded != nullptr) values = numbers_of(*coded);
        if (numbers != nullptr) values.values = numbers->values;
        if (data::is_date(column.kind)) return learn_dates(column, std::move(values), rows);
        return learn_numbers(table, column, std::move(values), notes);
    }
    CategoryLearner learner{column, rows, categories, keeps_rest, notes};
    if (column.kind == data::ColumnKind::Text && coded != nullptr) {
        notes.push_back("column " + data::quote(column.name) + ": left out: is text");
        return dropped;
    }
    if (coded != nullptr) return learner.learn(*coded);
    return learner.learn(std::get<data::Texts>(column.values));
}

}  // namespace netcompute::learning
