#include "data/column_builder.hpp"

#include "data/dataset_format.hpp"
#include "data/number.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace netcompute::data {
namespace {

/// Of a column of many distinct fields, for messages.
constexpr std::size_t examples_max = 9;
constexpr std::size_t fields_at_max = 5;
/// Other texts among numbers beyond which it is looked whether they are too many.
constexpr std::size_t odd_looked_at = 1000;

void write(ByteWriter& head, std::string_view text) {
    head.number(static_cast<std::uint32_t>(text.size()));
    head.bytes(as_byte_span(text));
}

void write(ByteWriter& head, const FieldAt& field) {
    write(head, field.text);
    head.number(field.row);
}

void write(ByteWriter& head, const std::optional<FieldAt>& field) {
    head.number(std::uint32_t{field.has_value()});
    if (field) write(head, *field);
}

void write(ByteWriter& head, const FieldsAt& fields) {
    head.number(fields.count);
    head.number(static_cast<std::uint32_t>(fields.first.size()));
    for (const FieldAt& field : fields.first) write(head, field);
}

void count(FieldsAt& fields, std::string_view text, std::uint64_t row, std::uint64_t rows) {
    fields.count += rows;
    if (fields.first.size() < fields_at_max) fields.first.push_back({std::string{text}, row});
}

template <typename T>
Result<void> send(const ChunkedVector<T>& values, const ByteSink& sink) {
    Result<void> sent;
    values.for_each_span([&](std::span<const T> span) {
        if (sent) sent = sink(std::as_bytes(span));
    });
    return sent;
}

Result<void> fill_up(std::uint64_t size, const ByteSink& sink) {
    const Bytes zeros(dataset_padding(size));
    return zeros.empty() ? Result<void>{} : sink(zeros);
}

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// A blank or a byte of a no-break space.
bool may_be_blank(char c) {
    return c == ' ' || c == '\t' || c == '\xA0' || c == '\xC2' || c == '\xE2' || c == '\xAF';
}

}  // namespace

ColumnBuilder::ColumnBuilder(std::string name, const FieldReading& reading,
                             std::optional<ColumnKind> given)
    : name_{std::move(name)},
      reading_{&reading},
      given_{given},
      state_{given == ColumnKind::Id ? State::Texts : State::Few} {}

void ColumnBuilder::add(std::string_view text, bool is_quoted) {
    if (given_ == ColumnKind::Ignore) {
        codes_.push_back(code_missing);
        ++row_count_;
        return;
    }
    if (!is_quoted && !text.empty() && (may_be_blank(text.front()) || may_be_blank(text.back()))) {
        const std::string_view whole = std::exchange(text, trim_blanks(text));
        const bool is_text = text.size() < whole.size() && !text.empty();
        if (is_text && !first_trimmed_) first_trimmed_ = FieldAt{std::string{text}, row_count_};
    }
    switch (state_) {
        case State::Few:
            add_to_few(text, is_quoted);
            break;
        case State::Numbers:
            add_number(text, is_quoted);
            break;
        case State::Texts:
            add_text(text, is_quoted);
            break;
    }
    ++row_count_;
}

void ColumnBuilder::count_missing(std::string_view text) {
    if (missing_count_++ == 0) first_missing_ = FieldAt{std::string{text}, row_count_};
}

void ColumnBuilder::add_to_few(std::string_view text, bool is_quoted) {
    const auto code = texts_.find(text);
    // The same word may be one between quotes, and stand for nothing without.
    if (code && !(has_quoted_words_ && reading_->is_missing(text, is_quoted))) {
        codes_.push_back(*code);
        return;
    }
    if (reading_->is_missing(text, is_quoted)) {
        count_missing(text);
        codes_.push_back(code_missing);
        return;
    }
    if (texts_.size() == coded_texts_max) {
        grow_out_of_few();
        state_ == State::Numbers ? add_number(text, is_quoted) : add_text(text, is_quoted);
        return;
    }
    if (is_quoted && reading_->is_missing(text, false)) has_quoted_words_ = true;
    codes_.push_back(texts_.add(text));
    first_rows_.push_back(row_count_);
}

