#pragma once

#include "data/dataset.hpp"
#include <netcompute/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::learning {

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

/// Finds the two classes of a target. `learner` is what messages call who asks: "a logistic
/// regression". Errors: InvalidArgument for a missing value; for a number that is not finite among
/// numbers; listing what was found, unless there are exactly two classes.
[[nodiscard]] Result<LearnedTarget> learn_target(const data::Table& table,
                                                 const data::Column& column,
                                                 std::string_view learner);

}  // namespace netcompute::learning
