#pragma once

#include <netcompute/bytes.hpp>

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace netcompute {

/// A SHA-256 digest: the name of a blob, and what results are compared by.
struct Sha256 {
    std::array<std::uint8_t, 32> digest{};
    friend auto operator<=>(const Sha256&, const Sha256&) = default;
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
