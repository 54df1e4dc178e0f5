#pragma once

#include "data/field_place.hpp"
#include "data/text_dictionary.hpp"
#include <netcompute/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::data {

/// The two values of a target, as the training table first wrote them. The positive one is the
/// larger number, or the later text in byte order.
struct Classes {
    std::string negative;
    std::string positive;

    /// 0 or 1; nothing for a value of neither class. Where both classes are numbers, numbers are
    /// compared: 1 and 1.0 are one class.
    [[nodiscard]] std::optional<std::uint8_t> label_of(std::string_view value) const;
    [[nodiscard]] const std::string& text_of(std::uint8_t label) const {
        return label == 0 ? negative : positive;
    }
    friend bool operator==(const Classes&, const Classes&) = default;
};

struct LearnedTarget {
    Classes classes;
    std::vector<std::uint8_t> labels;  ///< Each 0 or 1, in row order.
};

/// Takes the fields of the target column one by one and finds its two classes.
class TargetBuilder {
 public:
    TargetBuilder(std::string table, std::string name)
        : table_{std::move(table)}, name_{std::move(name)} {}

    /// Errors: InvalidArgument for a missing value, and once there are far too many classes.
    [[nodiscard]] Result<void> add(std::string_view text, RowPlace place);

    /// Errors: InvalidArgument, listing what was found, unless there are exactly two classes; for
    /// a number that is not finite among numbers.
    [[nodiscard]] Result<LearnedTarget> finish() &&;

 private:
    [[nodiscard]] Error wrong_class_count(std::span<const std::string> found) const;

    std::string table_;
    std::string name_;
    TextDictionary texts_;
    std::vector<RowPlace> first_places_;  ///< Of each text.
    std::vector<std::uint8_t> codes_;
};

}  // namespace netcompute::data