bool ColumnBuilder::may_be_values() const {
    return !given_ || *given_ == ColumnKind::Number || is_date(*given_);
}

FieldCounts ColumnBuilder::counts_of_few() const {
    std::array<std::uint64_t, 256> rows{};
    codes_.for_each_span([&](std::span<const std::uint8_t> span) {
        for (const std::uint8_t code : span) ++rows[code];
    });
    FieldCounts counts;
    for (std::size_t i = 0; i < texts_.size(); ++i) {
        counts.add(texts_.texts()[i], *reading_, rows[i]);
    }
    return counts;
}

/// To numbers, where they are that so far: a guess, which finish() sets right.
void ColumnBuilder::grow_out_of_few() {
    const FieldCounts counts = counts_of_few();
    const bool is_numbers = given_ ? *given_ == ColumnKind::Number
                                   : kind_of(counts, texts_.size()) == ColumnKind::Number;
    if (!is_numbers || counts.percents > 0) {
        become_texts();
        return;
    }
    state_ = State::Numbers;
    kind_ = ColumnKind::Number;
    const ValueReading reading{*reading_, ColumnKind::Number, counts};
    std::vector<ValueReading::Value> values;
    for (const std::string& text : texts_.texts()) values.push_back(reading.read(text));
    std::uint64_t row = 0;
    const auto codes = std::exchange(codes_, {});
    codes.for_each_span([&](std::span<const std::uint8_t> span) {
        for (const std::uint8_t code : span) {
            if (code == code_missing) {
                numbers_.push_back(missing_number);
            } else {
                take_value(values[code], texts_.texts()[code], row, 1);
            }
            ++row;
        }
    });
}

/// Appends a value of a column of numbers, while its texts are few or it grows.
void ColumnBuilder::take_value(const ValueReading::Value& value, std::string_view text,
                               std::uint64_t row, std::uint64_t rows) {
    using Kind = ValueReading::Value::Kind;
    const bool is_number = value.kind == Kind::Good || value.kind == Kind::Marked;
    if (value.kind == Kind::Marked) count(marked_, text, row, rows);
    if (value.kind == Kind::NotFinite && !not_finite_)
        not_finite_ = FieldAt{std::string{text}, row};
    if (value.kind == Kind::Odd) {
        count(odd_, text, row, rows);
        if (state_ == State::Numbers) {
            odd_rows_.push_back(row);
            odd_texts_.emplace_back(text);
        }
    }
    if (is_number && !first_inexact_ && is_inexact(text, value.value)) {
        first_inexact_ = FieldAt{std::string{text}, row};
    }
    if (state_ != State::Few) numbers_.push_back(is_number ? value.value : missing_number);
}

void ColumnBuilder::add_number(std::string_view text, bool is_quoted) {
    const ReadNumber number = read_number(text, reading_->decimal);
    if (number.kind == NumberKind::Finite && number.look == NumberLook::Plain &&
        std::abs(number.value) < 1e15) {
        numbers_.push_back(number.value);
        return;
    }
    if (reading_->is_missing(text, is_quoted)) {
        count_missing(text);
        numbers_.push_back(missing_number);
        return;
    }
    const bool are_too_many = odd_.count > odd_looked_at && odd_.count * 2 > row_count_;
    if (number.look == NumberLook::Percent || (are_too_many && !given_)) {
        become_texts();
        add_text(text, is_quoted);
        return;
    }
    take_value(ValueReading{*reading_, ColumnKind::Number, {}}.read(text), text, row_count_, 1);
}

/// Of what was kept as a number the text is written anew, of what is missing none.
void ColumnBuilder::become_texts() {
    codes_.for_each_span([&](std::span<const std::uint8_t> span) {
        for (const std::uint8_t code : span) {
            append(code == code_missing ? std::string_view{} : texts_.texts()[code]);
        }
    });
    std::size_t next_odd = 0;
    std::vector<std::uint64_t> rows;
    odd_rows_.for_each_span([&](auto span) { rows.insert(rows.end(), span.begin(), span.end()); });
    numbers_.for_each_span([&](std::span<const double> span) {
        for (const double value : span) {
            const bool is_odd = next_odd < rows.size() && rows[next_odd] == ends_.size();
            if (is_odd) {
                append(odd_texts_[next_odd++]);
            } else if (not_finite_ && not_finite_->row == ends_.size()) {
                append(not_finite_->text);
            } else {
                std::string text = std::isnan(value) ? std::string{} : number_text(value);
                std::ranges::replace(text, '.', reading_->decimal);
                append(text);
            }
        }
    });
    codes_ = {};
    numbers_ = {};
    odd_rows_ = {};
    odd_texts_ = {};
    marked_ = {};
    odd_ = {};
    state_ = State::Texts;
}

