#include "store/blob_store.hpp"

#include "store/state_lock.hpp"
#include "temporary_folder.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <iterator>
#include <thread>

namespace netcompute::store {
namespace {

using test_support::TemporaryFolder;

TEST(BlobStoreTest, ABlobIsFoundByItsHash) {
    const TemporaryFolder folder;
    auto store = BlobStore::open(folder.path() / "blobs");
    ASSERT_TRUE(store) << store.error().message;
    BlobHolder holder{**store};
    const ByteSpan bytes = as_byte_span("some bytes");
    const auto ref = holder.put(bytes);
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
    BlobHolder holder{**store};
    const auto first = holder.put(as_byte_span("x"));
    const auto second = holder.put(as_byte_span("x"));
    ASSERT_TRUE(first && second);
    EXPECT_EQ(*first, *second);
    EXPECT_EQ((*store)->bytes(), 1U);
    const auto empty = holder.put({});
    ASSERT_TRUE(empty);
    EXPECT_EQ((*store)->find(empty->sha256)->bytes().size(), 0U);
}

std::size_t file_count(const std::filesystem::path& folder) {
    const std::filesystem::directory_iterator files{folder};
    return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

// Jobs that share an input share its blob; when the last of them is over, so is the blob, on the
// disk too. Whoever reads it then reads on.
TEST(BlobStoreTest, ABlobGoesWithItsLastHolder) {
    const TemporaryFolder folder;
    auto store = BlobStore::open(folder.path() / "blobs");
    ASSERT_TRUE(store);
    auto first = std::make_unique<BlobHolder>(**store);
    auto second = std::make_unique<BlobHolder>(**store);
    const auto ref = first->put(as_byte_span("shared"));
    ASSERT_TRUE(ref);
    ASSERT_TRUE(first->put(as_byte_span("shared")));
    ASSERT_TRUE(second->put(as_byte_span("shared")));
    ASSERT_TRUE(second->put(as_byte_span("own")));
    const auto reader = (*store)->find(ref->sha256);

    second.reset();
    EXPECT_NE((*store)->find(ref->sha256), nullptr);
    EXPECT_EQ((*store)->find(sha256(as_byte_span("own"))), nullptr);
    EXPECT_EQ(file_count(folder.path() / "blobs"), 1U);
    first.reset();
    EXPECT_EQ((*store)->find(ref->sha256), nullptr);
    EXPECT_EQ((*store)->bytes(), 0U);
    EXPECT_EQ(file_count(folder.path() / "blobs"), 0U);
    EXPECT_EQ(as_text(reader->bytes()), "shared");
}

// A job whose inputs are too much is refused with the numbers, and fits once another one is over.
TEST(BlobStoreTest, AllBlobsTogetherHaveALimit) {
    const TemporaryFolder folder;
    auto store = BlobStore::open(folder.path() / "blobs", 10);
    ASSERT_TRUE(store);
    auto first = std::make_unique<BlobHolder>(**store);
    BlobHolder second{**store};
    ASSERT_TRUE(first->put(as_byte_span("12345678")));
    const auto refused = second.put(as_byte_span("abc"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::LimitExceeded);
    EXPECT_EQ(refused.error().message,
              "a blob of 3 bytes does not fit: live jobs' blobs take up 8 of the 10 bytes that "
              "they may; let jobs end, or cancel some, and submit this one again");
    EXPECT_TRUE(second.put(as_byte_span("ab")));
    first.reset();
    EXPECT_TRUE(second.put(as_byte_span("abc")));
}

// A blob that cannot be written takes up no room.
TEST(BlobStoreTest, ABlobThatCannotBeWrittenIsNotThere) {
    const TemporaryFolder folder;
    auto store = BlobStore::open(folder.path() / "blobs", 10);
    ASSERT_TRUE(store);
    BlobHolder holder{**store};
    std::filesystem::remove(folder.path() / "blobs");
    const auto failed = holder.put(as_byte_span("12345678"));
    ASSERT_FALSE(failed);
    EXPECT_NE(failed.error().message.find("No such file"), std::string::npos);
    EXPECT_EQ((*store)->bytes(), 0U);
    std::filesystem::create_directory(folder.path() / "blobs");
    EXPECT_TRUE(holder.put(as_byte_span("12345678")));
}

// Jobs are prepared on several threads: the same blobs at the same time are one, and all of them
// go.
TEST(BlobStoreTest, ThreadsMayPutAndReleaseTheSameBlobs) {
    const TemporaryFolder folder;
    auto store = BlobStore::open(folder.path() / "blobs");
    ASSERT_TRUE(store);
    std::atomic<int> found = 0;
    const auto use = [&] {
        for (int round = 0; round < 100; ++round) {
            BlobHolder holder{**store};
            for (const std::string_view text : {"one", "two", "three"}) {
                const auto ref = holder.put(as_byte_span(text));
                const auto file = ref ? (*store)->find(ref->sha256) : nullptr;
                if (file != nullptr && as_text(file->bytes()) == text) ++found;
            }
        }
    };
    std::thread other{use};
    use();
    other.join();
    EXPECT_EQ(found, 600);
    EXPECT_EQ((*store)->bytes(), 0U);
    EXPECT_EQ(file_count(folder.path() / "blobs"), 0U);
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
