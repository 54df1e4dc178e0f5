#pragma once

#include <netcompute/assert.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace netcompute::data {

/// A long sequence that grows at its end without moving, and can be given back from its front
/// while it is read: a table's column never needs twice its size. A short one is short in memory
/// too: a table may have thousands of columns and two rows.
template <typename T>
class ChunkedVector {
 public:
    static constexpr std::size_t chunk_size = 8192;  ///< In values.

    void push_back(T value) {
        if (size_ == capacity_) grow();
        chunks_.back()[size_ % chunk_size] = value;
        ++size_;
    }
    [[nodiscard]] std::size_t size() const { return size_; }

    /// Calls `visit` with spans that make up the whole sequence, in order.
    template <typename Visit>
    void for_each_span(Visit&& visit) const {
        for_each_span_in(0, size_, [&](std::span<const T> span) { visit(span); });
    }
    /// The same for values [begin, begin + count).
    template <typename Visit>
    void for_each_span_in(std::size_t begin, std::size_t count, Visit&& visit) const {
        NETCOMPUTE_ASSERT(begin <= size_ && count <= size_ - begin, "a range past the end");
        for (const std::size_t end = begin + count; begin < end;) {
            const std::size_t offset = begin % chunk_size;
            const std::size_t taken = std::min(chunk_size - offset, end - begin);
            const auto& chunk = chunks_[begin / chunk_size];
            NETCOMPUTE_ASSERT(chunk != nullptr, "values that were given back");
            visit(std::span<const T>{chunk.get() + offset, taken});
            begin += taken;
        }
    }
    /// Gives back the memory of values before `end`; they cannot be read any more.
    void release_before(std::size_t end) {
        const std::size_t done = std::min(end, size_) / chunk_size;
        for (; released_ < done; ++released_) chunks_[released_].reset();
    }

 private:
    static constexpr std::size_t first_values = 8;

    /// The first chunk doubles until it is a whole one; then come whole ones.
    void grow() {
        if (capacity_ >= chunk_size) {
            chunks_.push_back(std::make_unique<T[]>(chunk_size));
            capacity_ += chunk_size;
            return;
        }
        const std::size_t wanted = std::clamp(capacity_ * 2, first_values, chunk_size);
        auto larger = std::make_unique<T[]>(wanted);
        if (capacity_ == 0) {
            chunks_.push_back(std::move(larger));
        } else {
            std::copy_n(chunks_.front().get(), size_, larger.get());
            chunks_.front() = std::move(larger);
        }
        capacity_ = wanted;
    }

    std::vector<std::unique_ptr<T[]>> chunks_;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
    std::size_t released_ = 0;  ///< Chunks that were given back.
};

}  // namespace netcompute::data
