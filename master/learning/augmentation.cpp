#include "learning/augmentation.hpp"

#include "data/number.hpp"
#include "data/profile.hpp"
#include <netcompute/kernels/normals.hpp>

#include <cmath>
#include <utility>
#include <variant>

namespace netcompute::learning {
namespace {

double number_at(const data::Column& column, std::uint64_t row) {
    if (const auto* const numbers = std::get_if<data::Numbers>(&column.values)) {
        return numbers->values[row];
    }
    const auto* const coded = std::get_if<data::CodedTexts>(&column.values);
    if (coded == nullptr || coded->codes[row] >= coded->numbers.size()) {
        return data::missing_number;
    }
    return coded->numbers[coded->codes[row]];
}

bool are_whole(const data::Column& column, std::uint64_t row_count) {
    for (std::uint64_t row = 0; row < row_count; ++row) {
        const double value = number_at(column, row);
        if (!std::isnan(value) && value != std::floor(value)) return false;
    }
    return true;
}

}  // namespace

Augmentation::Augmentation(const data::Dataset& table, AugmentationOptions options)
    : row_count_{table.row_count()}, options_{std::move(options)} {
    for (const data::Column& column : table.columns()) {
        if (!options_.id.empty() && column.name == options_.id) continue;
        Column own{&column};
        if (column.kind == data::ColumnKind::Number && column.name != options_.target) {
            const auto numbers = data::profile_column(column).numbers;
            own.deviation = numbers ? numbers->deviation : 0;
            own.is_whole = are_whole(column, row_count_);
        }
        columns_.push_back(own);
    }
}

std::vector<std::string> Augmentation::names() const {
    std::vector<std::string> names;
    for (const Column& own : columns_) names.push_back(own.column->name);
    return names;
}

std::vector<std::string> Augmentation::row(std::uint64_t number) const {
    kernels::Normals normals{Philox{options_.seed, number}};
    const std::uint64_t source = normals.random().next_below(row_count_);
    std::vector<std::string> fields;
    for (const Column& own : columns_) {
        const double value =
            own.deviation > 0 ? number_at(*own.column, source) : data::missing_number;
        if (std::isnan(value)) {
            fields.push_back(data::field_text(*own.column, source));
            continue;
        }
        double shaken = value + options_.jitter * own.deviation * normals.next();
        if (own.is_whole) shaken = std::round(shaken);
        // -0 is written as 0; what overflows stays as it was.
        fields.push_back(data::number_text(std::isfinite(shaken) ? shaken + 0.0 : value));
    }
    return fields;
}

}  // namespace netcompute::learning
