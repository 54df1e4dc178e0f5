#include "core/fair_queue.hpp"

#include <gtest/gtest.h>

#include <map>

namespace netcompute::core {
namespace {

constexpr JobId a{1}, b{2}, c{3};

/// Jobs of priority 0 that wait.
FairQueue queue_of(std::initializer_list<JobId> jobs) {
    FairQueue queue;
    for (const JobId id : jobs) {
        queue.set_priority(id, 0);
        queue.set_waiting(id, true);
    }
    return queue;
}

/// Serves whoever is next, so often, at these costs; how much each has got.
std::map<JobId, double> serve(FairQueue& queue, int count, const std::map<JobId, double>& costs) {
    std::map<JobId, double> got;
    for (int i = 0; i < count; ++i) {
        const JobId id = queue.next().value();
        queue.serve(id);
        queue.charge(id, costs.at(id));
        got[id] += costs.at(id);
    }
    return got;
}

// Turns of different lengths: what is shared is the service, not the number of turns.
TEST(FairQueueTest, EqualJobsShareServiceAndNotTurns) {
    FairQueue queue = queue_of({a, b, c});
    const auto got = serve(queue, 1110, {{a, 10}, {b, 1}, {c, 0.1}});
    EXPECT_NEAR(got.at(a), got.at(b), 10);
    EXPECT_NEAR(got.at(a), got.at(c), 10);
}

// A job that comes late does not have to be made up for what the others have had before, and does
// not have to wait for it either.
TEST(FairQueueTest, ANewcomerStartsWhereTheOthersAre) {
    FairQueue queue = queue_of({a});
    serve(queue, 1000, {{a, 1}});
    queue.set_priority(b, 0);
    queue.set_waiting(b, true);
    const auto got = serve(queue, 100, {{a, 1}, {b, 1}});
    EXPECT_NEAR(got.at(a), 50, 1);
    EXPECT_NEAR(got.at(b), 50, 1);
}

// Nor does one that had nothing to give for a while: it cannot save up.
TEST(FairQueueTest, WhoDidNotWaitHasNoCredit) {
    FairQueue queue = queue_of({a, b});
    serve(queue, 10, {{a, 1}, {b, 1}});
    queue.set_waiting(b, false);
    serve(queue, 1000, {{a, 1}});
    queue.set_waiting(b, true);
    const auto got = serve(queue, 100, {{a, 1}, {b, 1}});
    EXPECT_NEAR(got.at(a), 50, 1);
}

// One that has had more than the others, and pauses for a moment, is not forgiven that.
TEST(FairQueueTest, WhoWasAheadStaysAhead) {
    FairQueue queue = queue_of({a, b});
    queue.charge(a, 20);
    queue.set_waiting(a, false);
    queue.set_waiting(a, true);
    const auto got = serve(queue, 20, {{a, 1}, {b, 1}});
    EXPECT_EQ(got, (std::map<JobId, double>{{b, 20}}));
    queue.charge(a, 20);
    queue.set_priority(a, 5);
    queue.set_priority(a, 0);
    EXPECT_EQ(serve(queue, 20, {{a, 1}, {b, 1}}), (std::map<JobId, double>{{b, 20}}));
}

// When nobody waits, all that there is has been given out: who comes then starts where the last one
// stood, and not at nothing, which would hold that one up for all that it has had.
TEST(FairQueueTest, ANewcomerStartsWhereTheLastOneStoodWhenNobodyWaits) {
    FairQueue queue = queue_of({a});
    serve(queue, 1000, {{a, 1}});
    queue.set_waiting(a, false);
    queue.set_priority(b, 0);
    queue.set_waiting(b, true);
    queue.set_waiting(a, true);
    EXPECT_NEAR(serve(queue, 100, {{a, 1}, {b, 1}}).at(a), 50, 2);
}

// What was charged by an estimate is corrected, down as well as up.
TEST(FairQueueTest, AChargeIsCorrected) {
    FairQueue queue = queue_of({a, b});
    queue.charge(a, 16);
    EXPECT_EQ(queue.next(), b);
    queue.charge(a, -15.9);
    queue.charge(b, 1);
    EXPECT_EQ(queue.next(), a);
}

// Priorities are strict, and each has its own account: years of work at a high one do not weigh on
// a job that goes back to a low one.
TEST(FairQueueTest, PrioritiesAreStrictAndCountApart) {
    FairQueue queue = queue_of({a, b});
    queue.set_priority(c, 5);
    queue.set_waiting(c, true);
    EXPECT_EQ(queue.rival_count(), 1U);
    EXPECT_EQ(serve(queue, 1000, {{c, 1}}).at(c), 1000);
    queue.set_priority(c, 0);
    EXPECT_EQ(queue.rival_count(), 3U);
    const auto got = serve(queue, 300, {{a, 1}, {b, 1}, {c, 1}});
    for (const auto& [id, service] : got) EXPECT_NEAR(service, 100, 2) << id.value;
}

// A worker that may not serve the next job is told of the one after it, also of a lower priority.
TEST(FairQueueTest, RefusedJobsArePassedOver) {
    FairQueue queue = queue_of({a, b});
    queue.set_priority(c, -1);
    queue.set_waiting(c, true);
    EXPECT_EQ(queue.next({a}), b);
    EXPECT_EQ(queue.next({a, b}), c);
    EXPECT_EQ(queue.next({a, b, c}), std::nullopt);
    queue.remove(b);
    EXPECT_EQ(queue.next({a}), c);
    queue.remove(a);
    queue.remove(c);
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(queue.next(), std::nullopt);
    EXPECT_EQ(queue.rival_count(), 0U);
}

}  // namespace
}  // namespace netcompute::core
