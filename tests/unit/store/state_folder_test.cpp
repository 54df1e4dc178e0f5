#include "store/state_folder.hpp"

#include "store/blob_store.hpp"
#include "store/state_lock.hpp"
#include "store_records.hpp"
#include "temporary_folder.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

namespace netcompute::store {
namespace {

using test_support::TemporaryFolder;

class StateFolderTest : public ::testing::Test {
 protected:
    StateFolderTest() { ::umask(0); }
    ~StateFolderTest() override { ::umask(mask_); }

    static mode_t mode_of(const std::filesystem::path& path) {
        struct stat status {};
        EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
        return status.st_mode & 07777U;
    }

    const TemporaryFolder folder_;
    const std::filesystem::path state_ = folder_.path() / "state";

 private:
    mode_t mask_ = ::umask(0);
};

// Session keys lie there: whoever reads them takes the sessions over. No umask opens it.
TEST_F(StateFolderTest, EverythingInItIsItsUsersAlone) {
    const auto lock = StateLock::take(state_);
    ASSERT_TRUE(lock) << lock.error().message;
    EXPECT_EQ(lock->closed_to_others(), 0U);
    const auto blobs = BlobStore::open(state_ / "blobs");
    BlobHolder holder{**blobs};
    ASSERT_TRUE(holder.put(as_byte_span("blob")));
    auto store = SqliteJobStore::open(state_);
    ASSERT_TRUE(store) << store.error().message;
    testing::commit(**store, {testing::put_job(1, JobState::Running),
                              testing::put_sized_output(1, 0, 300'000)});
    EXPECT_EQ(mode_of(state_), 0700U);
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator{state_}) {
        EXPECT_EQ(mode_of(entry.path()), entry.is_directory() ? 0700U : 0600U) << entry.path();
        if (entry.is_regular_file()) ++files;
    }
    EXPECT_GE(files, 5U) << "lock, database, its log, a blob, a file of results";
}

TEST_F(StateFolderTest, WhatAFormerVersionLeftOpenIsClosed) {
    std::filesystem::create_directories(state_ / "results");
    std::ofstream{state_ / "netcompute.db"} << "";
    std::ofstream{state_ / "results" / "1-0-1"} << "x";
    std::filesystem::create_symlink(folder_.path(), state_ / "link");
    const auto lock = StateLock::take(state_);
    ASSERT_TRUE(lock) << lock.error().message;
    EXPECT_EQ(lock->closed_to_others(), 4U) << "two folders and two files; nothing behind a link";
    EXPECT_EQ(mode_of(state_), 0700U);
    EXPECT_EQ(mode_of(state_ / "netcompute.db"), 0600U);
    EXPECT_EQ(mode_of(state_ / "results" / "1-0-1"), 0600U);
    EXPECT_EQ(mode_of(folder_.path()), 0700U) << "as mkdtemp made it";
}

TEST_F(StateFolderTest, AFolderThatOthersCouldExchangeIsRefused) {
    const auto open = folder_.path() / "open";
    std::filesystem::create_directories(open / "mine");
    ASSERT_EQ(::chmod(open.c_str(), 01777), 0);
    std::filesystem::create_directory_symlink(open / "mine", state_);
    const auto lock = StateLock::take(state_);
    ASSERT_FALSE(lock);
    EXPECT_EQ(lock.error().code, ErrorCode::PermissionDenied);
    EXPECT_NE(lock.error().message.find("where every user of this PC can write"),
              std::string::npos);
    if (::getuid() != 0) return;  // Only root can give a folder away.
    const auto foreign = folder_.path() / "foreign";
    std::filesystem::create_directory(foreign);
    ASSERT_EQ(::chown(foreign.c_str(), 65534, 65534), 0);
    const auto other = StateLock::take(foreign);
    ASSERT_FALSE(other);
    EXPECT_NE(other.error().message.find("belongs to another user"), std::string::npos);
}

}  // namespace
}  // namespace netcompute::store
