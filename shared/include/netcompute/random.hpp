#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace netcompute {

/// Philox4x32-10: a counter-based generator. Block n of a seed's stream is a pure function of both,
/// so any worker makes any part of the stream without the parts before it.
/// Source: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11.
class Philox {
 public:
    using Block = std::array<std::uint32_t, 4>;
    using Key = std::array<std::uint32_t, 2>;

    static constexpr int rounds = 10;
    static constexpr std::uint32_t multiplier_0 = 0xd2511f53;
    static constexpr std::uint32_t multiplier_1 = 0xcd9e8d57;
    static constexpr std::uint32_t key_step_0 = 0x9e3779b9;  ///< The golden ratio's fraction.
    static constexpr std::uint32_t key_step_1 = 0xbb67ae85;  ///< That of the square root of 3.

    /// The cipher itself: 128 random bits from a counter and a key.
    [[nodiscard]] static constexpr Block block(Block counter, Key key) {
        for (int round = 0; round < rounds; ++round) {
            const std::uint64_t product_0 = std::uint64_t{multiplier_0} * counter[0];
            const std::uint64_t product_1 = std::uint64_t{multiplier_1} * counter[2];
            counter = {high(product_1) ^ counter[1] ^ key[0], low(product_1),
                       high(product_0) ^ counter[3] ^ key[1], low(product_0)};
            key[0] += key_step_0;
            key[1] += key_step_1;
        }
        return counter;
    }

    /// The stream of a seed, from its block `first` on; streams with another number are
    /// independent.
    constexpr explicit Philox(std::uint64_t seed, std::uint64_t stream = 0, std::uint64_t first = 0)
        : key_{low(seed), high(seed)}, stream_{stream}, next_block_{first} {}

    /// The next 64 bits.
    [[nodiscard]] constexpr std::uint64_t next_u64() {
        if (half_ == 0) {
            block_ =
                block({low(next_block_), high(next_block_), low(stream_), high(stream_)}, key_);
            ++next_block_;
        }
        const std::size_t at = half_;
        half_ = 2 - half_;
        return std::uint64_t{block_[at + 1]} << 32 | block_[at];
    }

    /// Uniform in [0, 1), a multiple of 2^-53: the same on every build.
    [[nodiscard]] constexpr double next_unit() {
        return static_cast<double>(next_u64() >> 11) * 0x1p-53;
    }

    /// Uniform in [0, bound); `bound` at least 1. Without bias: the few values that would give one
    /// are drawn again.
    [[nodiscard]] constexpr std::uint64_t next_below(std::uint64_t bound) {
        const std::uint64_t uneven = (0 - bound) % bound;  // 2^64 mod bound.
        std::uint64_t value = next_u64();
        while (value < uneven) value = next_u64();
        return value % bound;
    }

 private:
    static constexpr std::uint32_t low(std::uint64_t x) { return static_cast<std::uint32_t>(x); }
    static constexpr std::uint32_t high(std::uint64_t x) {
        return static_cast<std::uint32_t>(x >> 32);
    }

    Key key_;
    std::uint64_t stream_;
    std::uint64_t next_block_;
    Block block_{};
    std::size_t half_ = 0;  ///< The word of block_ that comes next: 0 or 2.
};

}  // namespace netcompute
