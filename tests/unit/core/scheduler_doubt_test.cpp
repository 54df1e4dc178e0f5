#include "validation_steps.hpp"

namespace netcompute::core {
namespace {

/// What the engine says when it has gone back to a round.
RoundStarted round_again(std::uint32_t task_count, RoundIndex round, Validation validation = {}) {
    RoundStarted again = round_with(validation, task_count, round);
    again.fresh = false;
    return again;
}

ResultsReceived lies_of(const AssignTasks& lease) {
    ResultsReceived results = SchedulerSteps::outputs_of(lease);
    for (Outcome& outcome : results.outcomes) {
        outcome.sha256 = SchedulerSteps::lie_of(outcome.index);
    }
    return results;
}

TaskAudited truth_for(const AuditTask& audit) {
    return {audit.job, audit.round, audit.visit, audit.index, SchedulerSteps::truth_of(audit.index),
            false,     {}};
}

class DoubtTest : public ValidationTest {
 protected:
    explicit DoubtTest(SchedulerLimits limits = {}) : ValidationTest{limits} {}
};

// ---- Whose word is left -------------------------------------------------------------------------

// A lie that only a liar has confirmed is not confirmed any more when that one is found.
TEST_F(DoubtTest, WhatALiarConfirmedIsLookedAtAgain) {
    const Validation quorum{ValidationMode::Quorum, 2};
    join(first, true, 1);
    join(second, true, 2);
    step(round_with(quorum, 1));
    work({first, second});
    ASSERT_EQ(count<CompleteRound>(), 1U);
    ASSERT_FALSE(all_right(0));
    join(third, true, 3);
    step(round_with(quorum, 1, 1));
    work({second});
    ASSERT_EQ(quarantined(), std::set<WorkerId>{second});
    ASSERT_EQ(count<VisitRound>(), 1U);
    step(round_again(1, 0, quorum));
    work({first});
    EXPECT_EQ(quarantined(), (std::set<WorkerId>{first, second}));
}

// What the others have said makes up a quorum again without being asked once more.
TEST_F(DoubtTest, WhatTheOthersSaidStillMakesAQuorum) {
    join(third, true, 3);
    step(round_with({ValidationMode::Quorum, 2}, 2));
    const std::vector<AssignTasks> late = steps.assigned;  // One task each.
    ASSERT_EQ(late.size(), 2U);
    step(WorkerDisconnected{third});
    join(first, true, 1);
    step(SchedulerSteps::outputs_of(steps.newest_lease(first)));
    join(second, true, 2);
    const AssignTasks check = steps.newest_lease(second);
    ASSERT_TRUE(check.is_check);
    step(SchedulerSteps::outputs_of(check));
    ASSERT_EQ(count<ConfirmOutputs>(), 1U);
    const TaskIndex confirmed = check.tasks.at(0);
    step(WorkerJoined{third, 1, true, 3, true});
    for (const AssignTasks& lease : late) {
        if (lease.tasks.at(0) == confirmed) step(SchedulerSteps::outputs_of(lease));
    }
    // The confirmer is found to lie about the other task.
    for (int i = 0; i < 10 && quarantined().empty(); ++i) {
        const AssignTasks lease = steps.assigned.at(answered++);
        if (lease.tasks.at(0) == confirmed || lease.worker == third) continue;
        step(lease.worker == second ? lies_of(lease) : SchedulerSteps::outputs_of(lease));
        for (const AuditTask& audit : std::exchange(audits, {})) step(truth_for(audit));
    }
    ASSERT_EQ(quarantined(), std::set<WorkerId>{second});
    const RoundTasks tasks = steps.scheduler.rounds(job).at(0);
    EXPECT_TRUE(tasks.confirmed(confirmed));
    EXPECT_EQ(tasks.confirmer(confirmed), third);
}

// Who says the same as a liar is found with it, also where its word counted for nothing.
TEST_F(DoubtTest, AnAccompliceIsFoundWithTheLiar) {
    join(third, false, 3);
    step(round_with({}, 1));
    const AssignTasks late = steps.newest_lease(third);
    step(WorkerDisconnected{third});
    join(first, false, 1);
    step(lies_of(steps.newest_lease(first)));
    ASSERT_EQ(audits.size(), 1U);
    step(WorkerJoined{third, 1, true, 3, false});
    step(lies_of(late));
    step(truth_for(audits.at(0)));
    EXPECT_EQ(quarantined(), (std::set<WorkerId>{first, third}));
}

// A late wrong word on a confirmed output is looked at, and earns its author nothing more.
TEST_F(DoubtTest, OneResultEarnsTrustOnce) {
    join(third, false, 3);
    step(round_with({}, 2));
    const AssignTasks late = steps.assigned.at(0);
    step(WorkerDisconnected{third});
    join(first, false, 1);
    join(second, true, 2);
    for (const AssignTasks& lease : std::vector{steps.assigned}) {
        const bool is_it = lease.worker == first && lease.tasks == late.tasks;
        if (is_it) step(SchedulerSteps::outputs_of(lease));
    }
    ASSERT_TRUE(steps.newest_lease(second).is_check);
    step(SchedulerSteps::outputs_of(steps.newest_lease(second)));
    ASSERT_EQ(steps.scheduler.worker(first)->validated, 1U);
    step(WorkerJoined{third, 1, true, 3, false});
    step(lies_of(late));
    ASSERT_EQ(audits.size(), 1U);
    step(truth_for(audits.at(0)));
    EXPECT_EQ(quarantined(), std::set<WorkerId>{third});
    EXPECT_EQ(steps.scheduler.worker(first)->validated, 1U);
}

// ---- Going back ---------------------------------------------------------------------------------

// While a job goes through its former rounds again, a second lie does not send it forward to the
// round that it had not ended: what lies between may be wrong.
TEST_F(DoubtTest, ASecondLieDoesNotSendTheJobForward) {
    step(WorkerRestored{first, 1, false, 0, true});
    step(WorkerRestored{WorkerId{4}, 4, true, 0, false});
    step(JobRestored{job, {past({0, 1}, first), past({0, 1}, WorkerId{4}), {}}, true});
    step(round_again(2, 2));
    ASSERT_EQ(steps.last<VisitRound>(), std::vector<VisitRound>{(VisitRound{job, 0})});
    step(round_again(2, 0));
    join(second, false, 2);
    join(third, true, 3);
    work({second});
    EXPECT_EQ(quarantined(), std::set<WorkerId>{second});
    EXPECT_EQ(count<VisitRound>(), 1U);
    EXPECT_EQ(count<CompleteRound>(), 1U);
    EXPECT_TRUE(all_right(0));
}

// Two have disagreed, and the job went back before the master had looked: it looks again.
TEST_F(DoubtTest, ADisputeOutlastsGoingBack) {
    join(first, true, 1);
    join(second, true, 2);
    step(round_with({ValidationMode::Quorum, 2}, 1));
    step(SchedulerSteps::outputs_of(steps.newest_lease(first)));
    step(lies_of(steps.newest_lease(second)));
    ASSERT_EQ(audits.size(), 1U);
    step(round_again(1, 0, {ValidationMode::Quorum, 2}));
    ASSERT_EQ(audits.size(), 2U);
    step(truth_for(audits.at(0)));
    EXPECT_TRUE(quarantined().empty()) << "that was said of the round before";
    step(truth_for(audits.at(1)));
    EXPECT_EQ(quarantined(), std::set<WorkerId>{second});
    EXPECT_EQ(count<CompleteRound>(), 1U);
}

// What a worker was running when it was lost is forgiven when it comes back, also if its round is
// a former one by then.
TEST_F(DoubtTest, AWorkerComesBackAfterItsRound) {
    join(first, true, 1);
    join(second, true, 2);
    step(round_with({ValidationMode::None}, 2));
    step(WorkerDisconnected{second});
    work({});
    ASSERT_EQ(count<CompleteRound>(), 1U);
    step(ProgramFinished{job, 1});
    step(WorkerJoined{second, 1, true, 2, true});
    EXPECT_EQ(steps.scheduler.worker(second)->state, WorkerState::Idle);
}

/// With trust from the second result on, and then no checks: lies are folded.
class FoldedLieTest : public DoubtTest {
 protected:
    FoldedLieTest()
        : DoubtTest{{.trusted_after = 2,
                     .spot_check_rate_max = 0,
                     .spot_check_rate_min = 0,
                     .closing_checks = 0}} {}
};

// A task whose inputs were made of lies may fail in honest hands: before its job fails, what it was
// made of is looked at.
TEST_F(FoldedLieTest, AFailureThatMayComeOfLiesIsNotTheJobs) {
    join(first, false, 1);
    step(round_with({}, 40));
    work({first}, 12);
    ASSERT_EQ(count<CompleteRound>(), 1U);
    step(WorkerDrained{first, true});
    join(second, true, 2);
    step(round_with({}, 1, 1));
    for (int i = 0; i < 2; ++i) {
        step(SchedulerSteps::failure_of(steps.newest_lease(second),
                                        {ErrorCode::InvalidArgument, "not finite"}));
    }
    ASSERT_EQ(count<FailJob>(), 0U);
    ASSERT_EQ(audits.size(), 1U);
    TaskAudited failed = truth_for(audits.at(0));
    failed.failed = true;
    step(failed);
    EXPECT_EQ(count<FailJob>(), 0U);
    EXPECT_EQ(steps.last<VisitRound>(), std::vector<VisitRound>{(VisitRound{job, 0})});
    audits.clear();
    step(round_again(40, 0));
    work({first}, 12);
    EXPECT_EQ(quarantined(), std::set<WorkerId>{first});
    EXPECT_TRUE(all_right(0));
}

// ---- Restart ------------------------------------------------------------------------------------

// A job may take minutes to be read again after a restart: the workers' time to come back begins
// when they may.
TEST_F(DoubtTest, ARestoredLeaseHasItsTimeFromWhenItsJobIsReady) {
    step(LeaseIdsUsed{LeaseId{7}});
    step(WorkerRestored{first, 1, true, 0, false});
    now += 60s;
    step(JobRestored{job, {{}}, false});
    RoundStarted again = round_again(1, 0);
    again.leases = {{LeaseId{7}, first, false, {0}}};
    step(again);
    now += 5s;
    step(WorkerJoined{first, 1, true, 1, true});
    step(HeartbeatReceived{first, {LeaseId{7}}, 1, false});
    EXPECT_TRUE(steps.last<RevokeLease>().empty());
    step(ResultsReceived{
        first, LeaseId{7}, job, 0, 1e-3, {{0, false, {}, SchedulerSteps::truth_of(0)}}});
    EXPECT_EQ(count<CompleteRound>(), 1U);
    EXPECT_TRUE(steps.assigned.empty());
}

// A full disk may keep a job from being restored for longer than lost workers are remembered. What
// they gave is there all the same.
TEST_F(DoubtTest, NobodyIsForgottenBeforeAllIsRestored) {
    step(WorkerRestored{first, 1, true, 0, false});
    for (int minutes = 0; minutes < 60; ++minutes) {
        now += 60s;
        step(ClockTicked{});
    }
    step(JobRestored{job, {past({0}, first)}, false});
    step(round_again(2, 0));
    step(RestorationEnded{});
    join(second, true, 2);
    ASSERT_EQ(steps.assigned.size(), 1U);
    EXPECT_EQ(steps.assigned[0].tasks, std::vector<TaskIndex>{1});
}

// A check that was under way when the master died goes on: neither is it let off, nor does the
// master make it before the checker has had the time to come back.
TEST_F(DoubtTest, ARestoredCheckWaitsForItsWorker) {
    step(LeaseIdsUsed{LeaseId{7}});
    step(WorkerRestored{first, 1, false, 100, false});
    step(WorkerRestored{second, 2, true, 0, false});
    step(JobRestored{job, {past({0}, first)}, false});
    RoundStarted again = round_again(1, 0);
    again.leases = {{LeaseId{7}, second, true, {0}}};
    step(again);
    EXPECT_EQ(count<CompleteRound>(), 0U) << "it was drawn for a check";
    EXPECT_TRUE(audits.empty());
    step(WorkerJoined{second, 1, true, 2, true});
    step(HeartbeatReceived{second, {LeaseId{7}}, 1, false});
    step(ResultsReceived{
        second, LeaseId{7}, job, 0, 1e-3, {{0, false, {}, SchedulerSteps::truth_of(0)}}});
    EXPECT_EQ(count<CompleteRound>(), 1U);
    EXPECT_TRUE(audits.empty());
}

// If the checker does not come back in time, the master makes the check.
TEST_F(DoubtTest, ARestoredCheckIsMadeByTheMasterInTheEnd) {
    step(WorkerRestored{first, 1, false, 0, false});
    step(WorkerRestored{second, 2, true, 0, false});
    step(JobRestored{job, {past({0}, first)}, false});
    step(round_again(1, 0));
    EXPECT_TRUE(audits.empty());
    now += 10s;
    step(ClockTicked{});
    EXPECT_EQ(audits.size(), 1U);
}

// A liar's confirmations do not count in the next master either.
TEST_F(DoubtTest, ARestoredLiarConfirmsNothing) {
    step(WorkerRestored{first, 1, false, 0, false});
    step(WorkerRestored{second, 2, false, 0, true});
    std::vector<PastOutput> outputs = past({0}, first);
    outputs[0].confirmed = true;
    outputs[0].confirmer = second;
    step(JobRestored{job, {outputs, {}}, true});
    step(round_again(1, 1));
    EXPECT_EQ(steps.last<VisitRound>(), std::vector<VisitRound>{(VisitRound{job, 0})});
}

// A job that is held back before its first round gets no lease for it.
TEST_F(DoubtTest, AJobMayBeginPaused) {
    join(first, true, 1);
    RoundStarted round = round_with({}, 2);
    round.paused = true;
    step(round);
    EXPECT_TRUE(steps.assigned.empty());
    step(JobPaused{job, false});
    EXPECT_FALSE(steps.assigned.empty());
}

}  // namespace
}  // namespace netcompute::core
