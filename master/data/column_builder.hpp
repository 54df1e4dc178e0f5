#pragma once

#include "data/chunked_vector.hpp"
#include "data/dataset.hpp"
#include "data/dataset_reader.hpp"
#include "data/field_kinds.hpp"
#include "data/text_dictionary.hpp"
#include <netcompute/bytes.hpp>
#include <netcompute/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::data {

/// Takes a column's fields one by one and finds out what it is (kind_of()). While there are at most
/// coded_texts_max distinct ones it keeps a byte a row; past that numbers, while almost all are, or
/// texts. What the column is in the end depends on its fields alone, not on their order.
class ColumnBuilder {
 public:
    /// `given`: what it is, whatever it looks like. `reading` outlives the builder.
    ColumnBuilder(std::string name, const FieldReading& reading, std::optional<ColumnKind> given);

    void add(std::string_view text, bool is_quoted);

    /// No field follows. Before the rest.
    void finish();
    /// Its part of the dataset's head.
    void write_head(ByteWriter& head) const;
    /// Its values, and whatever fills them up to a boundary; the column is empty then.
    /// Errors: those of the sink.
    [[nodiscard]] Result<void> write_values(const ByteSink& sink) &&;

 private:
    enum class State { Few, Numbers, Texts };

    void count_missing(std::string_view text);
    void add_to_few(std::string_view text, bool is_quoted);
    void add_number(std::string_view text, bool is_quoted);
    void add_text(std::string_view text, bool is_quoted);
    void append(std::string_view text);
    void grow_out_of_few();
    void become_texts();
    [[nodiscard]] FieldCounts counts_of_few() const;
    [[nodiscard]] FieldCounts counts_of_texts() const;
    [[nodiscard]] bool may_be_values() const;
    void finish_few();
    void finish_texts();
    void take_value(const ValueReading::Value& value, std::string_view text, std::uint64_t row,
                    std::uint64_t rows);
    template <typename Visit>
    void for_each_text(Visit&& visit) const;

    std::string name_;
    const FieldReading* reading_;
    std::optional<ColumnKind> given_;
    ColumnKind kind_ = ColumnKind::Category;
    State state_ = State::Few;
    std::uint64_t row_count_ = 0;
    std::uint64_t missing_count_ = 0;
    bool has_quoted_words_ = false;  ///< Words for missing values among the distinct fields.
    std::optional<FieldAt> first_missing_;
    std::optional<FieldAt> first_trimmed_;
    std::optional<FieldAt> not_finite_;
    std::optional<FieldAt> first_inexact_;
    std::optional<FieldAt> first_unclear_;
    std::optional<std::uint64_t> first_empty_;
    FieldsAt marked_;
    FieldsAt odd_;

    TextDictionary texts_;                   ///< The first distinct fields.
    std::vector<std::uint64_t> first_rows_;  ///< Of each of those.
    std::vector<double> text_numbers_;       ///< Of each, once finished; missing_number for none.
    ChunkedVector<std::uint8_t> codes_;      ///< While Few.
    ChunkedVector<double> numbers_;          ///< While Numbers.
    ChunkedVector<std::uint64_t> odd_rows_;  ///< While Numbers: rows of other texts,
    std::vector<std::string> odd_texts_;     ///< and those.
    ChunkedVector<std::uint64_t> ends_;      ///< While Texts.
    ChunkedVector<char> characters_;
};

}  // namespace netcompute::data
