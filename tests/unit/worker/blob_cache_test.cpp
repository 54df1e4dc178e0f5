#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <native-worker/blob_cache.hpp>

namespace netcompute::worker {
namespace {

Sha256 name_of(std::string_view text) {
    return sha256(as_byte_span(text));
}
SharedBlob blob_of(std::size_t size) {
    return std::make_shared<const Bytes>(size);
}

// The cache never holds more than it may: the blob that nobody asked for the longest goes.
TEST(BlobCacheTest, TheOneNotUsedTheLongestGoesFirst) {
    BlobCache cache{100};
    cache.insert(name_of("a"), blob_of(40));
    cache.insert(name_of("b"), blob_of(40));
    EXPECT_NE(cache.find(name_of("a")), nullptr);
    cache.insert(name_of("c"), blob_of(40));
    EXPECT_NE(cache.find(name_of("a")), nullptr);
    EXPECT_EQ(cache.find(name_of("b")), nullptr);
    EXPECT_NE(cache.find(name_of("c")), nullptr);
    EXPECT_EQ(cache.bytes(), 80U);
}

// A blob larger than the cache is used and not kept; it must not empty the cache for nothing.
TEST(BlobCacheTest, OneTooLargeIsNotKept) {
    BlobCache cache{100};
    cache.insert(name_of("a"), blob_of(100));
    cache.insert(name_of("b"), blob_of(101));
    EXPECT_NE(cache.find(name_of("a")), nullptr);
    EXPECT_EQ(cache.find(name_of("b")), nullptr);
    EXPECT_EQ(cache.bytes(), 100U);
}

// The same blob twice takes its room once.
TEST(BlobCacheTest, TheSameBlobCountsOnce) {
    BlobCache cache{100};
    cache.insert(name_of("a"), blob_of(60));
    cache.insert(name_of("a"), blob_of(60));
    EXPECT_EQ(cache.bytes(), 60U);
}

// A name is a promise: bytes of another size or hash are refused, and the error names the blob.
TEST(BlobCacheTest, BytesThatAreNotTheBlobAreRefused) {
    const ByteSpan bytes = as_byte_span("some bytes");
    EXPECT_TRUE(verify_blob(bytes, sha256(bytes), bytes.size()));
    for (const auto& refused : {verify_blob(bytes, name_of("other"), bytes.size()),
                                verify_blob(bytes, name_of("other"), bytes.size() + 1)}) {
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, ErrorCode::ProtocolViolation);
        EXPECT_THAT(refused.error().message, testing::HasSubstr(to_hex(name_of("other"))));
    }
}

}  // namespace
}  // namespace netcompute::worker
