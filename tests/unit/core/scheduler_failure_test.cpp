#include "scheduler_steps.hpp"

namespace netcompute::core {
namespace {

const Error bad_input{ErrorCode::InvalidArgument, "label 7 is neither 0 nor 1"};

// A task that fails by itself is tried once more, elsewhere; then the job fails with its error.
TEST(SchedulerFailureTest, ATaskThatFailsOnTwoWorkersFailsItsJob) {
    SchedulerSteps steps;
    steps.step(start, believed(first));
    steps.step(start, round_of(1));
    steps.step(start + 1s, believed(second));
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
    steps.step(start, believed(first));
    steps.step(start, round_of(1));
    steps.step(start + 1s, SchedulerSteps::failure_of(steps.newest_lease(first), bad_input));
    ASSERT_EQ(steps.assigned.size(), 2U);
    steps.step(start + 2s, SchedulerSteps::failure_of(steps.newest_lease(first), bad_input));
    EXPECT_EQ(steps.last<FailJob>().size(), 1U);
}

// A blob that could not be fetched is the network's fault: four times are forgiven.
TEST(SchedulerFailureTest, AFailureOfTheNetworkIsForgivenFourTimes) {
    SchedulerSteps steps;
    steps.step(start, proven(first));
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
        steps.step(start + std::chrono::seconds{number}, proven(worker));
        EXPECT_EQ(steps.newest_lease(worker).tasks.size(), 1U);
        steps.step(start + std::chrono::seconds{number}, WorkerDisconnected{worker});
        const bool may_be_last = number >= 5;
        EXPECT_TRUE(may_be_last || steps.last<FailJob>().empty()) << number;
    }
    // Two tasks take turns at the front, so it takes up to nine losses.
    for (std::uint64_t number = 6; number <= 9 && steps.last<FailJob>().empty(); ++number) {
        steps.step(start + std::chrono::seconds{number}, proven(WorkerId{number}));
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
    steps.step(start, proven(first));
    for (int drop = 1; drop <= 20; ++drop) {
        steps.step(start + std::chrono::seconds{drop}, WorkerDisconnected{first});
        ASSERT_TRUE(steps.last<FailJob>().empty()) << drop;
        steps.step(start + std::chrono::seconds{drop}, proven(first, true));
    }
    // One that comes back without its session was started anew, and five such losses are enough.
    for (int crash = 1; crash <= 5; ++crash) {
        ASSERT_TRUE(steps.last<FailJob>().empty()) << crash;
        steps.step(start + 30s, WorkerDisconnected{first});
        if (crash < 5) steps.step(start + 30s, proven(first));
    }
    EXPECT_EQ(steps.last<FailJob>().size(), 1U);
}

// People switch their PCs off all day; a worker that says goodbye is never held against a task.
TEST(SchedulerFailureTest, WorkersThatLeaveProperlyAreNotHeldAgainstTheirTask) {
    SchedulerSteps steps;
    steps.step(start, round_of(1));
    for (std::uint64_t number = 1; number <= 100; ++number) {
        steps.step(start, proven(WorkerId{number}));
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
    steps.step(start, believed(first));
    steps.step(start, believed(second));
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
    steps.step(start, believed(first));
    steps.step(start, round_of(1));
    const AssignTasks lease = steps.newest_lease(first);
    steps.step(start + 1s, SchedulerSteps::outputs_of(lease));
    steps.step(start + 2s, round_of(1, 1));
    steps.step(start + 3s, SchedulerSteps::outputs_of(lease));
    EXPECT_TRUE(steps.last<CloseSession>().empty());
    EXPECT_TRUE(steps.last<RecordOutputs>().empty());
}

// ---- Strangers ----------------------------------------------------------------------------------

/// A worker of this address, which has delivered nothing yet, takes a lease and hangs up.
AssignTasks take_and_vanish(SchedulerSteps& steps, std::uint64_t number, std::uint64_t address,
                            std::uint32_t slots = 1, bool is_believed = false) {
    const WorkerId worker{number};
    steps.step(start, WorkerJoined{worker, slots, false, number, is_believed, address});
    const AssignTasks lease = steps.newest_lease(worker);
    steps.step(start, WorkerDisconnected{worker});
    return lease;
}

// Anybody may take a task and hang up, so that fails no job, however often it is done and whatever
// the job's validation: after five times the master does the task itself, and it counts.
TEST(SchedulerFailureTest, StrangersThatVanishFailNoJob) {
    for (const ValidationMode mode :
         {ValidationMode::Default, ValidationMode::None, ValidationMode::Adaptive}) {
        SchedulerSteps steps;
        steps.step(start, RoundStarted{job, 0, 1, 64, 0, {mode}});
        std::vector<AuditTask> audits;
        for (std::uint64_t number = 1; number <= 100; ++number) {
            take_and_vanish(steps, number, number);
            ASSERT_TRUE(steps.last<FailJob>().empty()) << number;
            for (const AuditTask& audit : steps.last<AuditTask>()) audits.push_back(audit);
            EXPECT_EQ(audits.size(), number < 5 ? 0U : 1U) << number;
        }
        ASSERT_EQ(audits.size(), 1U);
        steps.step(start + 1s,
                   TaskAudited{job, 0, audits[0].visit, 0, SchedulerSteps::truth_of(0), false, {}});
        EXPECT_EQ(steps.last<RecordAudit>().size(), 1U);
        EXPECT_EQ(steps.last<CompleteRound>().size(), 1U);
    }
}

// If the task fails in the master as well, that is the reason, and the job ends with it.
TEST(SchedulerFailureTest, ATaskThatStrangersAreLostWithAndThatFailsInTheMasterFailsItsJob) {
    SchedulerSteps steps;
    steps.step(start, round_of(1));
    for (std::uint64_t number = 1; number <= 5; ++number) take_and_vanish(steps, number, number);
    const auto audits = steps.last<AuditTask>();
    ASSERT_EQ(audits.size(), 1U);
    steps.step(start + 1s, TaskAudited{job, 0, audits[0].visit, 0, {}, true, bad_input});
    const auto failed = steps.last<FailJob>();
    ASSERT_EQ(failed.size(), 1U);
    EXPECT_EQ(failed[0].error.code, ErrorCode::InvalidArgument);
    EXPECT_NE(failed[0].error.message.find("in the master as well"), std::string::npos);
}

// What strangers do is not added to what happens to workers that are proven: four of those losses
// and four of these are no five.
TEST(SchedulerFailureTest, StrangersLossesAreNotAddedToThoseOfProvenWorkers) {
    SchedulerSteps steps;
    steps.step(start, round_of(1));
    for (std::uint64_t number = 1; number <= 4; ++number) {
        take_and_vanish(steps, number, number);
        steps.step(start, proven(WorkerId{10 + number}));
        steps.step(start, WorkerDisconnected{WorkerId{10 + number}});
        ASSERT_TRUE(steps.last<FailJob>().empty()) << number;
        ASSERT_TRUE(steps.last<AuditTask>().empty()) << number;
    }
    steps.step(start, proven(first));
    steps.step(start, WorkerDisconnected{first});
    EXPECT_EQ(steps.last<FailJob>().size(), 1U) << "the fifth loss of a proven worker";
}

// Nor can strangers say that a task fails, also where nobody's results are checked: the master
// tries it itself.
TEST(SchedulerFailureTest, WhatStrangersSayOfATaskIsJudgedByTheMaster) {
    for (const Error& said : {bad_input, Error{ErrorCode::Unavailable, "no blob"}}) {
        SchedulerSteps steps;
        steps.step(start, WorkerJoined{first, 1});
        steps.step(start, round_of(1));
        std::size_t audits = 0;
        for (int failure = 1; failure <= 5; ++failure) {
            steps.step(start + 1s, SchedulerSteps::failure_of(steps.newest_lease(first), said));
            EXPECT_TRUE(steps.last<FailJob>().empty()) << said.message << failure;
            audits += steps.last<AuditTask>().size();
        }
        EXPECT_EQ(audits, 1U) << said.message;
    }
    // One lie is not added to the one failure of a believed worker that is short of memory.
    SchedulerSteps steps;
    steps.step(start, WorkerJoined{first, 1});
    steps.step(start, round_of(1));
    steps.step(start + 1s, SchedulerSteps::failure_of(steps.newest_lease(first), bad_input));
    steps.step(start + 1s, WorkerLeft{first});
    steps.step(start + 1s, believed(second));
    steps.step(start + 2s, SchedulerSteps::failure_of(steps.newest_lease(second), bad_input));
    EXPECT_TRUE(steps.last<FailJob>().empty());
}

// Five strangers with a thousand slots each must not have the master compute a thousand tasks.
TEST(SchedulerFailureTest, VanishingStrangersDoNotMakeTheMasterDoTheWork) {
    SchedulerSteps steps;
    steps.step(start, round_of(10'000));
    std::size_t audits = 0;
    for (std::uint64_t number = 1; number <= 200; ++number) {
        take_and_vanish(steps, number, number, 1024);
        audits += steps.last<AuditTask>().size();
        ASSERT_TRUE(steps.last<FailJob>().empty()) << number;
    }
    EXPECT_EQ(audits, SchedulerLimits{}.rescues_max);
    EXPECT_EQ(steps.scheduler.round(job)->pending_count, 10'000U) << "all of it waits for others";
}

// A stranger gets as many tasks as it has slots, until its address was lost with some and has not
// made up for it; workers there that have delivered something do not suffer for it.
TEST(SchedulerFailureTest, AnAddressWhoseStrangersVanishGetsOneTaskAtATime) {
    SchedulerSteps steps;
    steps.step(start, round_of(10'000));
    EXPECT_EQ(take_and_vanish(steps, 1, 7, 16).tasks.size(), 16U);
    EXPECT_EQ(take_and_vanish(steps, 2, 7, 16).tasks.size(), 1U);
    EXPECT_EQ(take_and_vanish(steps, 3, 8, 16).tasks.size(), 16U) << "another address";
    steps.step(start, WorkerJoined{WorkerId{4}, 16, false, 4, true, 7, true});
    EXPECT_EQ(steps.newest_lease(WorkerId{4}).tasks.size(), 16U) << "it is proven";
    // It delivers, one task at a time, and is a stranger like others again.
    steps.step(start, WorkerJoined{WorkerId{5}, 16, false, 5, false, 7});
    for (int delivered = 0; delivered < 20; ++delivered) {
        steps.step(start + 1s, SchedulerSteps::outputs_of(steps.newest_lease(WorkerId{5})));
    }
    EXPECT_GE(steps.newest_lease(WorkerId{5}).tasks.size(), 16U);
}

// Nor does it get a task before somebody who waits for one: else one that comes again and again
// would take the same task each time that it has let it go.
TEST(SchedulerFailureTest, AStrangerWhoseAddressVanishesComesAfterEverybodyElse) {
    SchedulerSteps steps;
    steps.step(start, round_of(10));
    for (std::uint64_t number = 1; number <= 5; ++number) take_and_vanish(steps, number, 7);
    steps.step(start, JobPaused{job, true});
    steps.step(start, WorkerJoined{WorkerId{6}, 1, false, 6, false, 7});
    steps.step(start, WorkerJoined{WorkerId{7}, 1, false, 7, false, 8});
    const std::size_t before = steps.assigned.size();
    steps.step(start, JobPaused{job, false});
    ASSERT_GT(steps.assigned.size(), before);
    EXPECT_EQ(steps.assigned[before].worker, WorkerId{7});
}

// Two strangers that say all the time that they work on a task, and never deliver it, do not hold
// the job up for ever: the master does it.
TEST(SchedulerFailureTest, StrangersThatSitOnATaskDoNotHoldItsJobUp) {
    SchedulerSteps steps;
    steps.step(start, round_of(1));
    const std::vector<WorkerId> strangers{first, second};
    for (const WorkerId one : strangers) steps.step(start, WorkerJoined{one, 1, false, one.value});
    std::vector<AuditTask> audits;
    for (Instant now = start; now < start + 60s && audits.empty(); now += 1s) {
        for (const WorkerId one : strangers) {
            std::vector<LeaseId> held;
            for (const AssignTasks& lease : steps.assigned) {
                if (lease.worker == one) held.push_back(lease.lease);
            }
            steps.step(now, HeartbeatReceived{one, held, 1, false});
            for (const AuditTask& audit : steps.last<AuditTask>()) audits.push_back(audit);
        }
        ASSERT_TRUE(steps.last<FailJob>().empty());
    }
    ASSERT_EQ(audits.size(), 1U);
    EXPECT_EQ(steps.assigned.size(), 2U) << "each of them had its try";
}

// ---- Newcomers ----------------------------------------------------------------------------------

// Whoever knows the token is believed, and may hang up on purpose: the losses of workers that have
// delivered nothing yet fail no job. As with strangers, the master does the task.
TEST(SchedulerFailureTest, BelievedNewcomersThatVanishFailNoJob) {
    SchedulerSteps steps;
    steps.step(start, round_of(1));
    std::vector<AuditTask> audits;
    for (std::uint64_t number = 1; number <= 100; ++number) {
        take_and_vanish(steps, number, number, 1, true);
        ASSERT_TRUE(steps.last<FailJob>().empty()) << number;
        for (const AuditTask& audit : steps.last<AuditTask>()) audits.push_back(audit);
        EXPECT_EQ(audits.size(), number < 5 ? 0U : 1U) << number;
    }
    ASSERT_EQ(audits.size(), 1U);
    EXPECT_TRUE(audits[0].may_crash) << "the task may be what ended them";
    steps.step(start + 1s,
               TaskAudited{job, 0, audits[0].visit, 0, SchedulerSteps::truth_of(0), false, {}});
    EXPECT_EQ(steps.last<CompleteRound>().size(), 1U);
}

// Nor do they by saying that the network fails.
TEST(SchedulerFailureTest, BelievedNewcomersThatCannotFetchFailNoJob) {
    SchedulerSteps steps;
    steps.step(start, round_of(1));
    const Error no_blob{ErrorCode::Unavailable, "blob: connection refused"};
    std::size_t audits = 0;
    for (std::uint64_t number = 1; number <= 5; ++number) {
        steps.step(start, believed(WorkerId{number}));
        steps.step(start,
                   SchedulerSteps::failure_of(steps.newest_lease(WorkerId{number}), no_blob));
        EXPECT_TRUE(steps.last<FailJob>().empty()) << number;
        audits += steps.last<AuditTask>().size();
        steps.step(start, WorkerLeft{WorkerId{number}});
    }
    EXPECT_EQ(audits, 1U);
}

// An accepted output shows that a worker can work: from then on its losses tell of the task.
TEST(SchedulerFailureTest, ATaskThatBringsDownWorkersThatHadDeliveredFailsItsJob) {
    SchedulerSteps steps;
    for (std::uint64_t number = 1; number <= 5; ++number) {
        steps.step(start, believed(WorkerId{number}));
    }
    steps.step(start, round_of(5));
    for (std::uint64_t number = 1; number <= 5; ++number) {
        steps.step(start, SchedulerSteps::outputs_of(steps.newest_lease(WorkerId{number})));
    }
    ASSERT_EQ(steps.last<CompleteRound>().size(), 1U);
    steps.step(start, round_of(1, 1));
    for (std::uint64_t number = 1; number <= 5; ++number) {
        ASSERT_TRUE(steps.last<FailJob>().empty()) << number;
        ASSERT_EQ(steps.newest_lease(WorkerId{number}).round, 1U);
        steps.step(start, WorkerDisconnected{WorkerId{number}});
    }
    EXPECT_EQ(steps.last<FailJob>().size(), 1U);
    EXPECT_TRUE(steps.last<AuditTask>().empty());
}

// A newcomer is lost, delivers what it had finished all the same, and resumes: taken back is what
// its loss was counted as then.
TEST(SchedulerFailureTest, ALossIsTakenBackAsWhatItWasCounted) {
    SchedulerSteps steps;
    steps.step(start, round_of(2));
    steps.step(start, WorkerJoined{first, 1, false, 0, true});
    const AssignTasks front = steps.newest_lease(first);
    steps.step(start, WorkerDisconnected{first});
    steps.step(start, SchedulerSteps::outputs_of(front));
    steps.step(start, believed(first, true));
    for (std::uint64_t number = 11; number <= 15; ++number) {
        ASSERT_TRUE(steps.last<FailJob>().empty()) << number;
        steps.step(start, WorkerLeft{first});
        steps.step(start, proven(WorkerId{number}));
        steps.step(start, WorkerDisconnected{WorkerId{number}});
    }
    EXPECT_EQ(steps.last<FailJob>().size(), 1U) << "five losses, and none of them is missing";
}

}  // namespace
}  // namespace netcompute::core
