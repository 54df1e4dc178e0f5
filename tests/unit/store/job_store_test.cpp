#include "store/job_store.hpp"

#include "memory_job_store.hpp"
#include "store_records.hpp"
#include "temporary_folder.hpp"

#include <gtest/gtest.h>

namespace netcompute::store {
namespace {

using testing::commit;
using testing::confirm;
using testing::put_job;
using testing::put_outputs;

/// What any store keeps to.
class JobStoreTest : public ::testing::TestWithParam<std::string_view> {
 protected:
    std::unique_ptr<JobStore> open(JobStoreLimits limits = {}) {
        if (GetParam() == "Memory") return std::make_unique<MemoryJobStore>(limits);
        return testing::open_store(folder_.path(), limits);
    }

 private:
    test_support::TemporaryFolder folder_;
};
INSTANTIATE_TEST_SUITE_P(, JobStoreTest, ::testing::Values("Memory", "Sqlite"),
                         [](const auto& kind) { return std::string{kind.param}; });

TEST_P(JobStoreTest, TheLatestRecordOfAJobIsWhatIsKnown) {
    const auto store = open();
    EXPECT_EQ(store->next_job_id(), JobId{1});
    commit(*store, {put_job(1, JobState::Queued), put_job(2, JobState::Queued),
                    put_job(1, JobState::Running)});
    ASSERT_TRUE(store->job(JobId{1}).has_value());
    EXPECT_EQ(store->job(JobId{1})->state, JobState::Running);
    EXPECT_EQ(store->jobs().size(), 2U);
    EXPECT_EQ(store->next_job_id(), JobId{3});
    EXPECT_FALSE(store->job(JobId{3}).has_value());
}

// A master that runs for months keeps the newest of its ended jobs, and every one that runs.
TEST_P(JobStoreTest, OldEndedJobsGoAndRunningOnesStay) {
    const auto store = open({.ended_jobs_max = 3});
    commit(*store, {put_job(1, JobState::Running)});
    for (std::uint64_t id = 2; id <= 6; ++id) commit(*store, {put_job(id, JobState::Succeeded)});
    ASSERT_EQ(store->jobs().size(), 4U);
    EXPECT_TRUE(store->job(JobId{1}).has_value());
    EXPECT_FALSE(store->job(JobId{3}).has_value());
    const auto newest = store->newest_ended(2);
    ASSERT_EQ(newest.size(), 2U);
    EXPECT_EQ(newest[0].id, JobId{6});
    EXPECT_EQ(newest[1].id, JobId{5});
    EXPECT_EQ(store->next_job_id(), JobId{7});
}

// A list shows the newest jobs that fit, and of each no more than a line can hold.
TEST_P(JobStoreTest, AListOfEndedJobsIsShort) {
    const auto store = open();
    for (std::uint64_t id = 1; id <= 5; ++id) {
        JobRecord job = testing::job_record(id, id == 2 ? JobState::Failed : JobState::Succeeded);
        job.name = id == 4 ? "Night run" : "";
        job.params = std::string(60'000, 'p');
        job.result = std::string(5'000, 'r');
        if (id == 2) job.error = Error{ErrorCode::Internal, std::string(5'000, 'e')};
        commit(*store, {PutJob{job}});
    }
    commit(*store, {put_job(6, JobState::Running)});
    const auto ids = [&](const EndedJobsQuery& query) {
        std::string text;
        for (const JobRecord& job : store->ended_jobs(query)) text += std::to_string(job.id.value);
        return text;
    };
    EXPECT_EQ(ids({}), "54321");
    EXPECT_EQ(ids({.count_max = 2}), "54");
    EXPECT_EQ(ids({.count_max = 2, .before = JobId{4}}), "32");
    EXPECT_EQ(ids({.state = JobState::Failed}), "2");
    EXPECT_EQ(ids({.text = "night"}), "4");
    EXPECT_EQ(ids({.text = "%"}), "");
    const JobRecord failed = store->ended_jobs({.state = JobState::Failed}).at(0);
    EXPECT_EQ(failed.params, "");
    EXPECT_EQ(failed.result, std::string(short_result_bytes_max, 'r') + "…");
    EXPECT_EQ(failed.error->message, std::string(short_error_bytes_max, 'e') + "…");
    EXPECT_EQ(store->newest_ended(5).at(3), failed);
}

// A submission that is repeated with its key is found, as long as the job is kept.
TEST_P(JobStoreTest, AJobIsFoundByTheKeyOfItsSubmission) {
    const auto store = open({.ended_jobs_max = 1});
    JobRecord job = testing::job_record(1, JobState::Running);
    job.idempotency_key = "k-1";
    commit(*store, {PutJob{job}, put_job(2, JobState::Running)});
    EXPECT_EQ(store->job_of_key("k-1"), JobId{1});
    EXPECT_EQ(store->job(JobId{1})->idempotency_key, "k-1");
    EXPECT_EQ(store->job_of_key("k-2"), std::nullopt);
    job.state = JobState::Succeeded;
    commit(*store, {PutJob{job}});
    EXPECT_EQ(store->job_of_key("k-1"), JobId{1});
    commit(*store, {put_job(2, JobState::Succeeded)});
    EXPECT_EQ(store->job_of_key("k-1"), std::nullopt);
}

// A text is cut between two characters, never within one.
TEST(ShortenedTest, ACutTextIsStillUtf8) {
    EXPECT_EQ(cut_text("abc", 3), "abc");
    EXPECT_EQ(cut_text("abcd", 3), "abc…");
    EXPECT_EQ(cut_text("aéé", 2), "a…");
}

// An output that takes another's place is not confirmed by who confirmed the other one.
TEST_P(JobStoreTest, TheLastOutputOfATaskCountsAndNeedsItsOwnConfirmation) {
    const auto store = open();
    commit(*store, {put_job(1, JobState::Running), put_outputs(1, 0, 5, {{0, "a"}, {1, "b"}}),
                    confirm(1, 0, 0), confirm(1, 0, 1), put_outputs(1, 0, 6, {{1, "B"}})});
    EXPECT_EQ(testing::outputs_text(*store, 1, 0), "0=a 1=B");
    const auto work = store->work(JobId{1});
    ASSERT_TRUE(work);
    EXPECT_EQ(testing::votes_text(*work), "0/0 by 5 confirmed, 0/1 by 6");
    EXPECT_EQ(work->votes[1].sha256, sha256(as_byte_span("B")));
}

// The engine hands over what workers sent; the store keeps it alive and copies nothing.
TEST(MemoryJobStoreTest, OutputsAreTheOwnersOwnBytes) {
    MemoryJobStore store;
    const Record put = put_outputs(1, 0, 5, {{0, "bytes"}});
    commit(store, {put_job(1, JobState::Running), put});
    const auto outputs = store.outputs(JobId{1}, 0);
    ASSERT_TRUE(outputs);
    ASSERT_EQ(outputs->size(), 1U);
    EXPECT_EQ(outputs->front().bytes.data(), std::get<PutOutputs>(put).owner->data());
    EXPECT_EQ(outputs->front().owner, std::get<PutOutputs>(put).owner);
}

TEST_P(JobStoreTest, AJobThatIsOverKeepsItsReceiptAndNoWork) {
    const auto store = open();
    commit(*store,
           {put_job(1, JobState::Running), put_outputs(1, 0, 5, {{0, "a"}}),
            PutLease{testing::lease_record(9, 1, 0, {0})}, testing::put_checkpoint(1, 0, "state")});
    commit(*store, {put_job(1, JobState::Succeeded), testing::put_receipt(1, "receipt"),
                    put_outputs(1, 0, 5, {{1, "too late"}})});
    const auto work = store->work(JobId{1});
    ASSERT_TRUE(work);
    EXPECT_EQ(*work, JobWork{});
    EXPECT_EQ(testing::outputs_text(*store, 1, 0), "");
    EXPECT_EQ(store->receipt(JobId{1}), testing::bytes_of("receipt"));
    EXPECT_EQ(store->last_lease_id(), LeaseId{9});
}

TEST_P(JobStoreTest, ARewoundJobForgetsLaterRoundsAndItsLeases) {
    const auto store = open();
    commit(*store,
           {put_job(1, JobState::Running), testing::put_checkpoint(1, 0, "zero"),
            put_outputs(1, 0, 5, {{0, "a"}}), testing::put_checkpoint(1, 1, "one"),
            put_outputs(1, 1, 5, {{0, "b"}}), PutLease{testing::lease_record(1, 1, 1, {0})}});
    commit(*store, {RewindJob{JobId{1}, 0}});
    const auto work = store->work(JobId{1});
    ASSERT_TRUE(work);
    EXPECT_EQ(work->checkpoints,
              (std::vector<StoredCheckpoint>{{0, sha256(as_byte_span("zero"))}}));
    EXPECT_EQ(testing::votes_text(*work), "0/0 by 5");
    EXPECT_TRUE(work->leases.empty());
}

TEST_P(JobStoreTest, LeasesOfEarlierRoundsGoWithTheNextCheckpoint) {
    const auto store = open();
    const LeaseRecord next = testing::lease_record(2, 1, 1, {0, 1});
    commit(*store,
           {put_job(1, JobState::Running), PutLease{testing::lease_record(1, 1, 0, {0, 1, 2})},
            testing::put_checkpoint(1, 1, "one"), PutLease{next}});
    const auto work = store->work(JobId{1});
    ASSERT_TRUE(work);
    EXPECT_EQ(work->leases, std::vector<LeaseRecord>{next});
}

TEST_P(JobStoreTest, AForgottenWorkersIdIsNotFreeAgain) {
    const auto store = open();
    commit(*store, {PutWorker{testing::worker_record(1, "one")},
                    PutWorker{testing::worker_record(2, "two")}, ForgetWorker{WorkerId{2}}});
    EXPECT_EQ(store->workers(), std::vector<WorkerRecord>{testing::worker_record(1, "one")});
    EXPECT_EQ(store->last_worker_id(), WorkerId{2});
}

// What a job wrote stays known when the job itself is forgotten: later ones may replace it.
TEST_P(JobStoreTest, WrittenFilesAreKnownByTheirNamesTheLastOneCounts) {
    const auto store = open();
    const WrittenFileRecord other{"Data/b.csv", 1, sha256({})};
    const WrittenFileRecord last{"Data/a.csv", 3, sha256(testing::bytes_of("new"))};
    commit(*store, {PutWrittenFile{other}, PutWrittenFile{{"Data/a.csv", 2, {}}}});
    commit(*store, {PutWrittenFile{last}});
    EXPECT_EQ(store->written_files(), (std::vector<WrittenFileRecord>{last, other}));
}

// A job that is over keeps what its receipt is made from, within a limit; with it the job goes.
TEST_P(JobStoreTest, TheOldestReceiptsGoWhenAllOfThemAreTooLarge) {
    const auto store = open({.receipt_bytes_max = 10});
    commit(*store, {put_job(1, JobState::Succeeded), testing::put_receipt(1, "12345678")});
    commit(*store, {put_job(2, JobState::Cancelled)});
    commit(*store, {put_job(3, JobState::Succeeded), testing::put_receipt(3, "abcdefgh")});
    EXPECT_FALSE(store->job(JobId{1}).has_value());
    EXPECT_FALSE(store->receipt(JobId{1}).has_value());
    EXPECT_TRUE(store->job(JobId{2}).has_value());
    EXPECT_EQ(store->receipt(JobId{3}), testing::bytes_of("abcdefgh"));
}

TEST_P(JobStoreTest, RecordsOfAnUnknownJobChangeNothing) {
    const auto store = open();
    commit(*store, {put_outputs(1, 0, 5, {{0, "a"}}), testing::put_checkpoint(1, 0, "state"),
                    testing::put_receipt(1, "receipt"), RewindJob{JobId{1}, 0}, confirm(1, 0, 0)});
    commit(*store, {put_job(1, JobState::Running), confirm(1, 0, 0)});
    const auto work = store->work(JobId{1});
    ASSERT_TRUE(work);
    EXPECT_EQ(*work, JobWork{});
    EXPECT_FALSE(store->receipt(JobId{1}).has_value());
}

}  // namespace
}  // namespace netcompute::store
