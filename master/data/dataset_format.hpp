#pragma once

#include <netcompute/bytes.hpp>

#include <cstdint>

namespace netcompute::data {

// A dataset's file: "CNDATA02"; the size of all of the head; rows, jumps of lines, columns; how the
// table was read; of each column its name, its kind, what is missing and odd, how it is stored and
// what that says; then, each from an 8-byte boundary on, the jumps and the values of the columns.
// All little-endian.

inline constexpr std::uint64_t dataset_magic = 0x32304154'41444e43ULL;  // "CNDATA02", as bytes.

enum class ColumnStorage : std::uint32_t { CodedTexts, Numbers, Texts };

/// What brings `size` to the next boundary.
[[nodiscard]] constexpr std::uint64_t dataset_padding(std::uint64_t size) {
    return (8 - size % 8) % 8;
}

}  // namespace netcompute::data
