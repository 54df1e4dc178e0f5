#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::data {

/// A few distinct texts, numbered in the order in which they came.
class TextDictionary {
 public:
    [[nodiscard]] std::optional<std::uint8_t> find(std::string_view text) const {
        const std::uint64_t start = start_of(text);
        for (std::size_t i = 0; i < starts_.size(); ++i) {
            if (starts_[i] == start && texts_[i] == text) return static_cast<std::uint8_t>(i);
        }
        return std::nullopt;
    }
    /// The text must be new, and at most 250 may be there.
    std::uint8_t add(std::string_view text) {
        starts_.push_back(start_of(text));
        texts_.emplace_back(text);
        return static_cast<std::uint8_t>(texts_.size() - 1);
    }
    [[nodiscard]] std::size_t size() const { return texts_.size(); }
    [[nodiscard]] const std::vector<std::string>& texts() const { return texts_; }

 private:
    /// The first bytes as a number: almost every comparison ends here.
    static std::uint64_t start_of(std::string_view text) {
        std::uint64_t start = text.size() << 56U;
        for (std::size_t i = 0; i < text.size() && i < 7; ++i) {
            start |= std::uint64_t{static_cast<unsigned char>(text[i])} << (8 * i);
        }
        return start;
    }

    std::vector<std::uint64_t> starts_;
    std::vector<std::string> texts_;
};

}  // namespace netcompute::data
