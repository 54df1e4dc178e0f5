#include "scheduler_steps.hpp"

namespace netcompute::core {
namespace {

const Error bad_input{ErrorCode::InvalidArgument, "label 7 is neither 0 nor 1"};

// A task that fails by itself is tried once more, elsewhere; then the job fails with its error.
TEST(SchedulerFailureTest, ATaskThatFailsOnTwoWorkersFailsItsJob) {
    SchedulerSteps steps;
    steps.step(start, WorkerJoined{first, 1});
    steps.step(start, round_of(1));
    steps.step(start + 1s, WorkerJoined{second, 1});
    steps.step(start + 2s, SchedulerSteps::failure_of(steps.newest_lease(first), bad_input));
    EXPECT_TRUE(steps.last<FailJob>().empty());
    ASSERT_EQ(steps.newest_lease(second).tasks, (std::vector<TaskIndex>{0}));
    steps.step(start + 3s, SchedulerSteps::failure_of(steps.newest_lease(second), bad_input));
    const auto failed = steps.last<FailJob>();
    ASSERT_EQ(failed.size(), 1U);
    EXPECT_EQ(failed[0].error.code, ErrorCode::InvalidArgument);
    EXPECT_NE(failed[0].error.message.find(bad_input.message), std::string::npos);
    EXPECT_EQ(steps.scheduler.worker(second)->state, WorkerState::Idle);
}

// With nobody else there, the only worker tries again: a job must end, not hang.
TEST(SchedulerFailureTest, TheOnlyWorkerTriesAFailedTaskAgain) {
    SchedulerSteps steps;
    steps.step(start, WorkerJoined{first, 1});
    steps.step(start, round_of(1));
    steps.step(start + 1s, SchedulerSteps::failure_of(steps.newest_lease(first), bad_input));
    ASSERT_EQ(steps.assigned.size(), 2U);
    steps.step(start + 2s, SchedulerSteps::failure_of(steps.newest_lease(first), bad_input));
    EXPECT_EQ(steps.last<FailJob>().size(), 1U);
}

// A blob that could not be fetched is the network's fault: four times are forgiven.
TEST(SchedulerFailureTest, AFailureOfTheNetworkIsForgivenFourTimes) {
    SchedulerSteps steps;
    steps.step(start, WorkerJoined{first, 1});
    steps.step(start, round_of(1));
    const Error no_blob{ErrorCode::Unavailable, "blob: connection refused"};
    for (int failure = 1; failure <= 5; ++failure) {
        steps.step(start + 1s, SchedulerSteps::failure_of(steps.newest_lease(first), no_blob));
        EXPECT_EQ(steps.last<FailJob>().size(), failure < 5 ? 0U : 1U) << failure;
    }
}

// A task that brings down every worker that runs it is reported, instead of going round for ever;
// tasks that only waited behind it are not to blame.
TEST(SchedulerFailureTest, ATaskThatBringsDownFiveWorkersFailsItsJob) {
    SchedulerSteps steps;
    steps.step(start, round_of(2));
    for (std::uint64_t number = 1; number <= 5; ++number) {
        const WorkerId worker{number};
        steps.step(start + std::chrono::seconds{number}, WorkerJoined{worker, 1});
        EXPECT_EQ(steps.newest_lease(worker).tasks.size(), 1U);
        steps.step(start + std::chrono::seconds{number}, WorkerDisconnected{worker});
        const bool may_be_last = number >= 5;
        EXPECT_TRUE(may_be_last || steps.last<FailJob>().empty()) << number;
    }
    // Two tasks take turns at the front, so it takes up to nine losses.
    for (std::uint64_t number = 6; number <= 9 && steps.last<FailJob>().empty(); ++number) {
        steps.step(start + std::chrono::seconds{number}, WorkerJoined{WorkerId{number}, 1});
        steps.step(start + std::chrono::seconds{number}, WorkerDisconnected{WorkerId{number}});
    }
    const auto failed = steps.last<FailJob>();
    ASSERT_EQ(failed.size(), 1U);
    EXPECT_NE(failed[0].error.message.find("lost 5 times"), std::string::npos);
}

// A flaky link drops a worker again and again in the middle of one long task: it comes back with
// its session, so it did not crash, and the job must not fail for it.
TEST(SchedulerFailureTest, AWorkerThatResumesTakesItsBlameBack) {
    SchedulerSteps steps;
    steps.step(start, round_of(1));
    steps.step(start, WorkerJoined{first, 1});
    for (int drop = 1; drop <= 20; ++drop) {
        steps.step(start + std::chrono::seconds{drop}, WorkerDisconnected{first});
        ASSERT_TRUE(steps.last<FailJob>().empty()) << drop;
        steps.step(start + std::chrono::seconds{drop}, WorkerJoined{first, 1, true});
    }
    // One that comes back without its session was started anew, and five such losses are enough.
    for (int crash = 1; crash <= 5; ++crash) {
        ASSERT_TRUE(steps.last<FailJob>().empty()) << crash;
        steps.step(start + 30s, WorkerDisconnected{first});
        if (crash < 5) steps.step(start + 30s, WorkerJoined{first, 1});
    }
    EXPECT_EQ(steps.last<FailJob>().size(), 1U);
}

// People switch their PCs off all day; a worker that says goodbye is never held against a task.
TEST(SchedulerFailureTest, WorkersThatLeaveProperlyAreNotHeldAgainstTheirTask) {
    SchedulerSteps steps;
    steps.step(start, round_of(1));
    for (std::uint64_t number = 1; number <= 100; ++number) {
        steps.step(start, WorkerJoined{WorkerId{number}, 1});
        steps.step(start, WorkerLeft{WorkerId{number}});
        ASSERT_TRUE(steps.last<FailJob>().empty()) << number;
    }
    EXPECT_EQ(steps.scheduler.round(job)->pending_count, 1U);
}

// The same outcome sent twice, as after a reconnection, counts once.
TEST(SchedulerFailureTest, AResultThatIsSentAgainCountsOnce) {
    SchedulerSteps steps;
    steps.step(start, WorkerJoined{first, 2});
    steps.step(start, round_of(4));
    auto results = SchedulerSteps::outputs_of(steps.assigned[0]);
    results.outcomes.pop_back();
    steps.step(start + 1s, results);
    EXPECT_EQ(steps.last<RecordOutputs>().size(), 1U);
    steps.step(start + 1s, results);
    EXPECT_TRUE(steps.last<RecordOutputs>().empty());
    EXPECT_EQ(steps.scheduler.round(job)->succeeded_count, 1U);
}

// What was never given cannot be answered: the session ends, and nothing is recorded.
TEST(SchedulerFailureTest, AResultForATaskThatWasNeverGivenEndsTheSession) {
    SchedulerSteps steps;
    steps.step(start, WorkerJoined{first, 1});
    steps.step(start, WorkerJoined{second, 1});
    steps.step(start, round_of(10));
    const AssignTasks lease = steps.newest_lease(first);
    const auto expect_refused = [&](ResultsReceived results, const char* what) {
        steps.step(start + 1s, results);
        const auto closed = steps.last<CloseSession>();
        ASSERT_EQ(closed.size(), 1U) << what;
        EXPECT_EQ(closed[0].worker, results.worker) << what;
        EXPECT_EQ(closed[0].error.code, ErrorCode::ProtocolViolation) << what;
        EXPECT_TRUE(steps.last<RecordOutputs>().empty()) << what;
    };
    auto unknown_lease = SchedulerSteps::outputs_of(lease);
    unknown_lease.lease = LeaseId{999};
    expect_refused(unknown_lease, "unknown lease");
    auto others_lease = SchedulerSteps::outputs_of(lease);
    others_lease.worker = second;
    expect_refused(others_lease, "another worker's lease");
    auto other_task = SchedulerSteps::outputs_of(lease);
    other_task.outcomes[0].index = 9;
    expect_refused(other_task, "a task of no lease of its own");
    auto other_round = SchedulerSteps::outputs_of(lease);
    other_round.round = 3;
    expect_refused(other_round, "another round");
}

// Results of a round that is over are too late to matter, and no offence.
TEST(SchedulerFailureTest, AResultOfARoundThatIsOverIsIgnored) {
    SchedulerSteps steps;
    steps.step(start, WorkerJoined{first, 1});
    steps.step(start, round_of(1));
    const AssignTasks lease = steps.newest_lease(first);
    steps.step(start + 1s, SchedulerSteps::outputs_of(lease));
    steps.step(start + 2s, round_of(1, 1));
    steps.step(start + 3s, SchedulerSteps::outputs_of(lease));
    EXPECT_TRUE(steps.last<CloseSession>().empty());
    EXPECT_TRUE(steps.last<RecordOutputs>().empty());
}

}  // namespace
}  // namespace netcompute::core
