#pragma once

#include "data/dataset.hpp"
#include <netcompute/result.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::learning {

/// The most classes that a target may have: of columns with more distinct values no codes are kept.
inline constexpr std::size_t classes_max = data::coded_texts_max;

/// The classes of a target, as the training table first wrote them: numbers rise, texts are in byte
/// order. None: the target is a number.
struct Classes {
    std::vector<std::string> texts;

    [[nodiscard]] std::size_t size() const { return texts.size(); }
    [[nodiscard]] bool empty() const { return texts.empty(); }
    /// The place of a value's class; nothing for a value of no class. Where all classes are
    /// numbers, numbers are compared: 1 and 1.0 are one class.
    [[nodiscard]] std::optional<std::uint8_t> label_of(std::string_view value) const;
    [[nodiscard]] const std::string& text_of(std::size_t label) const { return texts[label]; }
    friend bool operator==(const Classes&, const Classes&) = default;
};

struct FoundClasses {
    Classes classes;
    std::vector<std::uint8_t> labels;  ///< A row each: the place of its class.
};

/// The classes of a column that holds codes, none of them missing. Errors: InvalidArgument for a
/// number that is not finite among numbers.
[[nodiscard]] Result<FoundClasses> find_classes(const data::Table& table,
                                                const data::Column& column);

}  // namespace netcompute::learning
