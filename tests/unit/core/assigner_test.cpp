#include "core/assigner.hpp"

#include <gtest/gtest.h>

namespace netcompute::core {
namespace {

using namespace std::chrono_literals;

/// Two jobs of one priority, and a clock.
struct AssignerTest : testing::Test {
    static constexpr WorkerId first{1};
    static constexpr WorkerId second{2};
    static constexpr JobId job{5};
    static constexpr JobId rival{6};

    AssignerTest() {
        assigner.set_priority(job, 0);
        assigner.set_priority(rival, 0);
    }
    static Instant at(Duration time) { return Instant{} + time; }
    std::uint32_t batch(std::uint32_t left, std::uint64_t slots_of_all = 4,
                        std::uint64_t task_bytes = 1) const {
        return assigner.batch_size({first, 2, job, 0, task_bytes, left, slots_of_all});
    }
    static LeaseWork work(std::uint64_t lease, JobId whose, std::uint32_t open_count,
                          double seconds_running = 0) {
        return {LeaseId{lease}, first, whose, 0, open_count, seconds_running};
    }

    Assigner assigner{SchedulerLimits{}};
};

TEST_F(AssignerTest, WorkersWithRoomStandByHowManyLeasesTheyHold) {
    assigner.set_held(first, 1, false);
    assigner.set_held(second, 0, false);
    EXPECT_EQ(assigner.idle(), std::vector{second});
    EXPECT_EQ(assigner.first_at(1), first);
    assigner.set_held(second, 1, false);
    EXPECT_EQ(assigner.next_at(1, first), second);
    EXPECT_EQ(assigner.next_at(1, second), std::nullopt);
    assigner.set_held(first, 2, false);  // No room for a third one.
    EXPECT_EQ(assigner.place_of(first), std::nullopt);
    assigner.set_held(second, std::nullopt, false);
    EXPECT_EQ(assigner.first_at(1), std::nullopt);
}

TEST_F(AssignerTest, AWorkerToBeWaryOfComesLastWhileItHasRoom) {
    assigner.set_held(first, 0, true);
    EXPECT_EQ(assigner.place_of(first), 1U);
    EXPECT_TRUE(assigner.idle().empty());
}

TEST_F(AssignerTest, TheJobThatHasHadLessIsNext) {
    assigner.set_needs(job, {.has_pending = true});
    assigner.set_needs(rival, {.has_pending = true});
    EXPECT_EQ(assigner.next_job({}), job);
    assigner.serve(work(1, job, 10));
    EXPECT_EQ(assigner.next_job({}), rival);
    EXPECT_EQ(assigner.next_job({rival}), job);
    assigner.forget_job(rival);
    EXPECT_EQ(assigner.next_job({}), job);
    assigner.set_needs(job, {});
    EXPECT_FALSE(assigner.has_pending());
}

TEST_F(AssignerTest, JobsWithChecksAreListedByNumber) {
    assigner.set_needs(rival, {.has_checks = true});
    assigner.set_needs(job, {.has_checks = true});
    EXPECT_EQ(assigner.first_with_checks(), job);
    assigner.set_needs(job, {});  // Its last check is given out.
    EXPECT_EQ(assigner.next_with_checks(job), rival);
    EXPECT_EQ(assigner.next_with_checks(rival), std::nullopt);
}

TEST_F(AssignerTest, ABatchIsOneTaskASlotUntilTheSpeedIsMeasured) {
    EXPECT_EQ(batch(1000), 2U);
    assigner.measure(first, job, 0, 0.01, 5);
    EXPECT_EQ(batch(100'000), 200U);             // A second of two slots.
    EXPECT_EQ(batch(400), 100U);                 // Its share of half of what is left.
    EXPECT_EQ(batch(1), 2U);                     // But one task a slot.
    EXPECT_EQ(batch(100'000, 4, 1U << 20), 1U);  // And no more than fits into a frame.
    assigner.measure(first, job, 0, 1e-9, 5);
    assigner.measure(first, job, 0, 1e-9, 5);
    EXPECT_LE(batch(100'000'000), 8192U);
}

TEST_F(AssignerTest, EqualJobsShareTheSecondOfABatch) {
    assigner.measure(first, job, 0, 0.01, 5);
    assigner.set_needs(job, {.has_pending = true});
    assigner.set_needs(rival, {.has_pending = true});
    EXPECT_EQ(batch(100'000), 100U);
}

TEST_F(AssignerTest, ASpeedIsOfOneKernelAndForgottenWithItsJob) {
    assigner.measure(first, job, 0, 0.5, 1);
    const BatchRequest request{.worker = first, .slots = 2, .job = job, .kernel = 0};
    EXPECT_DOUBLE_EQ(assigner.expected_seconds(request, 8), 2);
    EXPECT_EQ(assigner.expected_seconds({.worker = first, .job = job, .kernel = 1}, 8), 0);
    assigner.forget_job(job);
    EXPECT_EQ(assigner.expected_seconds(request, 8), 0);
}

TEST_F(AssignerTest, WhatALeaseTookIsCountedOnce) {
    assigner.measure(first, job, 0, 1, 1);
    assigner.serve(work(1, job, 4));
    EXPECT_DOUBLE_EQ(assigner.spend(LeaseId{1}, 1), 1);
    // It ends with three open tasks, at which its worker has been for two seconds.
    EXPECT_DOUBLE_EQ(assigner.end(work(1, job, 3, 2)), 2);
    // They come late: two of their three seconds are known.
    EXPECT_DOUBLE_EQ(assigner.spend(LeaseId{1}, 3), 1);
}

TEST_F(AssignerTest, AChargeIsCorrectedToWhatALeaseTook) {
    assigner.measure(first, job, 0, 1, 1);
    assigner.set_needs(job, {.has_pending = true});
    assigner.set_needs(rival, {.has_pending = true});
    assigner.serve(work(1, job, 4));     // Four seconds, it is thought.
    assigner.serve(work(2, rival, 10));  // One: nobody has measured these.
    EXPECT_EQ(assigner.next_job({}), rival);
    assigner.spend(LeaseId{1}, 0.5);
    assigner.settle(LeaseId{1}, job);  // It was half a second.
    EXPECT_EQ(assigner.next_job({}), job);
}

TEST_F(AssignerTest, StragglersAreLookedForWhenAJobIsAtItsTail) {
    EXPECT_FALSE(assigner.begin_look(at(0s)));
    assigner.set_needs(job, {.is_at_tail = true});
    EXPECT_TRUE(assigner.begin_look(at(0s)));
    EXPECT_EQ(assigner.straggler_deadline(), instant_never);
    assigner.look_at(at(5s));
    EXPECT_FALSE(assigner.begin_look(at(4s)));
    assigner.look_again(at(4s));
    EXPECT_EQ(assigner.straggler_deadline(), at(4250ms));
    EXPECT_TRUE(assigner.begin_look(at(4250ms)));
    assigner.look_at(at(9s));
    assigner.note_helpless();
    EXPECT_FALSE(assigner.begin_look(at(5s)));
    assigner.set_held(first, 0, false);
    EXPECT_TRUE(assigner.begin_look(at(5s)));  // Here is somebody who can help.
}

TEST_F(AssignerTest, PatienceIsTwiceTheSlowestTasksTime) {
    EXPECT_EQ(assigner.patience(job, true), std::nullopt);
    EXPECT_EQ(assigner.patience(job, false), Duration{10s});
    assigner.measure(first, job, 0, 0.001, 100);
    EXPECT_EQ(assigner.patience(job, true), Duration{250ms});
    assigner.begin_round(job);
    assigner.measure(first, job, 0, 10, 100);
    EXPECT_NEAR(to_seconds(*assigner.patience(job, true)), 20, 2);
}

}  // namespace
}  // namespace netcompute::core
