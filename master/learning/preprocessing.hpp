#pragma once

#include "data/reading_options.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace netcompute::learning {

/// Text columns with more distinct values than this are left out, unless a number of categories was
/// given.
inline constexpr std::size_t categories_max = 20;
/// The most that may be given.
inline constexpr std::size_t categories_given_max = 250;

/// What turns a raw feature into the one that is learned: (raw - mean) / deviation.
struct Standardization {
    double mean = 0;
    double deviation = 1;  ///< Of the population; 1 for a constant feature, which so becomes 0.
    friend bool operator==(const Standardization&, const Standardization&) = default;
};

/// A column of numbers makes one feature.
struct NumericEncoding {
    double median = 0;  ///< Stands in for missing values.
    Standardization standardization;
    friend bool operator==(const NumericEncoding&, const NumericEncoding&) = default;
};

/// A column of dates makes three features, or four where it has times: the days since 1970, the
/// month (1 to 12), the day of the week (0, Monday, to 6), the hour.
struct DateEncoding {
    data::ColumnKind kind = data::ColumnKind::Date;  ///< With its order of day and month.
    std::vector<NumericEncoding> parts;

    friend bool operator==(const DateEncoding&, const DateEncoding&) = default;
};
inline constexpr std::array<std::string_view, 4> date_part_names{"days", "month", "weekday",
                                                                 "hour"};

/// A column of few distinct texts makes one feature a category, 1 where a row is of it and else 0.
/// Of exactly two categories only the second makes one: scikit-learn's
/// OneHotEncoder(drop='if_binary', handle_unknown='ignore').
struct CategoricalEncoding {
    std::vector<std::string> categories;  ///< In byte order; a missing value's is not named here.
    bool has_missing = false;  ///< Missing values were seen, and are one more category, the last.
    std::vector<Standardization> standardizations;  ///< One a feature.
    bool has_other = false;     ///< One more, before that: all texts that are not named here.
    bool are_booleans = false;  ///< true and TRUE are the same.

    [[nodiscard]] std::size_t category_count() const {
        return categories.size() + (has_other ? 1 : 0) + (has_missing ? 1 : 0);
    }
    /// The first category that makes a feature.
    [[nodiscard]] std::size_t first_kept() const { return category_count() == 2 ? 1 : 0; }
    [[nodiscard]] std::size_t feature_count() const { return category_count() - first_kept(); }
    friend bool operator==(const CategoricalEncoding&, const CategoricalEncoding&) = default;
};

/// A column of too many distinct texts makes no feature.
struct DroppedEncoding {
    friend bool operator==(const DroppedEncoding&, const DroppedEncoding&) = default;
};

struct FeatureColumn {
    std::string name;
    std::variant<NumericEncoding, CategoricalEncoding, DroppedEncoding, DateEncoding> encoding;
    friend bool operator==(const FeatureColumn&, const FeatureColumn&) = default;
};

/// How a table becomes features: the training table's columns, in its order, and the training
/// rows' figures. Features come in the order of columns, and of categories within a column.
struct Preprocessing {
    std::vector<FeatureColumn> columns;

    [[nodiscard]] std::uint32_t feature_count() const;
    /// "Age", "Sex=male", "Embarked=(missing)", "Day month": for people. No two are the same: a
    /// category's that another feature has gets " (category)" behind it.
    [[nodiscard]] std::vector<std::string> feature_names() const;
    /// What each feature is standardised by, in their order.
    [[nodiscard]] std::vector<Standardization> standardizations() const;
    friend bool operator==(const Preprocessing&, const Preprocessing&) = default;
};

}  // namespace netcompute::learning
