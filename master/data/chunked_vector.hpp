#pragma once

#include <netcompute/assert.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace netcompute::data {

/// A long sequence that grows at its end without moving: a table's column never needs twice its
/// size. A short one is short in memory too: a table may have thousands of columns and two rows.
template <typename T>
class ChunkedVector {
 public:
    static constexpr std::size_t chunk_size = 8192;  ///< In values.

    void push_back(T value) {
        if (size_ == capacity_) grow();
        chunks_.back()[size_ % chunk_size] = value;
        ++size_;
    }
    void append(std::span<const T> values) {
        while (!values.empty()) {
            if (size_ == capacity_) grow();
            const std::size_t taken = std::min(values.size(), capacity_ - size_);
            std::copy_n(values.data(), taken, chunks_.back().get() + size_ % chunk_size);
            size_ += taken;
            values = values.subspan(taken);
        }
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
            visit(std::span<const T>{chunks_[begin / chunk_size].get() + offset, taken});
            begin += taken;
        }
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
};

}  // namespace netcompute::data
