#include <netcompute/kernels/tile.hpp>

#include <gtest/gtest.h>

namespace netcompute::kernels {
namespace {

TEST(TileTest, ATileComesBackColumnByColumn) {
    const std::vector<double> values{1, 2, 3, 4, 5, 6};
    const Bytes bytes = encode_tile(3, 2, values);
    const Result<TileView> tile = decode_tile(bytes);
    ASSERT_TRUE(tile);
    EXPECT_EQ(tile->row_count, 3u);
    EXPECT_EQ(tile->column_count, 2u);
    EXPECT_EQ(std::vector<double>(tile->column(1).begin(), tile->column(1).end()),
              (std::vector<double>{4, 5, 6}));
    EXPECT_EQ(as_text(ByteSpan{bytes}.first(4)), "NCT1");
}

TEST(TileTest, ATileMayBeEmpty) {
    EXPECT_TRUE(decode_tile(encode_tile(0, 5, {})));
    EXPECT_TRUE(decode_tile(encode_tile(5, 0, {})));
}

TEST(TileTest, BytesCutAnywhereAreRefused) {
    const Bytes bytes = encode_tile(2, 1, std::vector<double>{1, 2});
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_FALSE(decode_tile(ByteSpan{bytes}.first(size))) << size << " bytes";
    }
    Bytes longer = bytes;
    longer.push_back(std::byte{0});
    EXPECT_EQ(decode_tile(longer).error().code, ErrorCode::ShapeMismatch);
}

TEST(TileTest, AnotherMagicIsRefused) {
    Bytes bytes = encode_tile(1, 1, std::vector<double>{1});
    bytes[3] = std::byte{'2'};
    EXPECT_EQ(decode_tile(bytes).error().code, ErrorCode::InvalidArgument);
}

TEST(TileTest, MisalignedBytesAreRefused) {
    Bytes bytes(1);
    ByteWriter{bytes}.bytes(encode_tile(1, 1, std::vector<double>{1}));
    EXPECT_EQ(decode_tile(ByteSpan{bytes}.subspan(1)).error().code, ErrorCode::InvalidArgument);
}

// 2^32 rows x 2^32 columns would be 2^64 values: a size that wraps must not look right.
TEST(TileTest, CountsWhoseProductIsHugeAreRefused) {
    Bytes bytes = encode_tile(0, 0, {});
    for (std::size_t at = 4; at < 12; ++at) bytes[at] = std::byte{0xff};
    EXPECT_EQ(decode_tile(bytes).error().code, ErrorCode::ShapeMismatch);
    for (const std::size_t at : {4u, 5u, 6u, 8u, 9u, 10u}) bytes[at] = std::byte{0};
    bytes[7] = bytes[11] = std::byte{0x80};  // 2^31 x 2^31 = 2^62 values of 2^3 bytes: 2^65.
    EXPECT_EQ(decode_tile(bytes).error().code, ErrorCode::ShapeMismatch);
}

}  // namespace
}  // namespace netcompute::kernels
