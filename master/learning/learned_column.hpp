#pragma once

#include "data/dataset.hpp"
#include "learning/feature_values.hpp"
#include "learning/preprocessing.hpp"
#include <netcompute/result.hpp>

namespace netcompute::learning {

/// A training column: how it is encoded, as learned from its values, and the values.
struct LearnedColumn {
    FeatureColumn column;
    FeatureValues values;  ///< Nothing for a dropped column.
};

/// A column of numbers is numeric; one of at most categories_max distinct texts is categorical; one
/// of more is dropped. Errors: InvalidArgument, naming the table and the column: all values
/// missing, a number that is not finite (and where), numbers too large to be summed.
[[nodiscard]] Result<LearnedColumn> learn_column(const data::Table& table,
                                                 const data::Column& column);

/// The numbers of a column of codes: missing_number for what is missing or no finite number.
[[nodiscard]] NumericValues numbers_of(const data::CodedTexts& coded);

}  // namespace netcompute::learning
