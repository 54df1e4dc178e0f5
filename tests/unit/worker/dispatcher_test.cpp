// Which slot computes what: leases and outcomes go in, chunks for slots come out.
#include <netcompute/protocol/payload.hpp>
#include <netcompute/worker/dispatcher.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace netcompute::worker {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

protocol::BlobInput blob(std::uint8_t name, std::uint64_t size = 100) {
    protocol::BlobInput input;
    input.sha256.digest.fill(name);
    input.size = size;
    return input;
}

const Bytes one_byte(1);

/// A dispatcher with slots 1, 2, … and a clock that stands still unless a test moves it.
class Bench {
 public:
    explicit Bench(SlotId slots) {
        for (SlotId slot = 1; slot <= slots; ++slot) dispatcher.slot_ready(slot);
    }
    void submit(std::uint64_t id, std::vector<protocol::LeasedTask> tasks,
                const std::vector<protocol::WireInput>& shared = {}) {
        Bytes payload = protocol::encode_work(shared, tasks);
        auto work = protocol::decode_work(payload, static_cast<std::uint32_t>(shared.size()),
                                          static_cast<std::uint32_t>(tasks.size()));
        protocol::Lease lease{
            LeaseId{id},           JobId{1}, 0, "noop", 1, 30, std::move(work->shared_inputs),
            std::move(work->tasks)};
        dispatcher.submit(std::move(lease), std::move(payload));
    }
    void submit(std::uint64_t id, std::uint32_t count,
                const std::vector<protocol::WireInput>& shared = {}) {
        std::vector<protocol::LeasedTask> tasks;
        for (std::uint32_t i = 0; i < count; ++i) {
            tasks.push_back({i, {protocol::InlineInput{one_byte}}});
        }
        submit(id, std::move(tasks), shared);
    }
    std::vector<SlotOrders::Run> runs() { return dispatcher.dispatch(now).runs; }

    /// Indices of the tasks in a chunk.
    static std::vector<TaskIndex> indices(const Chunk& chunk) {
        const auto work =
            protocol::decode_work(chunk.tasks, 0, static_cast<std::uint32_t>(chunk.count));
        std::vector<TaskIndex> found;
        for (const auto& task : work->tasks) found.push_back(task.index);
        return found;
    }
    /// The slot has computed the first `count` tasks of a chunk, or all of them.
    void answer(SlotId slot, const Chunk& chunk, double seconds = 0,
                std::optional<std::size_t> count = std::nullopt, bool more = false) {
        auto done = indices(chunk);
        done.resize(count.value_or(done.size()));
        std::vector<protocol::TaskOutcome> outcomes;
        for (const TaskIndex index : done) outcomes.push_back({index, false, {}, one_byte});
        dispatcher.received(slot, {chunk.id, static_cast<std::uint32_t>(done.size()),
                                   protocol::encode_outcomes(outcomes), seconds, more, 0});
    }
    /// Runs everything to its end; the sizes of the chunks.
    std::vector<std::size_t> run_all(double seconds_per_task) {
        std::vector<std::size_t> counts;
        std::deque<SlotOrders::Run> posted;
        for (;;) {
            for (auto& run : runs()) posted.push_back(std::move(run));
            if (posted.empty()) return counts;
            const auto [slot, chunk] = posted.front();
            posted.pop_front();
            counts.push_back(chunk.count);
            answer(slot, chunk, seconds_per_task * static_cast<double>(chunk.count));
        }
    }
    /// Indices of the outcomes that are there, in order of arrival.
    std::vector<TaskIndex> sent() {
        std::vector<TaskIndex> found;
        for (const OutcomeChunk& chunk : dispatcher.take_outcomes()) {
            std::vector<protocol::TaskOutcome> outcomes;
            chunk.append_to(outcomes);
            for (const auto& outcome : outcomes) found.push_back(outcome.index);
        }
        return found;
    }
    [[nodiscard]] std::vector<LeaseId> leases() const { return dispatcher.status().leases; }

    Instant now{1000s};
    Dispatcher dispatcher{1000};
};

TEST(DispatcherTest, EveryTaskIsDoneOnceAndThenTheLeaseIsOver) {
    Bench bench{3};
    bench.submit(1, 1000);
    EXPECT_THAT(bench.leases(), ElementsAre(LeaseId{1}));
    bench.run_all(1e-6);
    auto done = bench.sent();
    std::sort(done.begin(), done.end());
    std::vector<TaskIndex> all(1000);
    std::iota(all.begin(), all.end(), 0U);
    EXPECT_EQ(done, all);
    EXPECT_THAT(bench.leases(), IsEmpty());
}

