#include "executor_fixture.hpp"

#include <gmock/gmock.h>

namespace netcompute::worker {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Each task's kernel gets the lease's shared inputs, then its own, and the outcome has its index.
TEST(ExecutorTest, SharedInputsComeBeforeTheTasksOwn) {
    ExecutorBench bench{2};
    protocol::Lease lease = lease_of(1, "join", 0);
    lease.shared_inputs = {text_input("a"), text_input("bc")};
    lease.tasks = {{7, {text_input("x")}}, {3, {}}, {4294967295, {text_input("yz")}}};
    bench.submit(lease);
    bench.await(3);
    EXPECT_EQ(bench.outcome(1, 7), output("abcx"));
    EXPECT_EQ(bench.outcome(1, 3), output("abc"));
    EXPECT_EQ(bench.outcome(1, 4294967295), output("abcyz"));
}

// Inputs lie anywhere in a frame; kernels read doubles from them and must find them aligned.
TEST(ExecutorTest, EveryInputStartsAtAnEightByteBoundary) {
    ExecutorBench bench{1};
    protocol::Lease lease = lease_of(1, "alignment", 0);
    lease.shared_inputs = {text_input("1"), text_input("22"), text_input("")};
    lease.tasks = {{0, {text_input("333"), text_input("12345678")}},
                   {1, {text_input("4444"), text_input("55555"), text_input("666666")}}};
    bench.submit(lease);
    bench.await(2);
    EXPECT_EQ(bench.outcome(1, 0), output(std::string(5, '\1')));
    EXPECT_EQ(bench.outcome(1, 1), output(std::string(6, '\1')));
}

// Whatever goes wrong in a kernel is that task's outcome and nobody else's.
TEST(ExecutorTest, WhatAKernelDoesWrongIsAFailedOutcome) {
    ExecutorBench bench{2};
    bench.submit(lease_of(1, "fail", 1));
    bench.submit(lease_of(2, "exhaust", 1));
    bench.submit(lease_of(3, "throw_text", 1));
    bench.submit(lease_of(4, "flood", 1));
    bench.submit(lease_of(5, "no_such_kernel", 1));
    bench.submit(lease_of(6, "join", 1, {text_input("fine")}));
    bench.await(6);
    EXPECT_EQ(bench.outcome(1, 0), (Outcome{true, ErrorCode::ShapeMismatch, "3 rows are not 4"}));
    EXPECT_EQ(bench.outcome(2, 0).code, ErrorCode::OutOfMemory);
    EXPECT_THAT(bench.outcome(2, 0).text, HasSubstr("exhaust"));
    EXPECT_EQ(bench.outcome(3, 0), (Outcome{true, ErrorCode::Internal, "throw_text: it broke"}));
    EXPECT_EQ(bench.outcome(4, 0).code, ErrorCode::LimitExceeded);
    EXPECT_EQ(bench.outcome(5, 0).code, ErrorCode::NotFound);
    EXPECT_THAT(bench.outcome(5, 0).text, HasSubstr("no_such_kernel version 1"));
    EXPECT_EQ(bench.outcome(6, 0), output("fine"));
}

// Thousands of tasks over several threads: each has exactly one outcome.
TEST(ExecutorTest, EveryTaskOfManyLeasesHasOneOutcome) {
    ExecutorBench bench{4};
    for (std::uint64_t id = 1; id <= 20; ++id) {
        bench.submit(lease_of(id, "join", 1000, {text_input("x")}));
    }
    EXPECT_EQ(bench.await(20'000).size(), 20'000U);
    EXPECT_EQ(bench.executor().status().unfinished, 0U);
    EXPECT_TRUE(bench.executor().status().leases.empty());
}

// Leases are done in the order in which they came: the second waits while the first has tasks.
TEST(ExecutorTest, LeasesAreDoneInOrderOfArrival) {
    ExecutorBench bench{1};
    Gate::instance().close();
    bench.submit(lease_of(9, "gate", 2));
    bench.submit(lease_of(4, "gate", 1));
    Gate::instance().await_waiting(1);
    const RunnerStatus status = bench.executor().status();
    EXPECT_THAT(status.leases, ElementsAre(LeaseId{9}, LeaseId{4}));
    EXPECT_EQ(status.unfinished, 3U);
    EXPECT_EQ(status.busy_slots, 1U);
    EXPECT_EQ(status.current, "gate 1/0/0");
    Gate::instance().open();
    bench.await(3);
    EXPECT_EQ(bench.executor().status().current, "");
    EXPECT_GT(bench.executor().status().busy_seconds, 0.0);
}

// A revoked lease gives nothing more: neither what waits nor what runs; other leases go on.
TEST(ExecutorTest, RevokedLeaseGivesNoOutcomes) {
    ExecutorBench bench{1};
    Gate::instance().close();
    bench.submit(lease_of(1, "gate", 100));
    bench.submit(lease_of(2, "join", 1, {text_input("kept")}));
    Gate::instance().await_waiting(1);
    bench.executor().revoke(LeaseId{1});
    EXPECT_THAT(bench.executor().status().leases, ElementsAre(LeaseId{2}));
    Gate::instance().open();
    EXPECT_EQ(bench.await(1).size(), 1U);
    EXPECT_EQ(bench.outcome(2, 0), output("kept"));
}

// Outcomes that wait to be taken go with their lease as well.
TEST(ExecutorTest, RevokeAlsoDropsOutcomesNotYetTaken) {
    ExecutorBench bench{1};
    Gate::instance().close();
    bench.submit(lease_of(1, "join", 10));
    bench.submit(lease_of(2, "gate", 1, {text_input("kept")}));
    Gate::instance().await_waiting(1);  // One slot, so all of lease 1 has been computed.
    bench.executor().revoke(LeaseId{1});
    Gate::instance().open();
    EXPECT_EQ(bench.await(1).size(), 1U);
    EXPECT_EQ(bench.outcome(2, 0), output("kept"));
}

// Before leaving: what has started ends and counts, what has not goes back to the master.
TEST(ExecutorTest, DropUnstartedKeepsWhatRuns) {
    ExecutorBench bench{2};
    Gate::instance().close();
    bench.submit(lease_of(1, "gate", 5, {text_input("x")}));
    bench.submit(lease_of(2, "join", 5));
    Gate::instance().await_waiting(2);
    bench.executor().drop_unstarted();
    EXPECT_EQ(bench.executor().status().busy_slots, 2U);
    Gate::instance().open();
    EXPECT_EQ(bench.await(2).size(), 2U);
    bench.submit(lease_of(3, "join", 1));
    EXPECT_EQ(bench.await(3).size(), 3U);  // Nothing of lease 2 came before it.
}

// The owner of the PC gives more cores, or takes some back, while tasks run.
TEST(ExecutorTest, SlotsComeAndGoAtRunTime) {
    ExecutorBench bench{1};
    Gate::instance().close();
    bench.submit(lease_of(1, "gate", 3));
    Gate::instance().await_waiting(1);
    bench.executor().set_slots(3);
    Gate::instance().await_waiting(3);
    EXPECT_EQ(bench.executor().status().busy_slots, 3U);
    bench.executor().set_slots(1);
    Gate::instance().open();
    bench.await(3);

    Gate::instance().close();
    bench.submit(lease_of(2, "gate", 2));
    Gate::instance().await_waiting(1);
    EXPECT_EQ(bench.executor().status().slots, 1U);
    EXPECT_EQ(bench.executor().status().busy_slots, 1U);
    bench.executor().set_slots(2);
    Gate::instance().await_waiting(2);
    Gate::instance().open();
    EXPECT_EQ(bench.await(5).size(), 5U);
}

// Large outputs are cut into chunks that each fit into a frame.
TEST(ExecutorTest, NoChunkIsLargerThanAFrame) {
    ExecutorBench bench{1};
    const std::string large(std::size_t{3} << 20, 'x');
    Gate::instance().close();
    bench.submit(lease_of(1, "gate", 1));
    bench.submit(lease_of(2, "join", 1, {text_input(large), text_input(large), text_input(large)}));
    bench.submit(lease_of(3, "join", 4, {text_input(large)}));
    Gate::instance().open();
    EXPECT_EQ(bench.await(6).size(), 6U);
    EXPECT_EQ(bench.outcome(2, 0).text.size(), 3 * large.size());
    EXPECT_EQ(bench.outcome(3, 3).text, large);

    OutcomeChunk chunk{LeaseId{1}, JobId{1}, 0};
    chunk.add_output(0, Bytes(100));
    chunk.add_error(1, {ErrorCode::NotFound, "gone"});
    EXPECT_EQ(chunk.wire_bytes(), 100U + 4U + 2 * 9U);
}

}  // namespace
}  // namespace netcompute::worker
