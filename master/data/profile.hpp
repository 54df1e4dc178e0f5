#pragma once

#include "data/dataset.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace netcompute::data {

/// The figures of a column's numbers, those apart that are missing. Of dates: of days since 1970.
struct NumberProfile {
    double min = 0;
    double lower_quartile = 0;  ///< Quartiles are interpolated, as numpy.quantile() does.
    double median = 0;
    double upper_quartile = 0;
    double max = 0;
    double mean = 0;
    double deviation = 0;  ///< Of the population.
};

/// A field, and how many rows have it.
struct CountedField {
    std::string text;
    std::uint64_t rows = 0;
};

/// What can be seen in a column. Its kind, and what is missing or odd, is said by the column.
struct ColumnProfile {
    std::uint64_t distinct = 0;             ///< Values, missing ones apart.
    std::optional<NumberProfile> numbers;   ///< Of numbers and dates, if there are any.
    std::vector<CountedField> most_common;  ///< Of a column of few values, the first few of them.
    std::vector<std::string> examples;      ///< Of a column of many, in row order.
};

/// Takes time and memory like a sort of the column. Distinct texts of a column of many are counted
/// by hashes of 64 bits, so one of a billion tables may have one text more.
[[nodiscard]] ColumnProfile profile_column(const Column& column);

/// The first row whose text a row before it has too; nothing where all differ.
[[nodiscard]] std::optional<std::uint64_t> first_repeated(const Texts& texts);

}  // namespace netcompute::data