TEST(DispatcherTest, ChunksOfTinyTasksGrowAndLongTasksGoOneByOne) {
    Bench tiny{1};
    tiny.submit(1, 50'000);
    const auto counts = tiny.run_all(1e-6);
    EXPECT_THAT(std::vector(counts.begin(), counts.begin() + 4), ElementsAre(1, 4, 4, 16));
    EXPECT_GE(*std::max_element(counts.begin(), counts.end()), 4096U);

    Bench long_tasks{1};
    long_tasks.submit(1, 50);
    EXPECT_THAT(long_tasks.run_all(0.5), testing::Each(1U));
}

TEST(DispatcherTest, ASecondChunkWaitsAtASlotForShortTasksOnly) {
    for (const auto& [seconds, depth] : {std::pair{0.001, 2U}, std::pair{0.5, 1U}}) {
        Bench bench{1};
        bench.submit(1, 1000);
        const auto first = bench.runs();
        bench.answer(1, first[0].chunk, seconds);
        std::size_t posted = 0;
        for (std::size_t more = bench.runs().size(); more != 0; more = bench.runs().size()) {
            posted += more;
        }
        EXPECT_EQ(posted, depth) << seconds;
    }
}

TEST(DispatcherTest, ALeaseIsSpreadOverAllSlots) {
    Bench bench{4};
    bench.submit(1, 2000);
    bench.run_all(1e-6);
    bench.submit(2, 40);
    std::set<SlotId> slots;
    for (const auto& [slot, chunk] : bench.runs()) {
        slots.insert(slot);
        EXPECT_LE(chunk.count, 10U);
    }
    EXPECT_EQ(slots, (std::set<SlotId>{1, 2, 3, 4}));
}

// Shared inputs go to a slot once, and are forgotten with the lease.
TEST(DispatcherTest, SharedInputsGoToASlotOnce) {
    Bench bench{1};
    bench.submit(1, 2, {protocol::InlineInput{one_byte}});
    const auto first = bench.runs();
    ASSERT_TRUE(first[0].chunk.context);
    EXPECT_EQ(first[0].chunk.context->shared_count, 1U);
    EXPECT_EQ(first[0].chunk.context->shared.size(), 6U);
    bench.answer(1, first[0].chunk, 1);
    const auto second = bench.runs();
    EXPECT_FALSE(second[0].chunk.context);
    bench.answer(1, second[0].chunk, 1);
    const SlotOrders orders = bench.dispatcher.dispatch(bench.now);
    ASSERT_EQ(orders.forgets.size(), 1U);
    EXPECT_EQ(orders.forgets[0].lease, LeaseId{1});
}

TEST(DispatcherTest, WhatAChunkHandsBackIsDoneByWhoeverIsFree) {
    Bench bench{1};
    bench.submit(1, 100);
    bench.run_all(1e-6);
    bench.sent();
    bench.submit(2, 8);
    const auto posted = bench.runs();
    ASSERT_EQ(posted[0].chunk.count, 8U);
    bench.answer(1, posted[0].chunk, 0.3, 3, true);
    bench.answer(1, posted[0].chunk, 0, 0);
    bench.dispatcher.slot_ready(2);
    const auto again = bench.runs();
    ASSERT_EQ(again.size(), 2U);
    EXPECT_THAT(Bench::indices(again[0].chunk), ElementsAre(3));
    EXPECT_THAT(Bench::indices(again[1].chunk), ElementsAre(4));
}

// A revoked lease gives no work and no results any more, and its chunk is stopped by force late.
TEST(DispatcherTest, ARevokedChunkHasAGrace) {
    Bench bench{2};
    bench.submit(1, 10);
    const auto posted = bench.runs();
    bench.answer(1, posted[0].chunk, 1);
    bench.dispatcher.revoke(LeaseId{1});
    EXPECT_THAT(bench.sent(), IsEmpty());
    EXPECT_THAT(bench.leases(), IsEmpty());
    EXPECT_THAT(bench.runs(), IsEmpty());
    EXPECT_EQ(bench.dispatcher.next_deadline(), bench.now + Dispatcher::revoke_grace);
    EXPECT_THAT(bench.dispatcher.overdue(bench.now + Dispatcher::revoke_grace - 1ms), IsEmpty());
    EXPECT_THAT(bench.dispatcher.overdue(bench.now + Dispatcher::revoke_grace), ElementsAre(2));
    bench.answer(2, posted[1].chunk);
    EXPECT_THAT(bench.dispatcher.overdue(bench.now + 5s), IsEmpty());
    EXPECT_THAT(bench.sent(), IsEmpty());
}

TEST(DispatcherTest, ResultsThatWereNotSentGoWithTheirLease) {
    Bench bench{1};
    bench.submit(1, 2);
    bench.run_all(1e-6);
    EXPECT_THAT(bench.leases(), IsEmpty());
    bench.dispatcher.revoke(LeaseId{1});
    EXPECT_THAT(bench.sent(), IsEmpty());
}

TEST(DispatcherTest, ARevokedChunkThatWaitsGetsItsGraceOnceItRuns) {
    Bench bench{1};
    bench.submit(1, 3);
    bench.run_all(1e-6);
    bench.submit(2, 1);
    bench.submit(3, 1);
    const auto posted = bench.runs();
    ASSERT_EQ(posted.size(), 2U);
    bench.dispatcher.revoke(LeaseId{3});
    EXPECT_THAT(bench.runs(), IsEmpty());
    EXPECT_EQ(bench.dispatcher.next_deadline(), instant_never);
    bench.answer(1, posted[0].chunk);
    bench.now += 900ms;
    EXPECT_THAT(bench.runs(), IsEmpty());
    EXPECT_EQ(bench.dispatcher.next_deadline(), bench.now + Dispatcher::revoke_grace);
}

TEST(DispatcherTest, TheWorkOfAThreadThatIsGoneGoesToOthers) {
    Bench bench{2};
    bench.submit(1, 2);
    const auto lost = bench.runs();
    bench.dispatcher.slot_gone(1, false);
    bench.dispatcher.slot_ready(3);
    const auto again = bench.runs();
    ASSERT_EQ(again.size(), 1U);
    EXPECT_EQ(again[0].slot, 3U);
    EXPECT_EQ(Bench::indices(again[0].chunk), Bench::indices(lost[0].chunk));
    EXPECT_TRUE(again[0].chunk.context) << "a new thread needs the shared inputs again";
}

TEST(DispatcherTest, ATaskThatKeepsKillingItsThreadHasFailed) {
    Bench bench{0};
    bench.submit(1, 1);
    for (SlotId slot = 1; slot <= 3; ++slot) {
        bench.dispatcher.slot_ready(slot);
        EXPECT_EQ(bench.runs().size(), 1U);
        bench.dispatcher.slot_gone(slot, true);
    }
    const auto results = bench.dispatcher.take_outcomes();
    ASSERT_EQ(results.size(), 1U);
    std::vector<protocol::TaskOutcome> outcomes;
    results[0].append_to(outcomes);
    EXPECT_EQ(outcomes[0].code, ErrorCode::Internal);
    EXPECT_THAT(std::string{as_text(outcomes[0].bytes)}, HasSubstr("task 0 stopped its thread 3"));
    EXPECT_THAT(bench.leases(), IsEmpty());
}

// A slot gets the tasks whose blobs it holds, and others leave them to it.
TEST(DispatcherTest, TasksGoWhereTheirBlobsAre) {
    Bench bench{2};
    bench.submit(1, {{0, {blob(1)}}, {1, {blob(2)}}});
    SlotOrders orders = bench.dispatcher.dispatch(bench.now);
    EXPECT_EQ(orders.prefetch.size(), 2U);
    std::map<SlotId, std::vector<TaskIndex>> first;
    for (const auto& [slot, chunk] : orders.runs) {
        first[slot] = Bench::indices(chunk);
        bench.answer(slot, chunk, 1);
    }
    bench.submit(2, {{1, {blob(2)}}, {0, {blob(1)}}});
    orders = bench.dispatcher.dispatch(bench.now);
    EXPECT_THAT(orders.prefetch, IsEmpty()) << "both are at a slot already";
    std::map<SlotId, std::vector<TaskIndex>> second;
    for (const auto& [slot, chunk] : orders.runs) second[slot] = Bench::indices(chunk);
    EXPECT_EQ(second, first);
}

TEST(DispatcherTest, BlobsToPrefetchAreTheSharedOnesFirstEachOnce) {
    Bench bench{1};
    bench.submit(1, {{0, {blob(2), blob(1)}}, {1, {blob(2), blob(1)}}}, {blob(1)});
    const auto wanted = bench.dispatcher.dispatch(bench.now).prefetch;
    ASSERT_EQ(wanted.size(), 2U);
    EXPECT_EQ(wanted[0].sha256, blob(1).sha256);
    EXPECT_EQ(wanted[1].sha256, blob(2).sha256);
}

TEST(DispatcherTest, ARetiredSlotGetsNothingMore) {
    Bench bench{1};
    bench.submit(1, 3);
    const auto posted = bench.runs();
    bench.dispatcher.retire(1, true);
    EXPECT_THAT(bench.dispatcher.idle_retired(), IsEmpty());
    bench.answer(1, posted[0].chunk);
    EXPECT_THAT(bench.runs(), IsEmpty());
    EXPECT_THAT(bench.dispatcher.idle_retired(), ElementsAre(1));
    bench.answer(1, posted[0].chunk);  // Late, and about nothing.
    EXPECT_THAT(bench.sent(), ElementsAre(0));
}

// No chunk of tasks is larger than a slot should get at once, but a large task goes alone.
TEST(DispatcherTest, AChunkHasALimitInBytes) {
    Bench bench{1};
    bench.submit(1, 100);
    bench.run_all(1e-6);
    const Bytes large(std::size_t{1} << 20);
    std::vector<protocol::LeasedTask> tasks;
    for (TaskIndex i = 0; i < 8; ++i) tasks.push_back({i, {protocol::InlineInput{large}}});
    bench.submit(2, std::move(tasks));
    for (const auto& [slot, chunk] : bench.runs()) EXPECT_EQ(chunk.count, 1U);
}

}  // namespace
}  // namespace netcompute::worker
