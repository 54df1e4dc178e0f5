#include "store/job_store.hpp"

#include <gtest/gtest.h>

namespace netcompute::store {
namespace {

JobRecord record(std::uint64_t id, JobState state) {
    JobRecord job;
    job.id = JobId{id};
    job.state = state;
    return job;
}

TEST(MemoryJobStoreTest, TheLatestRecordOfAJobIsWhatIsKnown) {
    MemoryJobStore store;
    EXPECT_EQ(store.next_job_id(), JobId{1});
    ASSERT_TRUE(store.commit(std::vector<Record>{PutJob{record(1, JobState::Queued)},
                                                 PutJob{record(2, JobState::Queued)},
                                                 PutJob{record(1, JobState::Running)}}));
    ASSERT_TRUE(store.job(JobId{1}).has_value());
    EXPECT_EQ(store.job(JobId{1})->state, JobState::Running);
    EXPECT_EQ(store.jobs().size(), 2U);
    EXPECT_EQ(store.next_job_id(), JobId{3});
    EXPECT_FALSE(store.job(JobId{3}).has_value());
}

// A master that runs for months keeps the newest of its ended jobs, and every one that runs.
TEST(MemoryJobStoreTest, OldEndedJobsGoAndRunningOnesStay) {
    MemoryJobStore store;
    ASSERT_TRUE(store.commit(std::vector<Record>{PutJob{record(1, JobState::Running)}}));
    const std::uint64_t last = MemoryJobStore::ended_jobs_max + 10;
    for (std::uint64_t id = 2; id <= last; ++id) {
        ASSERT_TRUE(store.commit(std::vector<Record>{PutJob{record(id, JobState::Succeeded)}}));
    }
    EXPECT_EQ(store.jobs().size(), MemoryJobStore::ended_jobs_max + 1);
    EXPECT_TRUE(store.job(JobId{1}).has_value());
    EXPECT_FALSE(store.job(JobId{2}).has_value());
    const auto newest = store.newest_ended(3);
    ASSERT_EQ(newest.size(), 3U);
    EXPECT_EQ(newest[0].id, JobId{last});
}

}  // namespace
}  // namespace netcompute::store
