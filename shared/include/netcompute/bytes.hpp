#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace netcompute {

static_assert(std::endian::native == std::endian::little,
              "bytes are little-endian on the wire and are copied as they are");

using Bytes = std::vector<std::byte>;
using ByteSpan = std::span<const std::byte>;

/// The bytes of a text, not copied.
[[nodiscard]] inline ByteSpan as_byte_span(std::string_view text) {
    return std::as_bytes(std::span{text.data(), text.size()});
}
/// The text of some bytes, not copied and not checked.
[[nodiscard]] inline std::string_view as_text(ByteSpan bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Appends little-endian values to a byte vector.
class ByteWriter {
 public:
    explicit ByteWriter(Bytes& target) : target_{target} {}

    template <typename T>
    requires std::is_arithmetic_v<T>
    void number(T value) {
        const auto old_size = target_.size();
        target_.resize(old_size + sizeof value);
        std::memcpy(target_.data() + old_size, &value, sizeof value);
    }
    void bytes(ByteSpan source) { target_.insert(target_.end(), source.begin(), source.end()); }

    template <typename T>
    requires std::is_arithmetic_v<T>
    void numbers(std::span<const T> values) { bytes(std::as_bytes(values)); }

 private:
    Bytes& target_;
};

/// Reads little-endian values from bytes that a stranger may have sent. A read past the end
/// yields zeros and makes ok() false for ever, so a caller may check once, at the end.
class ByteReader {
 public:
    explicit ByteReader(ByteSpan source) : rest_{source} {}

    template <typename T>
    requires std::is_arithmetic_v<T>
    [[nodiscard]] T number() {
        T value{};
        const ByteSpan source = bytes(sizeof value);
        if (source.size() == sizeof value) std::memcpy(&value, source.data(), sizeof value);
        return value;
    }
    /// The next `size` bytes; empty if fewer are left.
    [[nodiscard]] ByteSpan bytes(std::size_t size) {
        if (size > rest_.size()) {
            ok_ = false;
            rest_ = {};
            return {};
        }
        const ByteSpan taken = rest_.first(size);
        rest_ = rest_.subspan(size);
        return taken;
    }
    [[nodiscard]] std::size_t left() const { return rest_.size(); }
    [[nodiscard]] bool ok() const { return ok_; }
    /// Everything was there and nothing is left over.
    [[nodiscard]] bool finished() const { return ok_ && rest_.empty(); }

 private:
    ByteSpan rest_;
    bool ok_ = true;
};

}  // namespace netcompute
