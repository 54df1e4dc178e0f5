#pragma once

#include "data/column_values.hpp"
#include "data/field_place.hpp"
#include "data/preprocessing.hpp"
#include "data/text_dictionary.hpp"
#include <netcompute/result.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::data {

/// A training column: how it is encoded, as learned from its values, and the values.
struct LearnedColumn {
    FeatureColumn column;
    ColumnValues values;  ///< Nothing for a dropped column.
};

/// Takes a training column's fields one by one and finds out what it is. While there are at most
/// categories_max distinct texts it keeps a byte a row and can still become either kind; past
/// that it keeps numbers, or, once one field is not a number, nothing.
class ColumnBuilder {
 public:
    explicit ColumnBuilder(std::string name) : name_{std::move(name)} {}

    void add(std::string_view text, RowPlace place);

    /// Errors: InvalidArgument, naming `table` and the column: all values missing, a number that
    /// is not finite (and where), numbers too large to be summed.
    [[nodiscard]] Result<LearnedColumn> finish(std::string_view table) &&;

 private:
    enum class State { FewTexts, Numbers, TooManyTexts };
    struct NonFinite {
        std::string text;
        RowPlace place;
    };

    void add_to_few(std::string_view text, RowPlace place);
    void add_number(std::string_view text, RowPlace place);
    void grow_out_of_few(std::string_view text, RowPlace place);
    [[nodiscard]] Result<LearnedColumn> finish_numeric(std::string_view table);
    [[nodiscard]] LearnedColumn finish_categorical();
    /// Each text's number, where it is one.
    [[nodiscard]] NumericValues numbers_of_codes() const;

    std::string name_;
    State state_ = State::FewTexts;
    TextDictionary texts_;
    std::vector<double> text_numbers_;  ///< Of each text, while all are numbers.
    bool all_are_numbers_ = true;       ///< Every value so far is a number, finite or not.
    CategoryCodes codes_;               ///< While FewTexts; indices of texts_, or code_missing.
    NumericValues numbers_;             ///< While Numbers.
    std::optional<NonFinite> first_non_finite_;
};

}  // namespace netcompute::data
