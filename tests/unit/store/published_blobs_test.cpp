#include "store/store_backup.hpp"
#include "store_records.hpp"
#include "temporary_folder.hpp"

#include <gtest/gtest.h>

#include <filesystem>

namespace netcompute::store {
namespace {

namespace fs = std::filesystem;
using testing::commit;
using testing::put_job;

/// Blobs that folds have published: one that fits a row, and one that needs a file.
class PublishedBlobsTest : public ::testing::Test {
 protected:
    PublishedBlobsTest() { commit(*store_, {put_job(1, JobState::Running)}); }

    static Record put_blob(RoundIndex round, const std::shared_ptr<const Bytes>& blob) {
        return PutBlob{JobId{1}, round, sha256(*blob), *blob, blob};
    }
    static Record put_checkpoint(RoundIndex round,
                                 const std::vector<std::shared_ptr<const Bytes>>& blobs) {
        const auto state = std::make_shared<const Bytes>(8, std::byte(round));
        PutCheckpoint put{JobId{1}, round, sha256(*state), state};
        for (const auto& blob : blobs) put.blobs.push_back(sha256(*blob));
        return put;
    }
    /// Round 0 publishes the small one, round 1 the large one, and keeps the other.
    void fill() {
        commit(*store_, {put_blob(0, small_), put_checkpoint(0, {small_})});
        const std::vector<Record> records{put_blob(1, large_), put_checkpoint(1, {small_, large_})};
        ASSERT_TRUE(store_->stage(records)());
        commit(*store_, records);
    }
    [[nodiscard]] bool has(const std::shared_ptr<const Bytes>& blob) const {
        const auto read = store_->blob(JobId{1}, sha256(*blob));
        if (!read) return false;
        EXPECT_EQ(*(*read)().value(), *blob);
        return true;
    }
    [[nodiscard]] std::ptrdiff_t file_count() const {
        const fs::directory_iterator files{folder_.path() / "results"};
        return std::distance(begin(files), end(files));
    }
    void reopen() {
        store_.reset();
        store_ = testing::open_store(folder_.path());
    }

    const std::shared_ptr<const Bytes> small_ = std::make_shared<const Bytes>(100, std::byte{1});
    const std::shared_ptr<const Bytes> large_ =
        std::make_shared<const Bytes>(300'000, std::byte{2});
    test_support::TemporaryFolder folder_;
    std::unique_ptr<SqliteJobStore> store_ = testing::open_store(folder_.path());
};

TEST_F(PublishedBlobsTest, AreThereAfterARestart) {
    fill();
    reopen();
    EXPECT_TRUE(has(small_));
    EXPECT_TRUE(has(large_));
    EXPECT_EQ(file_count(), 1);
}

TEST_F(PublishedBlobsTest, GoWithTheLastCheckpointThatNamesThem) {
    fill();
    commit(*store_, {DropCheckpoint{JobId{1}, 1}});
    EXPECT_TRUE(has(small_));
    EXPECT_FALSE(has(large_));
    EXPECT_EQ(file_count(), 0);
    commit(*store_, {DropCheckpoint{JobId{1}, 0}});
    EXPECT_FALSE(has(small_));
}

TEST_F(PublishedBlobsTest, GoWhenTheJobGoesBackAndMayComeAgain) {
    fill();
    commit(*store_, {RewindJob{JobId{1}, 0}});
    EXPECT_TRUE(has(small_));
    EXPECT_FALSE(has(large_));
    commit(*store_, {put_blob(1, large_), put_checkpoint(1, {large_})});
    EXPECT_TRUE(has(large_));
    EXPECT_EQ(file_count(), 1);
}

// A second copy of the same bytes is not kept, nor is its file.
TEST_F(PublishedBlobsTest, WhatIsThereStaysAsItIs) {
    fill();
    const std::vector<Record> again{put_blob(2, large_), put_checkpoint(2, {large_})};
    ASSERT_TRUE(store_->stage(again)());
    commit(*store_, again);
    EXPECT_EQ(file_count(), 1);
    commit(*store_, {DropCheckpoint{JobId{1}, 1}});
    EXPECT_TRUE(has(large_));
}

TEST_F(PublishedBlobsTest, GoWithTheirJob) {
    fill();
    commit(*store_, {put_job(1, JobState::Succeeded)});
    while (store_->has_leftovers()) commit(*store_, {EraseLeftovers{}});
    EXPECT_FALSE(has(small_));
    EXPECT_EQ(file_count(), 0);
}

TEST_F(PublishedBlobsTest, AMasterThatEndedInBetweenLeavesThemToTheNextOne) {
    fill();
    commit(*store_, {put_job(1, JobState::Succeeded)});
    reopen();
    while (store_->has_leftovers()) commit(*store_, {EraseLeftovers{}});
    reopen();
    EXPECT_EQ(file_count(), 0);
}

TEST_F(PublishedBlobsTest, AreInBackups) {
    fill();
    const test_support::TemporaryFolder other;
    auto backup = store_->begin_backup(other.path() / "netcompute.db");
    ASSERT_TRUE(backup) << backup.error().message;
    while (!(*backup)->step().value()) {
    }
    ASSERT_TRUE((*backup)->finish());
    store_->end_backup();
    backup->reset();
    const auto copy = testing::open_store(other.path());
    for (const auto& blob : {small_, large_}) {
        const auto read = copy->blob(JobId{1}, sha256(*blob));
        ASSERT_TRUE(read) << read.error().message;
        EXPECT_EQ(*(*read)().value(), *blob);
    }
}

}  // namespace
}  // namespace netcompute::store
