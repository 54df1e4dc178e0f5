#include "core/liveness.hpp"

#include <gtest/gtest.h>

namespace netcompute::core {
namespace {

using namespace std::chrono_literals;

/// A worker that has joined at the beginning, and a clock.
struct LivenessTest : testing::Test {
    static constexpr WorkerId worker{7};

    Instant at(Duration time) const { return Instant{} + time; }
    std::optional<Overdue> overdue(Duration time) {
        return liveness.next_overdue(at(time), [this](WorkerId) { return is_remembered; });
    }
    StateChanges hear(Duration time, bool holds_leases = false) {
        return liveness.heard_from(at(time), worker, holds_leases);
    }

    Liveness liveness{SchedulerLimits{}};
    bool is_remembered = false;
};

TEST_F(LivenessTest, WhoeverSaysHelloTakesTasks) {
    EXPECT_TRUE(liveness.join(worker, 4));
    EXPECT_EQ(hear(0s), StateChanges{});  // It is Idle from the beginning.
    EXPECT_EQ(liveness.available_count(), 1U);
    EXPECT_EQ(liveness.available_slots(), 4U);
    EXPECT_FALSE(liveness.join(worker, 4));
    EXPECT_EQ(liveness.next_deadline(), at(6s));
}

TEST_F(LivenessTest, AWorkerWithoutSlotsHasOne) {
    liveness.join(worker, 0);
    EXPECT_EQ(liveness.at(worker).slots, 1U);
}

TEST_F(LivenessTest, HoldingLeasesMakesItBusyAndWishesMakeItDraining) {
    liveness.join(worker, 1);
    EXPECT_EQ(hear(0s, true), StateChanges{WorkerState::Busy});
    EXPECT_EQ(liveness.refresh(worker, false), StateChanges{WorkerState::Idle});
    liveness.drain(worker, true);
    EXPECT_EQ(liveness.refresh(worker, true), StateChanges{WorkerState::Draining});
    EXPECT_EQ(liveness.available_count(), 0U);
    liveness.drain(worker, false);
    liveness.report(worker, 2, true);  // It is paused by itself now.
    EXPECT_EQ(liveness.refresh(worker, false), StateChanges{});
    liveness.report(worker, 2, false);
    EXPECT_EQ(liveness.refresh(worker, false), StateChanges{WorkerState::Idle});
    EXPECT_EQ(liveness.available_slots(), 2U);
}

TEST_F(LivenessTest, SilenceMakesItSuspectThenLost) {
    liveness.join(worker, 1);
    std::ignore = hear(1s);
    EXPECT_EQ(overdue(6900ms), std::nullopt);
    EXPECT_EQ(overdue(7s), (Overdue{worker, Overdue::What::Suspect, 6s}));
    EXPECT_EQ(overdue(7s), std::nullopt);
    EXPECT_EQ(liveness.available_count(), 0U);
    EXPECT_EQ(liveness.next_deadline(), at(11s));
    EXPECT_EQ(overdue(11s), (Overdue{worker, Overdue::What::Lost, 10s}));
    EXPECT_FALSE(liveness.is_connected(worker));
}

TEST_F(LivenessTest, ASignOfLifeBringsItBackStepByStep) {
    liveness.join(worker, 1);
    std::ignore = hear(0s);
    std::ignore = overdue(6s);
    EXPECT_EQ(hear(7s, true), (StateChanges{WorkerState::Idle, WorkerState::Busy}));
    EXPECT_EQ(overdue(12s), std::nullopt);
}

TEST_F(LivenessTest, WhatItHoldsIsNoSignOfLife) {
    liveness.join(worker, 1);
    std::ignore = hear(0s, true);
    std::ignore = overdue(6s);
    EXPECT_EQ(liveness.refresh(worker, false), StateChanges{});
    EXPECT_EQ(liveness.at(worker).state, WorkerState::Suspect);
}

TEST_F(LivenessTest, ALostWorkerIsForgottenUnlessItsResultsAreRemembered) {
    liveness.join(worker, 1);
    std::ignore = hear(0s);
    EXPECT_EQ(liveness.lose(at(1s), worker), StateChanges{WorkerState::Lost});
    is_remembered = true;
    EXPECT_EQ(overdue(601s), std::nullopt);
    is_remembered = false;
    EXPECT_EQ(overdue(1200s), std::nullopt);  // It has another ten minutes.
    EXPECT_EQ(overdue(1201s), (Overdue{worker, Overdue::What::Forgotten, 1201s}));
    EXPECT_EQ(liveness.find(worker), nullptr);
    EXPECT_EQ(liveness.next_deadline(), instant_never);
}

TEST_F(LivenessTest, OneOfAFormerMasterIsAwaitedAndKeptUntilAllIsRestored) {
    liveness.restore(at(0s), worker);
    EXPECT_EQ(liveness.at(worker).state, WorkerState::Lost);
    EXPECT_TRUE(liveness.at(worker).awaited);
    EXPECT_EQ(overdue(10s), (Overdue{worker, Overdue::What::StaysAway, 10s}));
    EXPECT_EQ(overdue(610s), std::nullopt);
    liveness.end_restoration();
    EXPECT_EQ(overdue(1210s), (Overdue{worker, Overdue::What::Forgotten, 1210s}));
}

TEST_F(LivenessTest, AnAwaitedWorkerHasAllTheTimeFromItsJobsReturnOn) {
    liveness.restore(at(0s), worker);
    liveness.await(at(5s), worker);
    EXPECT_EQ(overdue(10s), std::nullopt);
    EXPECT_FALSE(liveness.join(worker, 1));
    EXPECT_EQ(hear(12s), StateChanges{WorkerState::Idle});
    EXPECT_FALSE(liveness.at(worker).awaited);
}

}  // namespace
}  // namespace netcompute::core
