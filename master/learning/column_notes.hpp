#pragma once

#include "data/dataset.hpp"

#include <string>
#include <vector>

namespace netcompute::learning {

/// What people should know of how a column's fields were read, each with line and field: numbers
/// written for people, fields that are no numbers, mixed ones, rounded ones, unclear dates, blanks.
void add_reading_notes(const data::Table& table, const data::Column& column,
                       std::vector<std::string>& notes);

}  // namespace netcompute::learning
