#include <netcompute/sha256.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#if !defined(__EMSCRIPTEN__)
// The functions that are not deprecated look their algorithm up in each call, which takes longer
// than hashing a small output, and a program that has them has all of OpenSSL's algorithms.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#endif

namespace netcompute {
namespace {

constexpr std::size_t block_bytes = 64;

constexpr std::array<std::uint32_t, 64> round_constants{
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

using State = std::array<std::uint32_t, 8>;

std::uint32_t big_endian_u32(const std::byte* bytes) {
    return std::to_integer<std::uint32_t>(bytes[0]) << 24 |
           std::to_integer<std::uint32_t>(bytes[1]) << 16 |
           std::to_integer<std::uint32_t>(bytes[2]) << 8 | std::to_integer<std::uint32_t>(bytes[3]);
}

void compress(State& state, const std::byte* block) {
    std::array<std::uint32_t, 64> w{};
    for (std::size_t i = 0; i < 16; ++i) w[i] = big_endian_u32(block + 4 * i);
    for (std::size_t i = 16; i < 64; ++i) {
        const std::uint32_t s0 =
            std::rotr(w[i - 15], 7) ^ std::rotr(w[i - 15], 18) ^ (w[i - 15] >> 3);
        const std::uint32_t s1 =
            std::rotr(w[i - 2], 17) ^ std::rotr(w[i - 2], 19) ^ (w[i - 2] >> 10);
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    auto [a, b, c, d, e, f, g, h] = state;
    for (std::size_t i = 0; i < 64; ++i) {
        const std::uint32_t s1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
        const std::uint32_t t1 = h + s1 + ((e & f) ^ (~e & g)) + round_constants[i] + w[i];
        const std::uint32_t s0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
        const std::uint32_t t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
        h = g;
        g = f;
        f = e;
        e = d + t1;
        d = c;
        c = b;
        b = a;
        a = t1 + t2;
    }
    const State sums{a, b, c, d, e, f, g, h};
    for (std::size_t i = 0; i < state.size(); ++i) state[i] += sums[i];
}

}  // namespace

Sha256 sha256_portable(ByteSpan bytes) {
    State state{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    const std::size_t whole_bytes = bytes.size() / block_bytes * block_bytes;
    for (std::size_t at = 0; at < whole_bytes; at += block_bytes) {
        compress(state, bytes.data() + at);
    }
    // The rest, a one bit, zeros, and the length in bits: one block, or two.
    std::array<std::byte, 2 * block_bytes> tail{};
    const std::size_t rest_bytes = bytes.size() - whole_bytes;
    std::copy_n(bytes.data() + whole_bytes, rest_bytes, tail.data());
    tail[rest_bytes] = std::byte{0x80};
    const std::size_t tail_bytes = rest_bytes + 9 <= block_bytes ? block_bytes : 2 * block_bytes;
    const std::uint64_t bit_count = std::uint64_t{bytes.size()} * 8;
    for (std::size_t i = 0; i < 8; ++i) {
        tail[tail_bytes - 1 - i] = std::byte(bit_count >> (8 * i) & 0xff);
    }
    for (std::size_t at = 0; at < tail_bytes; at += block_bytes) compress(state, tail.data() + at);

    Sha256 result;
    for (std::size_t i = 0; i < result.digest.size(); ++i) {
        result.digest[i] = static_cast<std::uint8_t>(state[i / 4] >> (24 - 8 * (i % 4)));
    }
    return result;
}

#if defined(__EMSCRIPTEN__)
Sha256 sha256(ByteSpan bytes) {
    return sha256_portable(bytes);
}
#else
Sha256 sha256(ByteSpan bytes) {
    Sha256 result;
    SHA256_CTX context;
    SHA256_Init(&context);
    SHA256_Update(&context, bytes.data(), bytes.size());
    SHA256_Final(result.digest.data(), &context);
    return result;
}
#endif

std::string to_hex(const Sha256& sha256) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    hex.reserve(2 * sha256.digest.size());
    for (const std::uint8_t value : sha256.digest) {
        hex += digits[value >> 4];
        hex += digits[value & 15];
    }
    return hex;
}

std::optional<Sha256> sha256_from_hex(std::string_view hex) {
    Sha256 result;
    if (hex.size() != 2 * result.digest.size()) return std::nullopt;
    for (std::size_t i = 0; i < hex.size(); ++i) {
        const char c = hex[i];
        int digit = -1;
        if (c >= '0' && c <= '9') digit = c - '0';
        if (c >= 'a' && c <= 'f') digit = c - 'a' + 10;
        if (digit < 0) return std::nullopt;
        std::uint8_t& value = result.digest[i / 2];
        value = static_cast<std::uint8_t>(value << 4 | digit);
    }
    return result;
}

}  // namespace netcompute
