#include "store/blob_store.hpp"

#include "store/state_lock.hpp"
#include "temporary_folder.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace netcompute::store {
namespace {

using test_support::TemporaryFolder;

TEST(BlobStoreTest, ABlobIsFoundByItsHash) {
    const TemporaryFolder folder;
    auto store = BlobStore::open(folder.path() / "blobs");
    ASSERT_TRUE(store) << store.error().message;
    const ByteSpan bytes = as_byte_span("some bytes");
    const auto ref = (*store)->put(bytes);
    ASSERT_TRUE(ref) << ref.error().message;
    EXPECT_EQ(ref->sha256, sha256(bytes));
    EXPECT_EQ(ref->size, bytes.size());
    const auto found = (*store)->find(ref->sha256);
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(as_text(found->bytes()), "some bytes");
    EXPECT_EQ((*store)->find(sha256(as_byte_span("others"))), nullptr);
}

// The same bytes are one blob, and an empty one is a blob too.
TEST(BlobStoreTest, TheSameBytesAreStoredOnce) {
    const TemporaryFolder folder;
    auto store = BlobStore::open(folder.path() / "blobs");
    ASSERT_TRUE(store);
    const auto first = (*store)->put(as_byte_span("x"));
    const auto second = (*store)->put(as_byte_span("x"));
    ASSERT_TRUE(first && second);
    EXPECT_EQ(*first, *second);
    const auto empty = (*store)->put({});
    ASSERT_TRUE(empty);
    EXPECT_EQ((*store)->find(empty->sha256)->bytes().size(), 0U);
}

// What an earlier process left belongs to no job.
TEST(BlobStoreTest, AnotherProcesssBlobsAreRemoved) {
    const TemporaryFolder folder;
    std::filesystem::create_directories(folder.path() / "blobs");
    std::ofstream{folder.path() / "blobs" / "old"} << "old";
    ASSERT_TRUE(BlobStore::open(folder.path() / "blobs"));
    EXPECT_FALSE(std::filesystem::exists(folder.path() / "blobs" / "old"));
}

TEST(BlobStoreTest, AFileInPlaceOfTheFolderIsAnError) {
    const TemporaryFolder folder;
    std::ofstream{folder.path() / "file"} << "x";
    const auto store = BlobStore::open(folder.path() / "file" / "blobs");
    ASSERT_FALSE(store);
    EXPECT_NE(store.error().message.find("file"), std::string::npos);
}

// Two masters on one state folder would ruin each other's work: the second is refused, by name.
TEST(StateLockTest, ASecondMasterIsRefusedUntilTheFirstIsGone) {
    const TemporaryFolder folder;
    {
        const auto first = StateLock::take(folder.path() / "state");
        ASSERT_TRUE(first) << first.error().message;
        const auto second = StateLock::take(folder.path() / "state");
        ASSERT_FALSE(second);
        EXPECT_NE(second.error().message.find("process " + std::to_string(getpid())),
                  std::string::npos)
            << second.error().message;
    }
    EXPECT_TRUE(StateLock::take(folder.path() / "state"));
}

}  // namespace
}  // namespace netcompute::store
