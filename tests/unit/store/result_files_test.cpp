#include "store/files.hpp"
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

constexpr std::size_t large = 300'000;

std::set<std::string> names(const TemporaryFolder& folder) {
    std::set<std::string> found;
    for (const auto& entry : fs::directory_iterator{folder.path() / "results"}) {
        found.insert(entry.path().filename().string());
    }
    return found;
}

Record in_round(Record put, RoundIndex round) {
    std::get<PutOutputs>(put).round = round;
    return put;
}

// Outputs that are large lie in files, and go with their rounds and jobs.
TEST(ResultFilesTest, FilesComeAndGoWithTheRowsThatNameThem) {
    const TemporaryFolder folder;
    const auto store = testing::open_store(folder.path());
    testing::commit(*store,
                    {put_job(1, JobState::Running), put_job(2, JobState::Running),
                     put_sized_output(1, 0, large), put_sized_output(1, 1, 100),
                     in_round(put_sized_output(1, 0, large), 1), put_sized_output(2, 0, large)});
    EXPECT_EQ(names(folder), (std::set<std::string>{"1-0-1", "1-1-3", "2-0-4"}));
    const auto outputs = store->outputs(JobId{1}, 1);
    ASSERT_TRUE(outputs) << outputs.error().message;
    ASSERT_EQ(outputs->size(), 1U);
    EXPECT_EQ(Bytes(outputs->front().bytes.begin(), outputs->front().bytes.end()), Bytes(large));
    testing::commit(*store, {RewindJob{JobId{1}, 0}});
    EXPECT_EQ(names(folder), (std::set<std::string>{"1-0-1", "2-0-4"}));
    testing::commit(*store, {put_job(1, JobState::Succeeded)});
    EXPECT_EQ(names(folder), std::set<std::string>{"2-0-4"});
}

// Large outputs can be written before their commit, which then waits for no disk: the folder may
// as well be gone.
TEST(ResultFilesTest, StagedFilesAreNotWrittenAgain) {
    const TemporaryFolder folder;
    const auto store = testing::open_store(folder.path());
    testing::commit(*store, {put_job(1, JobState::Running)});
    EXPECT_FALSE(store->stage(std::vector{put_sized_output(1, 0, 100)})) << "that lies in a row";
    const std::vector<Record> records{put_sized_output(1, 0, 100), testing::confirm(1, 0, 0),
                                      put_sized_output(1, 1, large), put_sized_output(1, 2, large)};
    const SlowWork work = store->stage(records);
    ASSERT_TRUE(work);
    ASSERT_TRUE(work());
    EXPECT_EQ(names(folder), (std::set<std::string>{"1-0-3", "1-0-4"}));
    EXPECT_EQ(store->outputs(JobId{1}, 0)->size(), 0U) << "nothing names them yet";
    fs::rename(folder.path() / "results", folder.path() / "away");
    testing::commit(*store, records, Durability::Process);
    fs::rename(folder.path() / "away", folder.path() / "results");
    EXPECT_EQ(store->outputs(JobId{1}, 0)->size(), 3U);
}

// A power cut may give them their rows again until then.
TEST(ResultFilesTest, FilesGoOnceItIsFlushedThatNoRowNamesThem) {
    const TemporaryFolder folder;
    const auto store = testing::open_store(folder.path());
    testing::commit(*store, {put_job(1, JobState::Running), put_sized_output(1, 0, large)});
    testing::commit(*store, {put_job(1, JobState::Succeeded)}, Durability::Process);
    EXPECT_EQ(names(folder), std::set<std::string>{"1-0-1"});
    ASSERT_TRUE(store->flush()());
    EXPECT_EQ(names(folder), std::set<std::string>{});
}

// A job may end while they are written: then they go.
TEST(ResultFilesTest, StagedFilesOfAJobThatIsOverGo) {
    const TemporaryFolder folder;
    const auto store = testing::open_store(folder.path());
    testing::commit(*store, {put_job(1, JobState::Running)});
    const std::vector<Record> records{put_job(1, JobState::Cancelled),
                                      put_sized_output(1, 0, large)};
    ASSERT_TRUE(store->stage(records)());
    EXPECT_EQ(names(folder), std::set<std::string>{"1-0-1"});
    testing::commit(*store, records);
    EXPECT_EQ(names(folder), std::set<std::string>{});
}

// A master that was killed between a file and its row leaves a file that nobody will ever read.
TEST(ResultFilesTest, FilesThatNoRowNamesAreRemovedAtTheStart) {
    const TemporaryFolder folder;
    testing::commit(*testing::open_store(folder.path()),
                    {put_job(1, JobState::Running), put_sized_output(1, 0, large)});
    folder.write("results/1-0-2", "not named");
    folder.write("results/other", "not ours");
    const auto store = testing::open_store(folder.path());
    EXPECT_EQ(names(folder), std::set<std::string>{"1-0-1"});
    EXPECT_EQ(store->outputs(JobId{1}, 0)->size(), 1U);
}

TEST(ResultFilesTest, AFileThatIsNotWhatItWasIsNamed) {
    const TemporaryFolder folder;
    const auto store = testing::open_store(folder.path());
    testing::commit(*store, {put_job(1, JobState::Running), put_sized_output(1, 0, large)});
    const auto path = folder.write("results/1-0-1", "short");
    const auto work = store->work(JobId{1});
    ASSERT_FALSE(work);
    EXPECT_EQ(work.error().message,
              shown_path(path) +
                  ": holds 5 bytes of results instead of 300008; put a copy in its "
                  "place, or cancel job 1 and submit it again");
    fs::remove(path);
    const auto outputs = store->outputs(JobId{1}, 0);
    ASSERT_FALSE(outputs);
    EXPECT_NE(outputs.error().message.find(shown_path(path)), std::string::npos);
}

}  // namespace
}  // namespace netcompute::store
