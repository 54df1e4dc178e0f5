#include "core/lease_book.hpp"

#include <gtest/gtest.h>

namespace netcompute::core {
namespace {

using namespace std::chrono_literals;

/// A clock, and short words for leases of round 3 of one job.
struct LeaseBookTest : testing::Test {
    static constexpr WorkerId worker{1};
    static constexpr WorkerId other{2};
    static constexpr JobId job{5};

    static Instant at(Duration time) { return Instant{} + time; }
    LeaseId grant(Duration time, std::vector<TaskIndex> tasks, double expected_seconds = 0) {
        return leases.grant(at(time), {worker, job, 3, std::move(tasks), false}, expected_seconds)
            .id;
    }
    /// Of results for this task, or for none.
    ResultsClaim claim_of(LeaseId lease, std::optional<TaskIndex> task, WorkerId sender = worker,
                          RoundIndex round = 3) const {
        ResultsReceived event;
        event.worker = sender;
        event.lease = lease;
        event.job = job;
        event.round = round;
        if (task) event.outcomes.emplace_back().index = *task;
        return leases.claim_of(event);
    }

    LeaseBook leases{SchedulerLimits{}};
};

TEST_F(LeaseBookTest, ALeaseLastsFourTimesAsLongAsExpectedWithinBounds) {
    EXPECT_EQ(leases.at(grant(1s, {0})).deadline, at(11s));
    EXPECT_EQ(leases.at(grant(1s, {1}, 5)).deadline, at(21s));
    EXPECT_EQ(leases.at(grant(1s, {2}, 1000)).deadline, at(61s));
    EXPECT_EQ(leases.next_deadline(), at(11s));
}

TEST_F(LeaseBookTest, OnlyTheOldestOfAWorkersLeasesIsInFront) {
    const LeaseId first = grant(0s, {0, 1});
    const LeaseId second = grant(1s, {2});
    EXPECT_EQ(leases.held_by(worker), (std::vector{first, second}));
    EXPECT_EQ(leases.open_tasks_of(worker), 3U);
    EXPECT_FALSE(leases.at(second).in_front);
    leases.end(at(4s), first);
    EXPECT_TRUE(leases.at(second).in_front);
    EXPECT_EQ(leases.at(second).progress_at, at(4s));  // Its time begins to count.
    EXPECT_EQ(leases.active_of(job), (IdSet<LeaseId>{second}));
}

TEST_F(LeaseBookTest, ADeadlineThatIsRenewedPassesLater) {
    const LeaseId lease = grant(0s, {0});
    leases.renew(at(5s), lease);
    EXPECT_EQ(leases.next_expired(at(14s)), std::nullopt);
    EXPECT_EQ(leases.next_expired(at(15s)), lease);
    leases.end(at(15s), lease);
    EXPECT_EQ(leases.next_expired(at(15s)), std::nullopt);
    EXPECT_EQ(leases.next_deadline(), instant_never);
}

TEST_F(LeaseBookTest, AnOutcomeIsTakenOnce) {
    const LeaseId lease = grant(0s, {4, 7, 9});
    EXPECT_TRUE(leases.take_outcome(lease, 7));
    EXPECT_FALSE(leases.take_outcome(lease, 7));
    EXPECT_EQ(leases.at(lease).open_tasks(), (std::vector<TaskIndex>{4, 9}));
    EXPECT_EQ(leases.at(lease).open_count, 2U);
}

TEST_F(LeaseBookTest, LateResultsBelongToALeaseThatIsOverWhileItsRoundLasts) {
    const LeaseId lease = grant(0s, {4});
    leases.end(at(1s), lease);
    EXPECT_EQ(claim_of(lease, 4).lease, &leases.at(lease));
    EXPECT_EQ(leases.standing(lease, worker), LeaseStanding::Over);
    EXPECT_EQ(leases.take_round(job), std::vector{lease});
    leases.forget(lease);
    EXPECT_EQ(claim_of(lease, 4).lease, nullptr);
    EXPECT_EQ(claim_of(lease, 4).objection, "");
    EXPECT_EQ(leases.standing(lease, worker), LeaseStanding::Over);
}

TEST_F(LeaseBookTest, NobodySendsWhatWasNeverGivenToIt) {
    const LeaseId lease = grant(0s, {4});
    EXPECT_EQ(claim_of(LeaseId{0}, 4).objection, "lease 0, which was never granted");
    EXPECT_EQ(claim_of(LeaseId{2}, 4).objection, "lease 2, which was never granted");
    EXPECT_EQ(claim_of(lease, 4, other).objection, "lease 1 of another worker");
    EXPECT_EQ(claim_of(lease, 5).objection,
              "task 5 of round 3 of job 5, which was never given to it");
    EXPECT_EQ(claim_of(lease, std::nullopt, worker, 2).objection,
              "lease 1 under another job or round");
}

TEST_F(LeaseBookTest, WhatALeasesNumberMeansDependsOnWhoNamesIt) {
    const LeaseId lease = grant(0s, {4});
    EXPECT_EQ(leases.standing(lease, worker), LeaseStanding::Active);
    EXPECT_EQ(leases.standing(lease, other), LeaseStanding::Anothers);
    EXPECT_EQ(leases.standing(LeaseId{9}, worker), LeaseStanding::Ungranted);
    leases.note_used(LeaseId{9});
    EXPECT_EQ(leases.standing(LeaseId{9}, worker), LeaseStanding::Over);
    EXPECT_EQ(grant(0s, {5}), LeaseId{10});
}

TEST_F(LeaseBookTest, ARestoredLeaseIsAwaitedUntilItsWorkerNamesIt) {
    for (const std::uint64_t id : {3U, 4U}) {
        leases.restore(at(0s), LeaseId{id}, {worker, job, 3, {0, 1}, false}, {true, false});
        EXPECT_FALSE(leases.at(LeaseId{id}).claimed);
        EXPECT_EQ(leases.at(LeaseId{id}).open_count, 1U);
    }
    EXPECT_EQ(leases.claim(worker, {LeaseId{4}}), std::vector{LeaseId{3}});
    EXPECT_TRUE(leases.at(LeaseId{4}).claimed);
    EXPECT_TRUE(leases.claim(worker, {}).empty());  // It has been named once.
}

TEST_F(LeaseBookTest, WhoIsGoneHoldsNothing) {
    const LeaseId first = grant(0s, {0});
    const LeaseId second = grant(0s, {1});
    EXPECT_EQ(leases.take_held(worker), (std::vector{first, second}));
    EXPECT_TRUE(leases.held_by(worker).empty());
    EXPECT_TRUE(leases.at(first).active);  // Until it is ended.
    leases.end(at(1s), first);
    EXPECT_FALSE(leases.at(first).active);
    EXPECT_TRUE(leases.take_held(other).empty());
}

}  // namespace
}  // namespace netcompute::core