void ColumnBuilder::add_text(std::string_view text, bool is_quoted) {
    if (given_ == ColumnKind::Id) {
        if (text.empty() && !first_empty_) first_empty_ = row_count_;
        append(text);
        return;
    }
    if (reading_->is_missing(text, is_quoted)) {
        count_missing(text);
        append({});
        return;
    }
    append(text);
}

void ColumnBuilder::append(std::string_view text) {
    characters_.append({text.data(), text.size()});
    ends_.push_back(characters_.size());
}

void ColumnBuilder::finish() {
    if (given_) kind_ = *given_;
    if (state_ == State::Few) finish_few();
    if (state_ == State::Texts && given_ != ColumnKind::Id) finish_texts();
    if (state_ != State::Numbers || is_date(kind_)) return;
    kind_ = ColumnKind::Number;
    if (given_ || odd_.count == 0) return;
    // Its words may be too many after all.
    FieldCounts counts;
    numbers_.for_each_span([&](std::span<const double> span) {
        counts.plain += static_cast<std::uint64_t>(
            std::ranges::count_if(span, [](double value) { return !std::isnan(value); }));
    });
    for (const std::string& text : odd_texts_) counts.add(text, *reading_, 1);
    if (kind_of(counts, coded_texts_max + 1) == ColumnKind::Number) return;
    become_texts();
    finish_texts();
}

void ColumnBuilder::finish_few() {
    const FieldCounts counts = counts_of_few();
    if (!given_) kind_ = kind_of(counts, texts_.size());
    text_numbers_.assign(texts_.size(), missing_number);
    const auto& texts = texts_.texts();
    const auto is_boolean = [](const std::string& text) { return parse_boolean(text).has_value(); };
    if (kind_ == ColumnKind::Category && !given_ && !texts.empty() &&
        std::ranges::all_of(texts, is_boolean)) {
        kind_ = ColumnKind::Boolean;
    }
    std::array<std::uint64_t, 256> rows{};
    codes_.for_each_span([&](std::span<const std::uint8_t> span) {
        for (const std::uint8_t code : span) ++rows[code];
    });
    const bool are_values = kind_ == ColumnKind::Number || is_date(kind_);
    // Of categories with numbers among them the others are told of.
    const bool is_mixed = kind_ == ColumnKind::Category && !given_ && counts.plain > 0;
    if (kind_ == ColumnKind::Category && counts.unclear > 0 && counts.not_dates == 0 && !given_) {
        first_unclear_ = FieldAt{texts.front(), first_rows_.front()};
    }
    if (!are_values && !is_mixed) return;
    const ValueReading reading{*reading_, are_values ? kind_ : ColumnKind::Number, counts};
    for (std::size_t i = 0; i < texts.size(); ++i) {
        const auto value = reading.read(texts[i]);
        using Kind = ValueReading::Value::Kind;
        if (is_mixed) {
            if (value.kind == Kind::Odd) count(odd_, texts[i], first_rows_[i], rows[i]);
            continue;
        }
        take_value(value, texts[i], first_rows_[i], rows[i]);
        if (value.kind == Kind::Good || value.kind == Kind::Marked) text_numbers_[i] = value.value;
    }
}

template <typename Visit>
void ColumnBuilder::for_each_text(Visit&& visit) const {
    // A text's bytes may lie in two chunks.
    std::string text;
    std::vector<std::uint64_t> ends;
    std::uint64_t begin = 0;
    std::uint64_t row = 0;
    bool goes_on = true;
    ends_.for_each_span([&](std::span<const std::uint64_t> span) {
        for (const std::uint64_t end : span) {
            if (!goes_on) return;
            text.clear();
            characters_.for_each_span_in(begin, end - begin, [&](std::span<const char> part) {
                text.append(part.data(), part.size());
            });
            begin = end;
            goes_on = visit(std::string_view{text}, row++);
        }
    });
}

