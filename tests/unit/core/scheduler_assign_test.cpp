#include "scheduler_steps.hpp"

namespace netcompute::core {
namespace {

// A job that comes before any worker waits; the first worker gets its first task at once.
TEST(SchedulerAssignTest, AJobWaitsForWorkersAndStartsWithTheFirstOne) {
    SchedulerSteps steps;
    EXPECT_TRUE(steps.step(start, round_of(1)).empty());
    EXPECT_EQ(steps.scheduler.available_worker_count(), 0U);
    EXPECT_EQ(steps.step(start + 1s, WorkerJoined{first, 1}),
              (Effects{PublishWorker{first, WorkerState::Idle},
                       AssignTasks{LeaseId{1}, first, job, 0, {0}, start + 11s},
                       PublishWorker{first, WorkerState::Busy}}));
}

// Speed is not known yet, so a worker starts with one task a slot, and as many ahead.
TEST(SchedulerAssignTest, AnUnknownWorkerGetsOneTaskASlotAndOneLeaseAhead) {
    SchedulerSteps steps;
    steps.step(start, WorkerJoined{first, 4});
    steps.step(start, round_of(100));
    ASSERT_EQ(steps.assigned.size(), 2U);
    EXPECT_EQ(steps.assigned[0].tasks, (std::vector<TaskIndex>{0, 1, 2, 3}));
    EXPECT_EQ(steps.assigned[1].tasks, (std::vector<TaskIndex>{4, 5, 6, 7}));
}

// Every idle worker gets work before anyone gets a lease ahead.
TEST(SchedulerAssignTest, IdleWorkersComeBeforeLeasesAhead) {
    SchedulerSteps steps;
    steps.step(start, WorkerJoined{first, 1});
    steps.step(start, WorkerJoined{second, 1});
    steps.step(start, round_of(3));
    ASSERT_EQ(steps.assigned.size(), 3U);
    EXPECT_EQ(steps.assigned[0].worker, first);
    EXPECT_EQ(steps.assigned[1].worker, second);
    EXPECT_EQ(steps.assigned[2].worker, first);
}

// Once its speed is known, a lease holds about a second of work.
TEST(SchedulerAssignTest, ALeaseHoldsASecondOfWorkAtTheMeasuredSpeed) {
    SchedulerSteps steps;
    steps.step(start, WorkerJoined{first, 2});
    steps.step(start, round_of(1'000'000));
    steps.step(start + 10ms, SchedulerSteps::outputs_of(steps.assigned[0], 0.01));
    // Ten milliseconds a task on each of two slots: 200 tasks a second.
    EXPECT_EQ(steps.newest_lease(first).tasks.size(), 200U);
}

// A worker may say anything about its speed; what it is given stays within bounds.
TEST(SchedulerAssignTest, AWorkersClaimsAboutItsSpeedAreBounded) {
    for (const double claim : {0.0, -1.0, 1e-300, std::numeric_limits<double>::quiet_NaN(),
                               std::numeric_limits<double>::infinity(), 1e300}) {
        SchedulerSteps steps;
        steps.step(start, WorkerJoined{first, 1});
        steps.step(start, round_of(1'000'000));
        auto results = SchedulerSteps::outputs_of(steps.assigned[0]);
        results.busy_seconds = claim;
        steps.step(start + 1ms, results);
        const AssignTasks lease = steps.newest_lease(first);
        EXPECT_GE(lease.tasks.size(), 1U) << claim;
        EXPECT_LE(lease.tasks.size(), SchedulerLimits{}.batch_tasks_max) << claim;
        EXPECT_GE(lease.deadline, start + 10s) << claim;
        EXPECT_LE(lease.deadline, start + 11s) << claim << ": it had its tasks for a millisecond";
    }
}

// A worker that claims to have computed for weeks does not put off the second copies of tasks
// that are late: nobody can have computed for longer than it had the lease.
TEST(SchedulerAssignTest, AClaimIsBoundedByTheTimeSinceTheLease) {
    SchedulerSteps steps;
    steps.step(start, WorkerJoined{first, 1});
    steps.step(start, WorkerJoined{second, 1});
    steps.step(start, round_of(2));
    ASSERT_EQ(steps.assigned.size(), 2U);
    steps.step(start + 100ms, SchedulerSteps::outputs_of(steps.newest_lease(first), 1e6));
    EXPECT_LE(steps.scheduler.next_deadline(), start + 1s);
}

// Near its end a round goes out in small leases, so that no worker waits long for another.
TEST(SchedulerAssignTest, LeasesShrinkTowardsTheEndOfARound) {
    SchedulerSteps steps;
    steps.step(start, WorkerJoined{first, 1});
    steps.step(start, WorkerJoined{second, 1});
    steps.step(start, round_of(64));
    Instant now = start;
    std::vector<std::size_t> sizes;
    for (std::size_t next = 0; next < steps.assigned.size(); ++next) {
        now += 1ms;
        sizes.push_back(steps.assigned[next].tasks.size());
        steps.step(now, SchedulerSteps::outputs_of(AssignTasks{steps.assigned[next]}, 1e-5));
    }
    EXPECT_EQ(steps.last<CompleteRound>(), (std::vector{CompleteRound{job, 0}}));
    EXPECT_GT(*std::max_element(sizes.begin(), sizes.end()), 8U);
    EXPECT_EQ(sizes.back(), 1U);
}

// The frame that carries a lease stays small however tiny its tasks are.
TEST(SchedulerAssignTest, ALeaseIsBoundedInBytes) {
    SchedulerSteps steps;
    steps.step(start, WorkerJoined{first, 1});
    steps.step(start,
               RoundStarted{job, 0, 1000, std::uint64_t{1} << 18, 0, {ValidationMode::None}});
    steps.step(start + 1ms, SchedulerSteps::outputs_of(steps.assigned[0], 1e-6));
    EXPECT_EQ(steps.newest_lease(first).tasks.size(), 4U);
}

// In the next round each worker does the shards that it did before: it holds their blobs.
TEST(SchedulerAssignTest, AWorkerGetsItsOwnShardsAgainInTheNextRound) {
    SchedulerSteps steps;
    steps.step(start, WorkerJoined{first, 1});
    steps.step(start, WorkerJoined{second, 1});
    steps.step(start, round_of(4));
    std::map<TaskIndex, WorkerId> homes;
    for (const AssignTasks& lease : std::vector{steps.assigned}) {
        for (const TaskIndex index : lease.tasks) homes[index] = lease.worker;
        steps.step(start + 1ms, SchedulerSteps::outputs_of(lease));
    }
    steps.assigned.clear();
    steps.step(start + 2ms, round_of(4, 1));
    ASSERT_FALSE(steps.assigned.empty());
    for (const AssignTasks& lease : steps.assigned) {
        for (const TaskIndex index : lease.tasks) EXPECT_EQ(homes.at(index), lease.worker);
    }
}

// A shard whose home is gone goes to anyone, and an idle worker takes what others have waiting.
TEST(SchedulerAssignTest, ShardsOfAWorkerThatIsGoneGoToOthers) {
    SchedulerSteps steps;
    steps.step(start, WorkerJoined{first, 1});
    steps.step(start, WorkerJoined{second, 1});
    steps.step(start, round_of(2));
    for (const AssignTasks& lease : std::vector{steps.assigned}) {
        steps.step(start + 1ms, SchedulerSteps::outputs_of(lease));
    }
    steps.step(start + 2ms, WorkerDisconnected{second});
    steps.assigned.clear();
    steps.step(start + 3ms, round_of(2, 1));
    ASSERT_EQ(steps.assigned.size(), 2U);
    EXPECT_EQ(steps.assigned[0].worker, first);
    EXPECT_EQ(steps.assigned[1].worker, first);
}

// The higher priority goes first; equal ones share the workers.
TEST(SchedulerAssignTest, PriorityGoesFirstAndEqualJobsShare) {
    SchedulerSteps steps;
    const JobId low{1}, high{2}, other_high{3};
    steps.step(start, RoundStarted{low, 0, 10, 64, 0, {ValidationMode::None}});
    steps.step(start, RoundStarted{high, 0, 10, 64, 5, {ValidationMode::None}});
    steps.step(start, RoundStarted{other_high, 0, 10, 64, 5, {ValidationMode::None}});
    steps.step(start, WorkerJoined{first, 1});
    steps.step(start, WorkerJoined{second, 1});
    std::map<JobId, int> leases;
    for (const AssignTasks& lease : steps.assigned) ++leases[lease.job];
    EXPECT_EQ(leases, (std::map<JobId, int>{{high, 2}, {other_high, 2}}));
}

// A worker that may not have the task of the job whose turn it is serves the next job, instead of
// none.
TEST(SchedulerAssignTest, AWorkerThatAvoidsAJobsTaskServesTheOtherJob) {
    SchedulerSteps steps{{.leases_per_worker_max = 1}};
    const JobId high{2}, low{3};
    steps.step(start, WorkerJoined{first, 1});
    steps.step(start, RoundStarted{high, 0, 2, 64, 5, {ValidationMode::None}});
    steps.step(start, WorkerJoined{second, 1});
    steps.step(start, RoundStarted{low, 0, 1, 64, 0, {ValidationMode::None}});
    const Error no_memory{ErrorCode::OutOfMemory, "2 GiB"};
    steps.step(start + 1s, SchedulerSteps::failure_of(steps.newest_lease(first), no_memory));
    EXPECT_EQ(steps.newest_lease(first).job, low);
    EXPECT_EQ(steps.scheduler.round(high)->pending_count, 1U) << "it waits for the other worker";
}

// A paused worker keeps what it has and gets nothing new, until it resumes.
TEST(SchedulerAssignTest, APausedWorkerGetsNothingNew) {
    SchedulerSteps steps;
    steps.step(start, WorkerJoined{first, 1});
    steps.step(start + 1s, HeartbeatReceived{first, {}, 1, true});
    EXPECT_EQ(steps.scheduler.worker(first)->state, WorkerState::Draining);
    steps.step(start + 2s, round_of(1));
    EXPECT_TRUE(steps.assigned.empty());
    steps.step(start + 3s, HeartbeatReceived{first, {}, 1, false});
    EXPECT_EQ(steps.assigned.size(), 1U);
}

// A job that is over takes its leases along, and whoever works on them is told.
TEST(SchedulerAssignTest, TheEndOfAJobRevokesItsLeases) {
    SchedulerSteps steps;
    steps.step(start, WorkerJoined{first, 1});
    steps.step(start, round_of(2));
    steps.step(start + 1s, JobEnded{job});
    EXPECT_EQ(steps.last<RevokeLease>(),
              (std::vector{RevokeLease{LeaseId{1}, first, RevokeReason::JobEnded},
                           RevokeLease{LeaseId{2}, first, RevokeReason::JobEnded}}));
    EXPECT_FALSE(steps.scheduler.round(job).has_value());
    EXPECT_EQ(steps.scheduler.worker(first)->state, WorkerState::Idle);
}

// A job may have kernels of different costs: what is known of one says nothing of another, and is
// known again when the job comes back to it.
TEST(SchedulerTest, EachKernelOfAJobHasItsSpeed) {
    SchedulerSteps steps;
    Instant now = start;
    steps.step(now, believed(first));
    const auto first_batch_of = [&](RoundIndex round, std::uint32_t kernel, double seconds_each) {
        RoundStarted event = round_of(1000, round);
        event.kernel = kernel;
        steps.assigned.clear();
        steps.step(now, event);
        const std::size_t count = steps.assigned.at(0).tasks.size();
        // All of it is done, for the measuring.
        for (std::size_t next = 0; next < steps.assigned.size(); ++next) {
            const AssignTasks lease = steps.assigned[next];
            const auto busy = seconds_each * static_cast<double>(lease.tasks.size());
            now += std::chrono::duration_cast<Duration>(std::chrono::duration<double>{busy});
            steps.step(now, SchedulerSteps::outputs_of(lease, seconds_each));
        }
        return count;
    };
    EXPECT_EQ(first_batch_of(0, 0, 0.01), 1U) << "nothing is known";
    EXPECT_GT(first_batch_of(1, 0, 0.01), 50U);
    EXPECT_EQ(first_batch_of(2, 1, 1), 1U) << "of this kernel nothing is";
    EXPECT_GT(first_batch_of(3, 0, 0.01), 50U);
    EXPECT_EQ(first_batch_of(4, 1, 1), 1U) << "it takes a second for each task";
}

}  // namespace
}  // namespace netcompute::core
