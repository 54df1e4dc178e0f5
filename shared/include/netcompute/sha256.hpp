#pragma once

#include <netcompute/bytes.hpp>

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace netcompute {

/// A SHA-256 digest: the name of a blob, and what results are compared by.
struct Sha256 {
    std::array<std::uint8_t, 32> digest{};
    friend bool operator==(const Sha256&, const Sha256&) = default;
    /// In byte order. By hand: the libc++ of the WebAssembly build cannot order a std::array.
    friend std::strong_ordering operator<=>(const Sha256& a, const Sha256& b) {
        return std::memcmp(a.digest.data(), b.digest.data(), a.digest.size()) <=> 0;
    }
};

/// The SHA-256 of `bytes` (FIPS 180-4). Native builds use OpenSSL; the WebAssembly build, which
/// has no crypto.subtle on a plain office network, uses sha256_portable().
[[nodiscard]] Sha256 sha256(ByteSpan bytes);

/// The same digest from our own code, everywhere.
[[nodiscard]] Sha256 sha256_portable(ByteSpan bytes);

/// 64 lower-case hexadecimal digits.
[[nodiscard]] std::string to_hex(const Sha256& sha256);

/// The digest that 64 lower-case hexadecimal digits name; nothing for any other text.
[[nodiscard]] std::optional<Sha256> sha256_from_hex(std::string_view hex);

}  // namespace netcompute
