#pragma once

#include "data/chunked_vector.hpp"
#include "data/dataset.hpp"
#include "data/dataset_reader.hpp"
#include "data/text_dictionary.hpp"
#include <netcompute/bytes.hpp>
#include <netcompute/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::data {

/// Takes a column's fields one by one and finds out what it is. While there are at most
/// coded_texts_max distinct ones it keeps a byte a row; past that numbers, while all are, or texts.
class ColumnBuilder {
 public:
    /// `is_texts`: they are kept as they are written, whatever they look like.
    ColumnBuilder(std::string name, bool is_texts);

    void add(std::string_view text);

    /// Its part of the dataset's head.
    void write_head(ByteWriter& head) const;
    /// Its values, and whatever fills them up to a boundary; the column is empty then.
    /// Errors: those of the sink.
    [[nodiscard]] Result<void> write_values(const ByteSink& sink) &&;

 private:
    enum class State { Few, Numbers, Texts };

    void count_missing(std::string_view text);
    void add_to_few(std::string_view text);
    void add_number(std::string_view text);
    void add_text(std::string_view text);
    void grow_out_of_few();
    void become_texts();
    void append(std::string_view text);

    std::string name_;
    State state_ = State::Few;
    std::uint64_t row_count_ = 0;
    std::uint64_t missing_count_ = 0;
    std::optional<FieldAt> first_missing_;
    std::optional<FieldAt> not_finite_;        ///< The first of a column of numbers so far.
    std::optional<FieldAt> first_not_number_;  ///< Missing ones apart.
    std::optional<std::uint64_t> first_empty_;

    TextDictionary texts_;                   ///< The first distinct fields.
    std::vector<std::uint64_t> first_rows_;  ///< Of each of those.
    std::vector<double> text_numbers_;       ///< Of each; missing_number where it is none.
    ChunkedVector<std::uint8_t> codes_;      ///< While Few.
    ChunkedVector<double> numbers_;          ///< While Numbers.
    ChunkedVector<std::uint64_t> ends_;      ///< While Texts.
    ChunkedVector<char> characters_;
};

}  // namespace netcompute::data
