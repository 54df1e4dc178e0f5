#include "validation_steps.hpp"

namespace netcompute::core {
namespace {

// A lone tab's first results are checked by the master, for nobody else is there; then it is
// trusted, and only some are.
TEST_F(ValidationTest, ALoneTabEarnsItsTrustFromTheMaster) {
    join(first, false, 1);
    step(round_with({}, 200));
    work({});
    EXPECT_EQ(count<CompleteRound>(), 1U);
    EXPECT_GE(audit_count, 10U);
    EXPECT_LT(audit_count, 120U);
    EXPECT_GE(steps.scheduler.worker(first)->validated, 10U);
    EXPECT_TRUE(quarantined().empty());
}

// Native workers are believed by default; nothing is computed twice.
TEST_F(ValidationTest, NativeWorkersAreBelievedByDefault) {
    join(first, true, 1);
    join(second, true, 2);
    step(round_with({}, 100));
    work({});
    EXPECT_EQ(count<CompleteRound>(), 1U);
    EXPECT_EQ(checks + audit_count, 0U);
}

// A tab's results are checked by a native worker of another PC, never of its own.
TEST_F(ValidationTest, AnotherPcChecks) {
    join(first, false, 1);
    join(second, true, 1);
    join(third, true, 2);
    step(round_with({}, 60));
    work({});
    EXPECT_EQ(count<CompleteRound>(), 1U);
    EXPECT_GT(checks, 0U);
    for (const AssignTasks& lease : steps.assigned) {
        EXPECT_TRUE(!lease.is_check || lease.worker == third);
    }
}

// Who knows the token is believed, and asked for checks; five that take one and vanish hold a round
// up no longer: the master makes the check.
TEST_F(ValidationTest, ACheckWithWhichWorkersVanishIsMadeByTheMaster) {
    join(first, false, 1);
    step(round_with({}, 1));
    ASSERT_EQ(steps.assigned.size(), 1U);
    join(second, true, 2);
    step(SchedulerSteps::outputs_of(steps.assigned.front()));
    for (int lost = 0; lost < 5; ++lost) {
        ASSERT_TRUE(audits.empty()) << lost;
        const AssignTasks check = steps.assigned.back();
        ASSERT_TRUE(check.is_check);
        ASSERT_EQ(check.worker, lost % 2 == 0 ? second : third);
        lost % 2 == 0 ? join(third, true, 3) : join(second, true, 2);
        step(WorkerDisconnected{check.worker});
    }
    ASSERT_EQ(audits.size(), 1U);
    step(truth_about(audits.front()));
    EXPECT_EQ(count<CompleteRound>(), 1U);
}

// A liar's first result that is looked at is its last; its tasks are done by others, and the round
// ends with the right outputs only.
TEST_F(ValidationTest, ALiarIsFoundAndItsResultsDoNotCount) {
    join(first, false, 1);
    join(second, true, 2);
    step(round_with({}, 100));
    work({first});
    EXPECT_EQ(quarantined(), std::set<WorkerId>{first});
    EXPECT_EQ(count<CompleteRound>(), 1U);
    EXPECT_TRUE(all_right(0));
    EXPECT_TRUE(steps.scheduler.worker(first)->quarantined);
}

// Strangers cannot vouch for each other: two liars who give the same wrong bytes are both found.
TEST_F(ValidationTest, LiarsWhoAgreeAreFoundAllTheSame) {
    join(first, false, 1);
    join(second, false, 2);
    join(third, false, 3);
    step(round_with({ValidationMode::Adaptive}, 100));
    work({first, second});
    EXPECT_EQ(quarantined(), (std::set<WorkerId>{first, second}));
    EXPECT_EQ(count<CompleteRound>(), 1U);
    EXPECT_TRUE(all_right(0));
}

// A quorum of two: each task counts when two PCs have given the same.
TEST_F(ValidationTest, AQuorumComputesEachTaskOnThatManyPcs) {
    join(first, true, 1);
    join(second, false, 2);
    step(round_with({ValidationMode::Quorum, 2}, 20));
    work({});
    EXPECT_EQ(count<CompleteRound>(), 1U);
    EXPECT_EQ(checks, 20U);
    EXPECT_EQ(audit_count, 0U);
}

// A quorum that cannot be had is waited for, and said so.
TEST_F(ValidationTest, AQuorumWaitsForPcs) {
    join(first, true, 1);
    step(round_with({ValidationMode::Quorum, 2}, 3));
    work({});
    EXPECT_EQ(count<CompleteRound>(), 0U);
    EXPECT_TRUE(steps.scheduler.round(job)->waits_for_checker);
    join(second, true, 2);
    work({});
    EXPECT_EQ(count<CompleteRound>(), 1U);
}

// Where a quorum disagrees, the master computes the task, and knows who was wrong.
TEST_F(ValidationTest, TheMasterSettlesADisagreement) {
    join(first, true, 1);
    join(second, true, 2);
    join(third, true, 3);
    step(round_with({ValidationMode::Quorum, 2}, 20));
    work({second});
    EXPECT_EQ(quarantined(), std::set<WorkerId>{second});
    EXPECT_GT(audit_count, 0U);
    EXPECT_EQ(count<CompleteRound>(), 1U);
    EXPECT_TRUE(all_right(0));
}

/// With trust from the second result on, and then hardly any checks: lies are found late.
class LateLieTest : public ValidationTest {
 protected:
    LateLieTest()
        : ValidationTest{{.trusted_after = 2,
                          .spot_check_rate_max = 0,
                          .spot_check_rate_min = 0,
                          .closing_checks = 0}} {}
};

// A lie in a round that was folded long ago is taken out of it: the job goes back there, with the
// outputs of the others, and the liar's are computed again.
TEST_F(LateLieTest, ALieFoundLateTakesTheJobBack) {
    join(first, false, 1);
    step(round_with({}, 40));
    work({first}, 12);  // Honest while it is watched.
    ASSERT_EQ(count<CompleteRound>(), 1U);
    ASSERT_TRUE(quarantined().empty());
    EXPECT_FALSE(all_right(0));

    join(second, true, 2);
    step(round_with({ValidationMode::Quorum, 2}, 40, 1));  // Now every result is looked at.
    work({first}, 12);
    EXPECT_EQ(quarantined(), std::set<WorkerId>{first});
    ASSERT_EQ(count<VisitRound>(), 1U);
    const auto visit = std::ranges::find_if(
        seen, [](const Effect& effect) { return std::holds_alternative<VisitRound>(effect); });
    EXPECT_EQ(std::get<VisitRound>(*visit), (VisitRound{job, 0}));

    RoundStarted again = round_with({}, 40);
    again.fresh = false;
    step(again);
    EXPECT_GT(steps.scheduler.round(job)->succeeded_count, 0U) << "what was confirmed still holds";
    work({first});
    EXPECT_EQ(count<CompleteRound>(), 2U);
    EXPECT_TRUE(all_right(0));
}

// What was said of the round before the job went back is not taken for the visited one.
TEST_F(LateLieTest, NewsOfBeforeAVisitIsIgnored) {
    join(first, false, 1);
    step(round_with({}, 40));
    work({first}, 12);
    join(second, true, 2);
    step(round_with({ValidationMode::Quorum, 2}, 10, 1));
    std::ignore = steps.scheduler.round(job);
    step(ProgramFinished{JobId{7}, 1});  // Of another job: nothing happens.
    EXPECT_EQ(steps.last<FinishJob>().size(), 0U);
    step(ResultsReceived{second,
                         steps.newest_lease(second).lease,
                         job,
                         1,
                         1e-3,
                         {{steps.newest_lease(second).tasks.at(0), false, {}, {}}}});
    for (const AuditTask& audit : std::exchange(audits, {})) {
        step(TaskAudited{audit.job, audit.round, audit.visit + 1, audit.index, {}, false, {}});
        EXPECT_TRUE(quarantined().empty()) << "an audit of another visit proves nothing";
    }
}

// At a job's end, more of a stranger's results are checked than chance had drawn before.
TEST_F(ValidationTest, AJobsEndIsCheckedOnceMore) {
    join(first, false, 1);
    step(round_with({}, 400));
    work({});
    ASSERT_EQ(count<CompleteRound>(), 1U);
    const std::size_t audits_before = audit_count;
    step(ProgramFinished{job, 1});
    ASSERT_EQ(steps.last<VisitRound>(), std::vector<VisitRound>{(VisitRound{job, 0})});
    RoundStarted again = round_with({}, 400);
    again.fresh = false;
    step(again);
    work({});
    EXPECT_GT(audit_count, audits_before);
    EXPECT_EQ(count<CompleteRound>(), 2U);
    step(ProgramFinished{job, 1});
    EXPECT_EQ(steps.last<FinishJob>().size(), 1U);
}

// An output that the fold cannot read is nobody's word against anybody's: all that is unconfirmed
// is checked, and only if everything is right does the job fail.
TEST_F(ValidationTest, ARejectedRoundIsCheckedBeforeItsJobFails) {
    join(first, true, 1);
    step(round_with({ValidationMode::None}, 10));
    work({first}, 9);
    ASSERT_EQ(count<CompleteRound>(), 1U);
    step(RoundRejected{job, {ErrorCode::ShapeMismatch, "task 9"}});
    ASSERT_EQ(steps.last<VisitRound>().size(), 1U);
    RoundStarted again = round_with({ValidationMode::None}, 10);
    again.fresh = false;
    step(again);
    work({});
    EXPECT_EQ(quarantined(), std::set<WorkerId>{first});
    EXPECT_EQ(count<CompleteRound>(), 2U);
    EXPECT_TRUE(all_right(0));
    step(RoundRejected{job, {ErrorCode::ShapeMismatch, "task 9"}});
    ASSERT_EQ(steps.last<FailJob>().size(), 1U);
}

// Strangers who say that a task fails do not end its job: the master tries it.
TEST_F(ValidationTest, StrangersCannotFailAJob) {
    join(first, false, 1);
    join(second, false, 2);
    step(round_with({}, 1));
    for (int i = 0; i < 3 && audits.empty(); ++i) {
        const AssignTasks lease = steps.assigned.back();
        step(SchedulerSteps::failure_of(lease, {ErrorCode::OutOfMemory, "it says"}));
    }
    EXPECT_EQ(count<FailJob>(), 0U);
    ASSERT_FALSE(audits.empty());
    work({});
    EXPECT_EQ(count<CompleteRound>(), 1U);
}

// A worker whose word confirms may fall silent: the check is made by the master in its place.
TEST_F(ValidationTest, AHungCheckerHoldsNothingUp) {
    join(first, false, 1);
    join(second, true, 2);
    step(round_with({}, 12));
    const Instant began = now;
    while (count<CompleteRound>() == 0 && now < began + 30s) {
        const std::vector<AssignTasks> out(steps.assigned.begin() + static_cast<long>(answered),
                                           steps.assigned.end());
        answered = steps.assigned.size();
        for (const AssignTasks& lease : out) {
            now += 1ms;
            if (!lease.is_check) step(SchedulerSteps::outputs_of(lease));
        }
        for (const AuditTask& audit : std::exchange(audits, {})) {
            step(truth_about(audit));
        }
        now += 100ms;
        step(HeartbeatReceived{first, {}, 1, false});
        step(HeartbeatReceived{second, {}, 1, false});
    }
    EXPECT_EQ(count<CompleteRound>(), 1U);
    EXPECT_LT(now, began + 12s);
}

// Checks are given out in batches as tasks are, also when nothing else is left to do.
TEST_F(ValidationTest, ChecksComeInBatches) {
    join(first, true, 1);
    step(round_with({ValidationMode::Quorum, 2}, 1000));
    work({});
    EXPECT_EQ(count<CompleteRound>(), 0U) << "nobody is there to check";
    const std::size_t leases_before = steps.assigned.size();
    join(second, true, 2);
    work({});
    EXPECT_EQ(count<CompleteRound>(), 1U);
    EXPECT_LT(steps.assigned.size() - leases_before, 50U) << "leases, for 1000 checks";
}

// ---- Restart ------------------------------------------------------------------------------------

// After a restart, what had an output is not computed again, and what a worker still holds is
// left to it.
TEST_F(ValidationTest, ARestoredRoundGivesOutOnlyWhatIsMissing) {
    step(LeaseIdsUsed{LeaseId{7}});
    step(WorkerRestored{first, 1, true, 0, false});
    step(JobRestored{job, {past({0, 1, 2}, first)}, false});
    RoundStarted again = round_with({}, 6);
    again.fresh = false;
    again.leases = {{LeaseId{7}, first, false, {2, 3, 4}}};
    step(again);
    EXPECT_EQ(steps.scheduler.round(job)->succeeded_count, 3U);
    EXPECT_EQ(steps.scheduler.round(job)->pending_count, 1U);

    step(WorkerJoined{first, 1, true, 1, true});
    step(HeartbeatReceived{first, {LeaseId{7}}, 1, false});
    ASSERT_EQ(steps.assigned.size(), 1U);
    EXPECT_EQ(steps.assigned[0].tasks, std::vector<TaskIndex>{5});
    EXPECT_GT(steps.assigned[0].lease, LeaseId{7});
    step(ResultsReceived{first,
                         LeaseId{7},
                         job,
                         0,
                         1e-3,
                         {{3, false, {}, SchedulerSteps::truth_of(3)},
                          {4, false, {}, SchedulerSteps::truth_of(4)}}});
    step(SchedulerSteps::outputs_of(steps.assigned[0]));
    EXPECT_EQ(count<CompleteRound>(), 1U);
}

// A lease of before the restart that its worker does not name never reached it: it goes out again
// with the worker's first heartbeat, and nobody is blamed.
TEST_F(ValidationTest, ARestoredLeaseThatNobodyNamesIsGivenOutAgain) {
    step(LeaseIdsUsed{LeaseId{7}});
    step(WorkerRestored{first, 1, true, 0, false});
    step(JobRestored{job, {{}}, false});
    RoundStarted again = round_with({}, 2);
    again.fresh = false;
    again.leases = {{LeaseId{7}, first, false, {0, 1}}};
    step(again);
    step(WorkerJoined{first, 1, true, 1, true});
    EXPECT_TRUE(steps.assigned.empty());
    step(HeartbeatReceived{first, {}, 1, false});
    ASSERT_FALSE(steps.assigned.empty());
    work({});
    EXPECT_EQ(count<CompleteRound>(), 1U);
}

// A worker that does not come back after a restart loses what it held when it counts as lost.
TEST_F(ValidationTest, ARestoredLeaseOfAWorkerThatStaysAwayRunsOut) {
    step(LeaseIdsUsed{LeaseId{7}});
    step(WorkerRestored{first, 1, true, 0, false});
    step(JobRestored{job, {{}}, false});
    RoundStarted again = round_with({}, 1);
    again.fresh = false;
    again.leases = {{LeaseId{7}, first, false, {0}}};
    step(again);
    join(second, true, 2);
    EXPECT_TRUE(steps.assigned.empty());
    now = steps.scheduler.next_deadline();
    step(HeartbeatReceived{second, {}, 1, false});
    now += 4s;
    step(HeartbeatReceived{second, {}, 1, false});
    ASSERT_EQ(steps.assigned.size(), 1U);
    EXPECT_EQ(steps.assigned[0].worker, second);
}

// What a worker gave that was in quarantine when the master ended is not believed by the next one.
TEST_F(ValidationTest, ARestoredLiarsResultsAreComputedAgain) {
    step(WorkerRestored{first, 1, false, 0, true});
    step(JobRestored{job, {past({0, 1}, first), {}}, true});
    RoundStarted again = round_with({}, 2, 1);
    again.fresh = false;
    step(again);
    EXPECT_EQ(steps.last<VisitRound>(), std::vector<VisitRound>{(VisitRound{job, 0})});
}

// ---- Holding back -------------------------------------------------------------------------------

// A paused job gets no leases; what is out comes back and counts.
TEST_F(ValidationTest, APausedJobGetsNoLeases) {
    join(first, true, 1);
    step(round_with({}, 50));
    ASSERT_FALSE(steps.assigned.empty());
    step(JobPaused{job, true});
    const std::size_t before = steps.assigned.size();
    work({});
    EXPECT_EQ(steps.assigned.size(), before);
    EXPECT_GT(steps.scheduler.round(job)->succeeded_count, 0U);
    step(JobPaused{job, false});
    work({});
    EXPECT_EQ(count<CompleteRound>(), 1U);
}

// A drained worker finishes what it holds and gets nothing more.
TEST_F(ValidationTest, ADrainedWorkerGetsNothingMore) {
    join(first, true, 1);
    step(round_with({}, 50));
    step(WorkerDrained{first, true});
    const std::size_t before = steps.assigned.size();
    work({});
    EXPECT_EQ(steps.assigned.size(), before);
    EXPECT_EQ(steps.scheduler.worker(first)->state, WorkerState::Draining);
    step(WorkerDrained{first, false});
    work({});
    EXPECT_EQ(count<CompleteRound>(), 1U);
}

// While the store takes nothing, nothing new is given out.
TEST_F(ValidationTest, AStalledStoreStopsNewLeases) {
    join(first, true, 1);
    step(StoreStalled{true});
    step(round_with({}, 5));
    EXPECT_TRUE(steps.assigned.empty());
    step(StoreStalled{false});
    EXPECT_FALSE(steps.assigned.empty());
}

// A worker's results wait for its trust; when it comes again and is believed, they count.
TEST_F(ValidationTest, WhatAWorkerGaveAsAStrangerCountsOnceItIsBelieved) {
    step(round_with({ValidationMode::Default}, 40));
    join(first, false, 1);
    for (std::size_t next = 0; next < steps.assigned.size(); ++next) {
        step(SchedulerSteps::outputs_of(steps.assigned[next]));
    }
    EXPECT_EQ(count<CompleteRound>(), 0U) << "most of it waits";
    step(WorkerJoined{first, 1, false, 1, true});
    while (!audits.empty()) {
        const AuditTask audit = audits.back();
        audits.pop_back();
        step(truth_about(audit));
    }
    EXPECT_EQ(count<CompleteRound>(), 1U);
}

}  // namespace
}  // namespace netcompute::core
