#include "store/memory_job_store.hpp"

#include "store_records.hpp"

#include <gtest/gtest.h>

namespace netcompute::store {
namespace {

using testing::confirm;
using testing::put_job;
using testing::put_outputs;
using Records = std::vector<Record>;

void commit(JobStore& store, const Records& records) {
    const auto committed = store.commit(records, Durability::Power);
    ASSERT_TRUE(committed) << committed.error().message;
}

TEST(MemoryJobStoreTest, TheLatestRecordOfAJobIsWhatIsKnown) {
    MemoryJobStore store;
    EXPECT_EQ(store.next_job_id(), JobId{1});
    commit(store, {put_job(1, JobState::Queued), put_job(2, JobState::Queued),
                   put_job(1, JobState::Running)});
    ASSERT_TRUE(store.job(JobId{1}).has_value());
    EXPECT_EQ(store.job(JobId{1})->state, JobState::Running);
    EXPECT_EQ(store.jobs().size(), 2U);
    EXPECT_EQ(store.next_job_id(), JobId{3});
    EXPECT_FALSE(store.job(JobId{3}).has_value());
}

// A master that runs for months keeps the newest of its ended jobs, and every one that runs.
TEST(MemoryJobStoreTest, OldEndedJobsGoAndRunningOnesStay) {
    MemoryJobStore store{{.ended_jobs_max = 3}};
    commit(store, {put_job(1, JobState::Running)});
    for (std::uint64_t id = 2; id <= 6; ++id) commit(store, {put_job(id, JobState::Succeeded)});
    ASSERT_EQ(store.jobs().size(), 4U);
    EXPECT_TRUE(store.job(JobId{1}).has_value());
    EXPECT_FALSE(store.job(JobId{3}).has_value());
    const auto newest = store.newest_ended(2);
    ASSERT_EQ(newest.size(), 2U);
    EXPECT_EQ(newest[0].id, JobId{6});
    EXPECT_EQ(newest[1].id, JobId{5});
    EXPECT_EQ(store.next_job_id(), JobId{7});
}

// An output that takes another's place is not confirmed by who confirmed the other one.
TEST(MemoryJobStoreTest, TheLastOutputOfATaskCountsAndNeedsItsOwnConfirmation) {
    MemoryJobStore store;
    commit(store, {put_job(1, JobState::Running), put_outputs(1, 0, 5, {{0, "a"}, {1, "b"}}),
                   confirm(1, 0, 0), confirm(1, 0, 1), put_outputs(1, 0, 6, {{1, "B"}})});
    EXPECT_EQ(testing::outputs_text(store, 1, 0), "0=a 1=B");
    const auto work = store.work(JobId{1});
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

TEST(MemoryJobStoreTest, AJobThatIsOverKeepsItsReceiptAndNoWork) {
    MemoryJobStore store;
    commit(store,
           {put_job(1, JobState::Running), put_outputs(1, 0, 5, {{0, "a"}}),
            PutLease{testing::lease_record(9, 1, 0, {0})}, testing::put_checkpoint(1, 0, "state")});
    commit(store, {put_job(1, JobState::Succeeded), testing::put_receipt(1, "receipt"),
                   put_outputs(1, 0, 5, {{1, "too late"}})});
    const auto work = store.work(JobId{1});
    ASSERT_TRUE(work);
    EXPECT_EQ(*work, JobWork{});
    EXPECT_EQ(testing::outputs_text(store, 1, 0), "");
    EXPECT_EQ(store.receipt(JobId{1}), testing::bytes_of("receipt"));
    EXPECT_EQ(store.last_lease_id(), LeaseId{9});
}

TEST(MemoryJobStoreTest, ARewoundJobForgetsLaterRoundsAndItsLeases) {
    MemoryJobStore store;
    commit(store,
           {put_job(1, JobState::Running), testing::put_checkpoint(1, 0, "zero"),
            put_outputs(1, 0, 5, {{0, "a"}}), testing::put_checkpoint(1, 1, "one"),
            put_outputs(1, 1, 5, {{0, "b"}}), PutLease{testing::lease_record(1, 1, 1, {0})}});
    commit(store, {RewindJob{JobId{1}, 0}});
    const auto work = store.work(JobId{1});
    ASSERT_TRUE(work);
    EXPECT_EQ(work->checkpoints, (std::vector<StoredCheckpoint>{{0, testing::bytes_of("zero")}}));
    EXPECT_EQ(testing::votes_text(*work), "0/0 by 5");
    EXPECT_TRUE(work->leases.empty());
}

TEST(MemoryJobStoreTest, LeasesOfEarlierRoundsGoWithTheNextCheckpoint) {
    MemoryJobStore store;
    const LeaseRecord next = testing::lease_record(2, 1, 1, {0, 1});
    commit(store,
           {put_job(1, JobState::Running), PutLease{testing::lease_record(1, 1, 0, {0, 1, 2})},
            testing::put_checkpoint(1, 1, "one"), PutLease{next}});
    const auto work = store.work(JobId{1});
    ASSERT_TRUE(work);
    EXPECT_EQ(work->leases, std::vector<LeaseRecord>{next});
}

TEST(MemoryJobStoreTest, AForgottenWorkersIdIsNotFreeAgain) {
    MemoryJobStore store;
    commit(store, {PutWorker{testing::worker_record(1, "one")},
                   PutWorker{testing::worker_record(2, "two")}, ForgetWorker{WorkerId{2}}});
    EXPECT_EQ(store.workers(), std::vector<WorkerRecord>{testing::worker_record(1, "one")});
    EXPECT_EQ(store.last_worker_id(), WorkerId{2});
}

}  // namespace
}  // namespace netcompute::store