/// Only what must be known: the rest of a column of words is not looked at.
FieldCounts ColumnBuilder::counts_of_texts() const {
    FieldCounts counts;
    for_each_text([&](std::string_view text, std::uint64_t) {
        // Past a tenth it is a column of words; then only a note asks for its numbers.
        const std::uint64_t there = row_count_ - missing_count_;
        const std::uint64_t others = counts.words - counts.dates;
        if (others * 10 > there && !text.empty() && is_letter(text.front())) {
            ++counts.words;
            ++counts.not_dates;
        } else if (!text.empty()) {
            counts.add(text, *reading_, 1);
        }
        return others * 2 <= there;
    });
    return counts;
}

void ColumnBuilder::finish_texts() {
    if (!given_) kind_ = ColumnKind::Text;
    FieldCounts counts;
    if (may_be_values()) {
        counts = counts_of_texts();
        if (!given_) kind_ = kind_of(counts, coded_texts_max + 1);
    }
    if (kind_ == ColumnKind::Number || is_date(kind_)) {
        state_ = State::Numbers;
        const ValueReading reading{*reading_, kind_, counts};
        for_each_text([&](std::string_view text, std::uint64_t row) {
            text.empty() ? numbers_.push_back(missing_number)
                         : take_value(reading.read(text), text, row, 1);
            return true;
        });
        ends_ = {};
        characters_ = {};
        return;
    }
    if (given_) return;
    const std::uint64_t numbers = counts.plain + counts.marked;
    const bool is_mixed = numbers > counts.words;
    const bool is_unclear = counts.unclear > 0 && counts.not_dates == 0;
    if (!is_mixed && !is_unclear) return;
    const ValueReading reading{*reading_, ColumnKind::Number, counts};
    for_each_text([&](std::string_view text, std::uint64_t row) {
        if (text.empty() || reading.read(text).kind != ValueReading::Value::Kind::Odd) return true;
        if (is_unclear && !first_unclear_) first_unclear_ = FieldAt{std::string{text}, row};
        count(odd_, text, row, 1);
        return true;
    });
}

void ColumnBuilder::write_head(ByteWriter& head) const {
    write(head, name_);
    head.number(static_cast<std::uint32_t>(kind_));
    head.number(missing_count_);
    write(head, first_missing_);
    write(head, first_trimmed_);
    write(head, not_finite_);
    write(head, marked_);
    write(head, odd_);
    write(head, first_inexact_);
    write(head, first_unclear_);
    head.number(static_cast<std::uint32_t>(state_ == State::Few       ? ColumnStorage::CodedTexts
                                           : state_ == State::Numbers ? ColumnStorage::Numbers
                                                                      : ColumnStorage::Texts));
    const std::size_t shown =
        state_ == State::Few ? texts_.size() : std::min(texts_.size(), examples_max);
    head.number(static_cast<std::uint32_t>(shown));
    for (std::size_t i = 0; i < shown; ++i) {
        write(head, FieldAt{texts_.texts()[i], first_rows_[i]});
    }
    if (state_ == State::Few) {
        for (const double value : text_numbers_) head.number(value);
    }
    if (state_ != State::Texts) return;
    head.number(std::uint32_t{first_empty_.has_value()});
    if (first_empty_) head.number(*first_empty_);
    head.number(std::uint64_t{characters_.size()});
}

Result<void> ColumnBuilder::write_values(const ByteSink& sink) && {
    if (state_ == State::Numbers) return send(std::exchange(numbers_, {}), sink);
    if (state_ == State::Few) {
        const auto codes = std::exchange(codes_, {});
        if (auto sent = send(codes, sink); !sent) return sent;
        return fill_up(codes.size(), sink);
    }
    if (auto sent = send(std::exchange(ends_, {}), sink); !sent) return sent;
    const auto characters = std::exchange(characters_, {});
    if (auto sent = send(characters, sink); !sent) return sent;
    return fill_up(characters.size(), sink);
}

}  // namespace netcompute::data
