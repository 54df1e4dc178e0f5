#include "data/column_builder.hpp"

#include "data/number.hpp"
#include "data/standardization.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

namespace netcompute::data {

void ColumnBuilder::add(std::string_view text, RowPlace place) {
    switch (state_) {
        case State::FewTexts:
            add_to_few(text, place);
            return;
        case State::Numbers:
            add_number(text, place);
            return;
        case State::TooManyTexts:
            return;
    }
}

void ColumnBuilder::add_to_few(std::string_view text, RowPlace place) {
    if (const auto code = texts_.find(text)) {
        codes_.push_back(*code);
        return;
    }
    if (is_missing(text)) {
        codes_.push_back(code_missing);
        return;
    }
    if (texts_.size() == categories_max) {
        grow_out_of_few(text, place);
        return;
    }
    const ParsedNumber number = parse_number(text);
    if (number.kind == NumberKind::NotANumber) all_are_numbers_ = false;
    if (number.kind == NumberKind::NotFinite && !first_non_finite_) {
        first_non_finite_ = NonFinite{std::string{text}, place};
    }
    codes_.push_back(texts_.add(text));
    text_numbers_.push_back(number.value);
}

void ColumnBuilder::grow_out_of_few(std::string_view text, RowPlace place) {
    if (all_are_numbers_) {
        state_ = State::Numbers;
        numbers_ = numbers_of_codes();
        add_number(text, place);
    } else {
        state_ = State::TooManyTexts;
    }
    codes_ = {};
}

void ColumnBuilder::add_number(std::string_view text, RowPlace place) {
    const ParsedNumber number = parse_number(text);
    if (number.kind == NumberKind::Finite) {
        numbers_.push_back(number.value);
    } else if (number.kind == NumberKind::NotFinite) {
        if (!first_non_finite_) first_non_finite_ = NonFinite{std::string{text}, place};
        numbers_.push_back(missing_number);
    } else if (is_missing(text)) {
        numbers_.push_back(missing_number);
    } else {
        state_ = State::TooManyTexts;
        numbers_ = {};
    }
}

NumericValues ColumnBuilder::numbers_of_codes() const {
    NumericValues numbers;
    codes_.for_each_span([&](std::span<const std::uint8_t> span) {
        for (const std::uint8_t code : span) {
            numbers.push_back(code == code_missing ? missing_number : text_numbers_[code]);
        }
    });
    return numbers;
}

Result<LearnedColumn> ColumnBuilder::finish(std::string_view table) && {
    if (state_ == State::TooManyTexts) return LearnedColumn{{name_, DroppedEncoding{}}, {}};
    if (state_ == State::FewTexts && texts_.size() == 0) {
        return unexpected(ErrorCode::InvalidArgument,
                          describe_column(table, name_) +
                              ": every value is missing; remove the column, or fill it");
    }
    if (state_ == State::FewTexts && !all_are_numbers_) return finish_categorical();
    if (state_ == State::FewTexts) numbers_ = numbers_of_codes();
    return finish_numeric(table);
}

Result<LearnedColumn> ColumnBuilder::finish_numeric(std::string_view table) {
    if (first_non_finite_) {
        return unexpected(ErrorCode::InvalidArgument,
                          describe_place(table, first_non_finite_->place, name_) + ": " +
                              quote(first_non_finite_->text) +
                              " is not a finite number; leave the field empty if it is missing");
    }
    const std::optional<double> median = median_of(numbers_);
    NETCOMPUTE_ASSERT(median, "a column of numbers holds at least one");
    const auto figures = fit_standardization(numbers_, *median);
    if (!figures) {
        return unexpected(ErrorCode::InvalidArgument,
                          describe_column(table, name_) +
                              ": the numbers are too large to be averaged; give them in a "
                              "larger unit");
    }
    return LearnedColumn{{name_, NumericEncoding{*median, *figures}}, std::move(numbers_)};
}

LearnedColumn ColumnBuilder::finish_categorical() {
    std::vector<std::uint8_t> order(texts_.size());
    std::iota(order.begin(), order.end(), std::uint8_t{0});
    const auto& texts = texts_.texts();
    std::sort(order.begin(), order.end(),
              [&](std::uint8_t a, std::uint8_t b) { return texts[a] < texts[b]; });
    std::array<std::uint8_t, 256> place_of{};
    place_of[code_missing] = code_missing;
    CategoricalEncoding encoding;
    for (const std::uint8_t code : order) {
        place_of[code] = static_cast<std::uint8_t>(encoding.categories.size());
        encoding.categories.push_back(texts[code]);
    }

    std::array<std::uint64_t, 256> counts{};
    CategoryCodes codes;
    codes_.for_each_span([&](std::span<const std::uint8_t> span) {
        for (const std::uint8_t code : span) {
            codes.push_back(place_of[code]);
            ++counts[place_of[code]];
        }
    });
    encoding.has_missing = counts[code_missing] > 0;
    for (std::size_t i = encoding.first_kept(); i < encoding.category_count(); ++i) {
        const std::uint64_t ones =
            i < encoding.categories.size() ? counts[i] : counts[code_missing];
        encoding.standardizations.push_back(fit_indicator(ones, codes.size()));
    }
    return {{name_, std::move(encoding)}, std::move(codes)};
}

}  // namespace netcompute::data
