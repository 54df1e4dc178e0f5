#include "store/store_backup.hpp"

#include "store_records.hpp"
#include "temporary_folder.hpp"

#include <gtest/gtest.h>

#include <set>

namespace netcompute::store {
namespace {

namespace fs = std::filesystem;
using test_support::TemporaryFolder;
using testing::put_job;
using testing::put_sized_output;

constexpr std::size_t large_output = 300'000;

/// A store in a folder of its own that begins as the backup.
std::unique_ptr<SqliteJobStore> restored(const fs::path& backup, const fs::path& folder) {
    fs::copy_file(backup, folder / "netcompute.db");
    return testing::open_store(folder);
}

/// Calls `meanwhile` after each step but the last.
template <typename Meanwhile>
std::size_t make(SqliteJobStore& store, const fs::path& target, const Meanwhile& meanwhile) {
    const auto backup = store.begin_backup(target);
    EXPECT_TRUE(backup);
    std::size_t steps = 0;
    for (;; ++steps) {
        const auto is_over = (*backup)->step();
        EXPECT_TRUE(is_over) << is_over.error().message;
        if (!is_over || *is_over) break;
        meanwhile(steps);
    }
    const auto done = (*backup)->finish();
    EXPECT_TRUE(done) << done.error().message;
    store.end_backup();
    return steps;
}

// Outputs in rows take pages; 40 of these take several steps.
void fill(SqliteJobStore& store) {
    testing::commit(store, {put_job(1, JobState::Running), put_job(2, JobState::Running),
                            put_sized_output(2, 0, large_output)});
    for (TaskIndex index = 0; index < 100; ++index) {
        testing::commit(store, {put_sized_output(1, index, 60'000)});
    }
}

TEST(StoreBackupTest, WhatIsCommittedWhileItIsMadeIsInIt) {
    const TemporaryFolder folder;
    const TemporaryFolder other;
    const auto store = testing::open_store(folder.path());
    fill(*store);
    std::uint64_t last_job = 2;
    const std::size_t steps = make(*store, folder.path() / "backup.db", [&](std::size_t) {
        testing::commit(*store,
                        {put_job(++last_job, JobState::Queued),
                         put_sized_output(2, static_cast<TaskIndex>(last_job), large_output)});
    });
    EXPECT_GE(steps, 3U);
    const auto copy = restored(folder.path() / "backup.db", other.path());
    EXPECT_EQ(copy->jobs().size(), last_job);
    EXPECT_EQ(copy->outputs(JobId{1}, 0)->size(), 100U);
    const auto outputs = copy->outputs(JobId{2}, 0);
    ASSERT_TRUE(outputs) << outputs.error().message;
    ASSERT_EQ(outputs->size(), steps + 1);
    EXPECT_EQ(outputs->front().bytes.size(), large_output);
}

TEST(StoreBackupTest, ResultFilesThatGoMeanwhileAreStillThere) {
    const TemporaryFolder folder;
    const TemporaryFolder other;
    const auto store = testing::open_store(folder.path());
    fill(*store);
    const auto backup = store->begin_backup(folder.path() / "backup.db");
    ASSERT_TRUE(backup) << backup.error().message;
    for (auto is_over = (*backup)->step(); !*is_over; is_over = (*backup)->step()) {
    }
    testing::commit(*store, {put_job(2, JobState::Succeeded)});
    EXPECT_FALSE(fs::is_empty(folder.path() / "results"));
    const auto done = (*backup)->finish();
    ASSERT_TRUE(done) << done.error().message;
    store->end_backup();
    EXPECT_TRUE(fs::is_empty(folder.path() / "results"));
    const auto copy = restored(folder.path() / "backup.db", other.path());
    EXPECT_EQ(copy->job(JobId{2})->state, JobState::Running);
    EXPECT_EQ(copy->outputs(JobId{2}, 0)->size(), 1U);
}

TEST(StoreBackupTest, ARestoredStoreIsAStoreLikeAnyOther) {
    const TemporaryFolder folder;
    const TemporaryFolder other;
    const auto store = testing::open_store(folder.path());
    fill(*store);
    make(*store, folder.path() / "backup.db", [](std::size_t) {});
    testing::commit(*restored(folder.path() / "backup.db", other.path()),
                    {put_job(3, JobState::Queued)});
    const auto again = testing::open_store(other.path());
    EXPECT_EQ(again->jobs().size(), 3U);
    EXPECT_EQ(again->outputs(JobId{2}, 0)->size(), 1U);
}

TEST(StoreBackupTest, SaysWhereItCannotBeWritten) {
    const TemporaryFolder folder;
    const auto store = testing::open_store(folder.path());
    const auto backup = store->begin_backup(folder.path() / "none" / "backup.db");
    ASSERT_FALSE(backup);
    EXPECT_EQ(backup.error().code, ErrorCode::Unavailable);
    EXPECT_NE(backup.error().message.find("none/backup.db"), std::string::npos)
        << backup.error().message;
}

}  // namespace
}  // namespace netcompute::store
