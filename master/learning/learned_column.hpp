#pragma once

#include "data/dataset.hpp"
#include "learning/feature_values.hpp"
#include "learning/preprocessing.hpp"
#include <netcompute/result.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace netcompute::learning {

/// A training column: how it is encoded, as learned from its values, and the values.
struct LearnedColumn {
    FeatureColumn column;
    FeatureValues values;  ///< Nothing for a dropped column.
};

/// A column of numbers is numeric, one of dates makes its parts, one of at most `categories`
/// distinct texts is categorical; one of more is dropped, or, where `keeps_rest`, has its most
/// frequent `categories - 1` texts and "other". One that is all missing is dropped. Appends to
/// `notes` what people should know, with line and field. Errors: InvalidArgument, naming the table
/// and the column: a number that is not finite (and where), numbers too large to be summed.
[[nodiscard]] Result<LearnedColumn> learn_column(const data::Table& table,
                                                 const data::Column& column, std::size_t categories,
                                                 bool keeps_rest, std::vector<std::string>& notes);

/// The numbers of a column of codes: missing_number for what is missing or no finite number.
[[nodiscard]] NumericValues numbers_of(const data::CodedTexts& coded);

/// A part of a date, as date_part_names count them, from its days since 1970.
[[nodiscard]] double date_part(double days, std::size_t part);

/// What CategoricalValues say of a row of the category at this place: the place, or that it is
/// "other" or missing.
[[nodiscard]] std::uint8_t category_at(const CategoricalEncoding& encoding, std::size_t place);

/// `(the first in line 5: "x")`.
[[nodiscard]] std::string first_of(const data::Table& table, const data::FieldAt& field);

}  // namespace netcompute::learning
