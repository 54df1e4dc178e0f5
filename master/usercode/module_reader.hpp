#pragma once

#include <netcompute/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace netcompute::usercode {

/// Reads a module's bytes in order. The first thing that is wrong stays: from then on every read
/// gives 0 and nothing moves, so who reads looks at failed() now and then.
class ModuleReader {
 public:
    ModuleReader() = default;
    /// `base`: where the bytes begin in the module, for messages.
    ModuleReader(ByteSpan bytes, std::size_t base) : bytes_{bytes}, base_{base} {}

    [[nodiscard]] bool failed() const { return !failure_.empty(); }
    [[nodiscard]] bool at_end() const { return at_ == bytes_.size(); }
    [[nodiscard]] const std::string& failure() const { return failure_; }
    [[nodiscard]] std::size_t offset() const { return base_ + at_; }
    [[nodiscard]] std::size_t at() const { return at_; }
    [[nodiscard]] std::size_t left() const { return bytes_.size() - at_; }

    /// "at byte 0x1a3: …". Gives false, so that it can be returned.
    bool refuse(const std::string& why);
    bool refuse_at(std::size_t offset, const std::string& why);
    /// What is wrong in a part is wrong in the whole.
    void adopt_failure(const ModuleReader& part) {
        if (!failed()) failure_ = part.failure_;
    }

    std::uint8_t byte();
    std::uint8_t peek();
    std::uint32_t u32();  ///< LEB128, as the signed ones.
    std::int32_t s32();
    std::int64_t s64();
    std::int64_t s33();  ///< Of a block's type.
    /// A number of things that have a byte each at least.
    std::uint32_t count(std::uint32_t most, const char* what);
    ByteSpan bytes(std::size_t size);
    std::string name();  ///< UTF-8.
    /// The bytes since a place that at() gave.
    [[nodiscard]] ByteSpan since(std::size_t at) const { return bytes_.subspan(at, at_ - at); }
    /// The next `size` bytes, as a reader of their own.
    ModuleReader part(std::size_t size);

 private:
    std::uint64_t unsigned_number(int bits);
    std::int64_t signed_number(int bits);

    ByteSpan bytes_;
    std::size_t base_ = 0;
    std::size_t at_ = 0;
    std::string failure_;
};

/// Numbers as LEB128.
void append_unsigned(Bytes& to, std::uint64_t number);
void append_signed(Bytes& to, std::int64_t number);
void append(Bytes& to, ByteSpan bytes);
void append(Bytes& to, std::initializer_list<unsigned> bytes);
void append_name(Bytes& to, std::string_view name);
void append_section(Bytes& to, std::uint8_t id, const Bytes& content);

}  // namespace netcompute::usercode
