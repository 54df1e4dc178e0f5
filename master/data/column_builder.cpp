#include "data/column_builder.hpp"

#include "data/dataset_format.hpp"
#include "data/number.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace netcompute::data {
namespace {

/// Of a column of many distinct fields, for messages.
constexpr std::size_t examples_max = 9;

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

/// The shortest text that reads as this number.
std::string number_text(double value) {
    std::array<char, 32> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
    return {text.data(), end};
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

}  // namespace

ColumnBuilder::ColumnBuilder(std::string name, bool is_texts)
    : name_{std::move(name)}, state_{is_texts ? State::Texts : State::Few} {}

void ColumnBuilder::add(std::string_view text) {
    switch (state_) {
        case State::Few:
            add_to_few(text);
            break;
        case State::Numbers:
            add_number(text);
            break;
        case State::Texts:
            add_text(text);
            break;
    }
    ++row_count_;
}

void ColumnBuilder::count_missing(std::string_view text) {
    if (missing_count_++ == 0) first_missing_ = FieldAt{std::string{text}, row_count_};
    if (text.empty() && !first_empty_) first_empty_ = row_count_;
}

void ColumnBuilder::add_to_few(std::string_view text) {
    if (const auto code = texts_.find(text)) {
        codes_.push_back(*code);
        return;
    }
    if (is_missing(text)) {
        count_missing(text);
        codes_.push_back(code_missing);
        return;
    }
    if (texts_.size() == coded_texts_max) {
        grow_out_of_few();
        state_ == State::Numbers ? add_number(text) : add_text(text);
        return;
    }
    const ParsedNumber number = parse_number(text);
    const bool is_finite = number.kind == NumberKind::Finite;
    if (number.kind == NumberKind::NotANumber && !first_not_number_) {
        first_not_number_ = FieldAt{std::string{text}, row_count_};
    }
    if (number.kind == NumberKind::NotFinite && !not_finite_) {
        not_finite_ = FieldAt{std::string{text}, row_count_};
    }
    codes_.push_back(texts_.add(text));
    first_rows_.push_back(row_count_);
    text_numbers_.push_back(is_finite ? number.value : missing_number);
}

void ColumnBuilder::grow_out_of_few() {
    if (first_not_number_) {
        become_texts();
        return;
    }
    state_ = State::Numbers;
    codes_.for_each_span([&](std::span<const std::uint8_t> span) {
        for (const std::uint8_t code : span) {
            numbers_.push_back(code == code_missing ? missing_number : text_numbers_[code]);
        }
    });
    codes_ = {};
}

void ColumnBuilder::add_number(std::string_view text) {
    const ParsedNumber number = parse_number(text);
    if (number.kind == NumberKind::Finite) {
        numbers_.push_back(number.value);
        return;
    }
    if (number.kind == NumberKind::NotFinite) {
        if (!not_finite_) not_finite_ = FieldAt{std::string{text}, row_count_};
        numbers_.push_back(missing_number);
        return;
    }
    if (is_missing(text)) {
        count_missing(text);
        numbers_.push_back(missing_number);
        return;
    }
    become_texts();
    add_text(text);
}

/// Of what was kept as a number the text is written anew, of what is missing none.
void ColumnBuilder::become_texts() {
    codes_.for_each_span([&](std::span<const std::uint8_t> span) {
        for (const std::uint8_t code : span) {
            append(code == code_missing ? std::string_view{} : texts_.texts()[code]);
        }
    });
    numbers_.for_each_span([&](std::span<const double> span) {
        for (const double value : span) append(std::isnan(value) ? "" : number_text(value));
    });
    codes_ = {};
    numbers_ = {};
    state_ = State::Texts;
}

void ColumnBuilder::add_text(std::string_view text) {
    if (is_missing(text)) {
        count_missing(text);
    } else {
        if (!first_not_number_ && parse_number(text).kind == NumberKind::NotANumber) {
            first_not_number_ = FieldAt{std::string{text}, row_count_};
        }
        if (texts_.size() < examples_max && !texts_.find(text)) {
            texts_.add(text);
            first_rows_.push_back(row_count_);
        }
    }
    append(text);
}

void ColumnBuilder::append(std::string_view text) {
    characters_.append({text.data(), text.size()});
    ends_.push_back(characters_.size());
}

void ColumnBuilder::write_head(ByteWriter& head) const {
    write(head, name_);
    head.number(missing_count_);
    write(head, first_missing_);
    head.number(static_cast<std::uint32_t>(state_ == State::Few       ? ColumnKind::CodedTexts
                                           : state_ == State::Numbers ? ColumnKind::Numbers
                                                                      : ColumnKind::Texts));
    const std::size_t shown =
        state_ == State::Few ? texts_.size() : std::min(texts_.size(), examples_max);
    head.number(static_cast<std::uint32_t>(shown));
    for (std::size_t i = 0; i < shown; ++i) {
        write(head, FieldAt{texts_.texts()[i], first_rows_[i]});
    }
    if (state_ == State::Numbers) write(head, not_finite_);
    if (state_ != State::Texts) return;
    write(head, first_not_number_);
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
