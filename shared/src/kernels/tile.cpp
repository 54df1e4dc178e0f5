#include <netcompute/assert.hpp>
#include <netcompute/kernels/tile.hpp>

#include <cstring>
#include <string>

namespace netcompute::kernels {
namespace {

constexpr std::uint32_t magic = 0x3154434e;  // "NCT1"
constexpr std::size_t header_bytes = 16;

}  // namespace

Bytes encode_tile(std::uint32_t row_count, std::uint32_t column_count,
                  std::span<const double> values) {
    NETCOMPUTE_ASSERT(values.size() == std::size_t{row_count} * column_count,
                      "a tile has row_count * column_count values");
    Bytes bytes;
    bytes.reserve(header_bytes + values.size_bytes());
    ByteWriter writer{bytes};
    writer.number(magic);
    writer.number(row_count);
    writer.number(column_count);
    writer.number(std::uint32_t{0});
    writer.numbers(values);
    return bytes;
}

Result<TileView> decode_tile(ByteSpan bytes) {
    ByteReader reader{bytes};
    const auto found_magic = reader.number<std::uint32_t>();
    const auto row_count = reader.number<std::uint32_t>();
    const auto column_count = reader.number<std::uint32_t>();
    const auto reserved = reader.number<std::uint32_t>();
    if (!reader.ok() || found_magic != magic || reserved != 0) {
        return unexpected(ErrorCode::InvalidArgument,
                          "a tile of " + std::to_string(bytes.size()) +
                              " bytes does not begin as a tile does (NCT1): it is not one");
    }
    if (reinterpret_cast<std::uintptr_t>(bytes.data()) % alignof(double) != 0) {
        return unexpected(ErrorCode::InvalidArgument,
                          "a tile does not start at an 8-byte boundary: copy it to one");
    }
    // In u64: the counts come from strangers.
    const std::uint64_t value_count = std::uint64_t{row_count} * column_count;
    if (value_count != reader.left() / sizeof(double) || reader.left() % sizeof(double) != 0) {
        return unexpected(ErrorCode::ShapeMismatch,
                          "a tile says " + std::to_string(row_count) + " rows x " +
                              std::to_string(column_count) + " columns, but holds " +
                              std::to_string(reader.left()) + " bytes of values");
    }
    const auto* const values = reinterpret_cast<const double*>(bytes.data() + header_bytes);
    return TileView{row_count, column_count, {values, static_cast<std::size_t>(value_count)}};
}

}  // namespace netcompute::kernels
