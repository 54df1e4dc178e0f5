#include "scheduler_steps.hpp"

namespace netcompute::core {
namespace {

// A browser tab that goes silent must not hold its task for ever: it is suspect, then lost, and
// the task goes to the waiting worker; the tab's late answer changes nothing.
TEST(SchedulerLivenessTest, ASilentWorkersTaskGoesElsewhereAndItsLateResultIsOnlyCompared) {
    SchedulerSteps steps;
    const WorkerId tab = first, native = second;
    steps.step(start, WorkerJoined{tab, 1});
    steps.step(start, round_of(1));
    const AssignTasks lost = steps.newest_lease(tab);
    steps.step(start + 5s, WorkerJoined{native, 1});
    EXPECT_EQ(steps.scheduler.next_deadline(), start + 6s);
    steps.step(start + 6s, ClockTicked{});
    EXPECT_EQ(steps.scheduler.worker(tab)->state, WorkerState::Suspect);
    EXPECT_EQ(steps.scheduler.next_deadline(), start + 10s);
    steps.step(start + 9s, HeartbeatReceived{native, {}, 1, false});
    steps.step(start + 10s, ClockTicked{});
    EXPECT_EQ(steps.scheduler.worker(tab)->state, WorkerState::Lost);
    EXPECT_EQ(steps.last<CloseSession>().size(), 1U);
    EXPECT_EQ(steps.newest_lease(native).tasks, (std::vector<TaskIndex>{0}));

    steps.step(start + 10500ms, SchedulerSteps::outputs_of(lost));
    EXPECT_EQ(steps.last<RecordOutputs>().size(), 1U) << "the first result counts, also a late one";
    EXPECT_EQ(steps.last<CompleteRound>().size(), 1U);
}

// A lease runs out although its worker is alive, because no heartbeat names it: the frame that
// carried it was lost. The task is given again.
TEST(SchedulerLivenessTest, ALeaseThatNoHeartbeatNamesRunsOut) {
    SchedulerSteps steps;
    steps.step(start, WorkerJoined{first, 1});
    steps.step(start, round_of(1));
    for (auto at = 2s; at < 10s; at += 2s) {
        steps.step(start + at, HeartbeatReceived{first, {}, 1, false});
    }
    EXPECT_EQ(steps.assigned.size(), 1U);
    steps.step(start + 10s, ClockTicked{});
    EXPECT_EQ(steps.last<RevokeLease>(),
              (std::vector{RevokeLease{LeaseId{1}, first, RevokeReason::Expired}}));
    ASSERT_EQ(steps.assigned.size(), 2U);
    EXPECT_EQ(steps.assigned[1].lease, LeaseId{2});
}

// The same for a worker whose tasks take long: a lease is no longer than a minute, and those that
// arrived are renewed.
TEST(SchedulerLivenessTest, ALostLeaseOfASlowWorkerRunsOutWithinAMinute) {
    SchedulerSteps steps;
    steps.step(start, WorkerJoined{first, 1});
    steps.step(start, round_of(4));
    Instant now = start;
    const AssignTasks slow = steps.assigned.at(0);
    for (int beat = 0; beat < 500; ++beat) {
        steps.step(now += 2s, HeartbeatReceived{first, {LeaseId{1}, LeaseId{2}}, 1, false});
    }
    steps.step(now, SchedulerSteps::outputs_of(slow, 1000));
    const AssignTasks lost = steps.newest_lease(first);
    ASSERT_NE(lost.lease, slow.lease);
    EXPECT_EQ(lost.deadline, now + 60s);
}

// A task that takes an hour keeps its lease for as long as heartbeats name it.
TEST(SchedulerLivenessTest, HeartbeatsThatNameALeaseRenewIt) {
    SchedulerSteps steps;
    steps.step(start, WorkerJoined{first, 1});
    steps.step(start, round_of(1));
    Instant now = start;
    for (int beat = 0; beat < 1800; ++beat) {
        now += 2s;
        steps.step(now, HeartbeatReceived{first, {LeaseId{1}}, 1, false});
        ASSERT_TRUE(steps.last<RevokeLease>().empty());
    }
    EXPECT_EQ(steps.assigned.size(), 1U);
    steps.step(now, SchedulerSteps::outputs_of(steps.assigned[0]));
    EXPECT_EQ(steps.last<CompleteRound>().size(), 1U);
}

// Only its own holder renews a lease.
TEST(SchedulerLivenessTest, AnotherWorkersHeartbeatRenewsNothing) {
    SchedulerSteps steps;
    steps.step(start, WorkerJoined{first, 1});
    steps.step(start, round_of(1));
    steps.step(start + 9s, HeartbeatReceived{first, {}, 1, false});
    steps.step(start + 9s, WorkerJoined{second, 1});
    steps.step(start + 9s, HeartbeatReceived{second, {LeaseId{1}}, 1, false});
    steps.step(start + 10s, ClockTicked{});
    EXPECT_EQ(steps.last<RevokeLease>().size(), 1U);
}

// A worker that slept through its lease is told so when it wakes, and works on.
TEST(SchedulerLivenessTest, AWorkerThatWakesAfterItsLeaseEndedIsToldSo) {
    SchedulerSteps steps;
    steps.step(start, WorkerJoined{first, 1});
    steps.step(start, round_of(1));
    steps.step(start + 5s, WorkerJoined{second, 1});
    steps.step(start + 10s, ClockTicked{});
    steps.step(start + 14s, WorkerJoined{first, 1});
    steps.step(start + 14s, HeartbeatReceived{first, {LeaseId{1}}, 1, false});
    EXPECT_EQ(steps.last<RevokeLease>(),
              (std::vector{RevokeLease{LeaseId{1}, first, RevokeReason::Expired}}));
    EXPECT_EQ(steps.scheduler.worker(first)->state, WorkerState::Idle);
}

// A closed connection is noticed at once: the tasks are elsewhere in the same step.
TEST(SchedulerLivenessTest, ADisconnectedWorkersTasksGoElsewhereAtOnce) {
    SchedulerSteps steps;
    steps.step(start, WorkerJoined{first, 1});
    steps.step(start, round_of(1));
    steps.step(start + 1s, WorkerJoined{second, 1});
    steps.step(start + 2s, WorkerDisconnected{first});
    EXPECT_EQ(steps.newest_lease(second).tasks, (std::vector<TaskIndex>{0}));
    EXPECT_EQ(steps.scheduler.worker(first)->state, WorkerState::Lost);
}

// A worker that lost its connection delivers what it finished meanwhile; it is not done again.
TEST(SchedulerLivenessTest, AWorkerThatComesBackDeliversWhatItFinished) {
    SchedulerSteps steps;
    steps.step(start, WorkerJoined{first, 1});
    steps.step(start, round_of(2));
    const auto leases = steps.assigned;
    ASSERT_EQ(leases.size(), 2U);
    steps.step(start + 1s, WorkerDisconnected{first});
    steps.step(start + 2s, WorkerJoined{first, 1});  // Gets both tasks anew: nobody else is there.
    steps.step(start + 3s, SchedulerSteps::outputs_of(leases[0]));
    EXPECT_EQ(steps.last<RecordOutputs>().size(), 1U);
    steps.step(start + 3s, SchedulerSteps::outputs_of(leases[1]));
    EXPECT_EQ(steps.last<CompleteRound>().size(), 1U);
    EXPECT_EQ(steps.scheduler.worker(first)->lease_count, 0U);
}

// Forgotten after ten minutes, so that visitors do not add up.
TEST(SchedulerLivenessTest, ALostWorkerIsForgottenInTheEnd) {
    SchedulerSteps steps;
    steps.step(start, WorkerJoined{first, 1});
    steps.step(start + 1s, WorkerDisconnected{first});
    EXPECT_EQ(steps.scheduler.next_deadline(), start + 1s + 10min);
    steps.step(start + 1s + 10min, ClockTicked{});
    EXPECT_FALSE(steps.scheduler.worker(first).has_value());
    EXPECT_EQ(steps.scheduler.next_deadline(), instant_never);
}

// One slow worker must not hold up a round: when nothing else is left to do, an idle worker gets a
// copy, the first result counts, and the slow one is told to stop.
TEST(SchedulerLivenessTest, AStragglersTaskGetsASecondCopy) {
    SchedulerSteps steps;
    steps.step(start, WorkerJoined{first, 1});
    steps.step(start, WorkerJoined{second, 1});
    steps.step(start, round_of(4));
    const WorkerId slow = first, quick = second;
    AssignTasks slow_lease = steps.assigned[0];
    Instant now = start;
    for (std::size_t next = 1; next < steps.assigned.size(); ++next) {
        if (steps.assigned[next].worker == quick) {
            now += 200ms;
            steps.step(now, SchedulerSteps::outputs_of(AssignTasks{steps.assigned[next]}, 0.2));
        }
    }
    ASSERT_EQ(steps.scheduler.round(job)->pending_count, 0U);
    const Instant due = steps.scheduler.next_deadline();
    EXPECT_GE(due, start + 400ms) << "twice the usual fifth of a second";
    EXPECT_LE(due, start + 450ms) << "and no more than the histogram's width beyond";
    steps.step(due, ClockTicked{});
    const AssignTasks copy = steps.newest_lease(quick);
    EXPECT_EQ(copy.tasks, slow_lease.tasks);
    steps.step(due + 100ms, SchedulerSteps::outputs_of(copy, 0.2));
    EXPECT_EQ(steps.last<RevokeLease>(),
              (std::vector{RevokeLease{slow_lease.lease, slow, RevokeReason::DoneElsewhere}}));
}

// A worker on which a task failed by itself is no help with it: its second failure would end the
// job while another worker computes it.
TEST(SchedulerLivenessTest, AStragglersTaskIsNotCopiedToAWorkerItFailedOn) {
    SchedulerSteps steps{{.leases_per_worker_max = 1}};
    steps.step(start, WorkerJoined{first, 1});
    steps.step(start, round_of(2));
    steps.step(start, WorkerJoined{second, 1});
    const Error no_memory{ErrorCode::OutOfMemory, "2 GiB"};
    const AssignTasks slow = steps.newest_lease(second);
    steps.step(start + 100ms, SchedulerSteps::failure_of(steps.newest_lease(first), no_memory));
    steps.step(start + 200ms, SchedulerSteps::outputs_of(slow));
    ASSERT_EQ(steps.newest_lease(second).tasks, (std::vector<TaskIndex>{0}));
    steps.step(start + 5s, HeartbeatReceived{first, {}, 1, false});
    EXPECT_EQ(steps.newest_lease(first).lease, LeaseId{1}) << "no copy for it";
    steps.step(start + 5s, WorkerJoined{WorkerId{3}, 1});
    EXPECT_EQ(steps.newest_lease(WorkerId{3}).tasks, (std::vector<TaskIndex>{0}));
}

// A clock that jumps back changes nothing that was decided.
TEST(SchedulerLivenessTest, TimeNeverRunsBackwards) {
    SchedulerSteps steps;
    steps.step(start + 100s, WorkerJoined{first, 1});
    steps.step(start, round_of(1));
    EXPECT_EQ(steps.newest_lease(first).deadline, start + 110s);
}

// A heartbeat can name thousands of leases that are over; it does not make the master send as many
// messages.
TEST(SchedulerLivenessTest, AFloodOfEndedLeasesIsAnsweredInPart) {
    SchedulerSteps steps;
    steps.step(start, LeaseIdsUsed{LeaseId{100'000}});
    steps.step(start, WorkerJoined{first, 1});
    HeartbeatReceived beat{first, {}, 1, false};
    for (std::uint64_t id = 1; id <= 8000; ++id) beat.leases.push_back(LeaseId{id});
    steps.step(start + 1s, beat);
    EXPECT_EQ(steps.last<RevokeLease>().size(), SchedulerLimits{}.disowned_per_heartbeat_max);
}

}  // namespace
}  // namespace netcompute::core
