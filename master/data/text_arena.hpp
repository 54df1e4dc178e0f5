#pragma once

#include <netcompute/assert.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::data {

/// Many short texts, one after another in one block: the ids of a million rows take little more
/// than their characters.
class TextArena {
 public:
    void push_back(std::string_view text) {
        characters_.append(text);
        ends_.push_back(characters_.size());
    }
    [[nodiscard]] std::size_t size() const { return ends_.size(); }
    /// Lives until the arena changes.
    [[nodiscard]] std::string_view operator[](std::size_t index) const {
        NETCOMPUTE_ASSERT(index < ends_.size(), "a text past the end");
        const std::size_t begin = index == 0 ? 0 : ends_[index - 1];
        return std::string_view{characters_}.substr(begin, ends_[index] - begin);
    }
    friend bool operator==(const TextArena&, const TextArena&) = default;

 private:
    std::string characters_;
    std::vector<std::size_t> ends_;
};

}  // namespace netcompute::data
