#include "executor_fixture.hpp"

#include <gmock/gmock.h>

#include <deque>

namespace netcompute::worker {
namespace {

/// Keeps what it is asked for until the test answers.
class ScriptedFetcher final : public BlobFetcher {
 public:
    void fetch(const Sha256& sha256, std::uint64_t, Done done) override {
        const std::lock_guard lock{mutex_};
        asked_.push_back(sha256);
        open_.emplace_back(sha256, std::move(done));
        changed_.notify_all();
    }
    void await_asked(std::size_t count) {
        std::unique_lock lock{mutex_};
        ASSERT_TRUE(changed_.wait_for(lock, std::chrono::seconds{20},
                                      [&] { return asked_.size() >= count; }));
    }
    /// Answers the request for the blob of `text`.
    void answer(std::string_view text) {
        const ByteSpan bytes = as_byte_span(text);
        take(sha256(bytes))(Bytes{bytes.begin(), bytes.end()});
    }
    void fail(std::string_view text, Error error) {
        take(sha256(as_byte_span(text)))(unexpected(std::move(error)));
    }
    std::size_t asked() {
        const std::lock_guard lock{mutex_};
        return asked_.size();
    }

 private:
    Done take(const Sha256& sha256) {
        const std::lock_guard lock{mutex_};
        const auto found = std::find_if(open_.begin(), open_.end(),
                                        [&](const auto& one) { return one.first == sha256; });
        if (found == open_.end()) {
            ADD_FAILURE() << "nobody asked for this blob";
            return [](const auto&) {};
        }
        Done done = std::move(found->second);
        open_.erase(found);
        return done;
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Sha256> asked_;
    std::deque<std::pair<Sha256, Done>> open_;
};

protocol::BlobInput blob_input(std::string_view text) {
    return {sha256(as_byte_span(text)), text.size()};
}

// Tasks wait for their own blobs only: the one whose blob comes first runs first.
TEST(ExecutorBlobsTest, ATaskRunsWhenItsBlobsAreThere) {
    ScriptedFetcher fetcher;
    ExecutorBench bench{2, &fetcher};
    protocol::Lease lease = lease_of(1, "join", 0);
    lease.tasks = {{0, {text_input("0:"), blob_input("one"), blob_input("two")}},
                   {1, {text_input("1:"), blob_input("three")}},
                   {2, {text_input("2:")}}};
    bench.submit(lease);
    fetcher.await_asked(3);
    bench.await(1);
    EXPECT_EQ(bench.outcome(1, 2), output("2:"));
    fetcher.answer("three");
    bench.await(2);
    EXPECT_EQ(bench.outcome(1, 1), output("1:three"));
    fetcher.answer("two");
    fetcher.answer("one");
    bench.await(3);
    EXPECT_EQ(bench.outcome(1, 0), output("0:onetwo"));
}

// A shared blob is fetched once for the lease, and not again for the next one.
TEST(ExecutorBlobsTest, ABlobIsFetchedOnce) {
    ScriptedFetcher fetcher;
    ExecutorBench bench{2, &fetcher};
    protocol::Lease lease = lease_of(1, "join", 3, {text_input("!")});
    lease.shared_inputs = {blob_input("weights")};
    bench.submit(lease);
    fetcher.answer("weights");
    bench.await(3);
    EXPECT_EQ(bench.outcome(1, 2), output("weights!"));
    lease.lease = LeaseId{2};
    bench.submit(lease);
    bench.await(6);
    EXPECT_EQ(bench.outcome(2, 0), output("weights!"));
    EXPECT_EQ(fetcher.asked(), 1U);
}

// Two leases that wait for one blob ask for it once.
TEST(ExecutorBlobsTest, ABlobOnItsWayIsNotAskedForAgain) {
    ScriptedFetcher fetcher;
    ExecutorBench bench{1, &fetcher};
    bench.submit(lease_of(1, "join", 2, {blob_input("shard")}));
    bench.submit(lease_of(2, "join", 1, {blob_input("shard"), blob_input("shard")}));
    fetcher.answer("shard");
    bench.await(3);
    EXPECT_EQ(bench.outcome(1, 1), output("shard"));
    EXPECT_EQ(bench.outcome(2, 0), output("shardshard"));
    EXPECT_EQ(fetcher.asked(), 1U);
}

// A blob that cannot be had fails the tasks that need it, with the fetcher's words.
TEST(ExecutorBlobsTest, ABlobThatCannotBeHadFailsItsTasks) {
    ScriptedFetcher fetcher;
    ExecutorBench bench{1, &fetcher};
    protocol::Lease lease = lease_of(1, "join", 0);
    lease.tasks = {{0, {blob_input("gone")}}, {1, {blob_input("here")}}};
    bench.submit(lease);
    protocol::Lease sharing = lease_of(2, "join", 2);
    sharing.shared_inputs = {blob_input("lost")};
    bench.submit(sharing);
    const Error error{ErrorCode::Unavailable, "the master does not answer"};
    fetcher.fail("gone", error);
    fetcher.fail("lost", error);
    fetcher.answer("here");
    bench.await(4);
    const Outcome failure{true, error.code, error.message};
    EXPECT_EQ(bench.outcome(1, 0), failure);
    EXPECT_EQ(bench.outcome(1, 1), output("here"));
    EXPECT_EQ(bench.outcome(2, 0), failure);
    EXPECT_EQ(bench.outcome(2, 1), failure);
}

// Without a fetcher a blob input is an error, not a task that waits for ever.
TEST(ExecutorBlobsTest, WithoutAFetcherABlobIsUnavailable) {
    ExecutorBench bench{1};
    bench.submit(lease_of(1, "join", 1, {blob_input("shard")}));
    bench.await(1);
    EXPECT_EQ(bench.outcome(1, 0).code, ErrorCode::Unavailable);
}

// While one task computes, the blobs of the next are fetched; but not of a thousand, which would
// fill the memory.
TEST(ExecutorBlobsTest, BlobsOfComingTasksAreFetchedAheadWithinAWindow) {
    ScriptedFetcher fetcher;
    ExecutorBench bench{1, &fetcher};
    constexpr std::uint32_t task_count = 1000;
    std::vector<std::string> texts;
    for (std::uint32_t i = 0; i < task_count; ++i) texts.push_back(std::to_string(i));
    protocol::Lease lease = lease_of(1, "gate", 0);
    for (std::uint32_t i = 0; i < task_count; ++i) {
        lease.tasks.push_back({i, {blob_input(texts[i])}});
    }
    Gate::instance().close();
    bench.submit(lease);
    const std::size_t window = fetcher.asked();
    EXPECT_GE(window, 2U);
    EXPECT_LT(window, 100U);
    fetcher.answer(texts[0]);
    Gate::instance().await_waiting(1);
    fetcher.await_asked(window + 1);  // The task that started made room for one more.
    EXPECT_EQ(fetcher.asked(), window + 1);
    Gate::instance().open();
    for (std::uint32_t i = 1; i < task_count; ++i) {
        fetcher.await_asked(i + 1);
        fetcher.answer(texts[i]);
    }
    EXPECT_EQ(bench.await(task_count).size(), task_count);
}

// A small cache drops blobs, but never from under a task that holds them.
TEST(ExecutorBlobsTest, TasksKeepTheirBlobsWhateverTheCacheDrops) {
    ScriptedFetcher fetcher;
    ExecutorBench bench{1, &fetcher, /*cache_bytes_max=*/4};
    Gate::instance().close();
    bench.submit(lease_of(1, "gate", 1));
    Gate::instance().await_waiting(1);
    protocol::Lease lease = lease_of(2, "join", 0);
    lease.tasks = {{0, {blob_input("aaa")}}, {1, {blob_input("bbb")}}, {2, {blob_input("ccc")}}};
    bench.submit(lease);
    for (const auto* text : {"aaa", "bbb", "ccc"}) fetcher.answer(text);
    Gate::instance().open();
    bench.await(4);
    EXPECT_EQ(bench.outcome(2, 0), output("aaa"));
    EXPECT_EQ(bench.outcome(2, 2), output("ccc"));
}

// A lease revoked while its blobs travel is gone; the blobs stay for the next lease.
TEST(ExecutorBlobsTest, ABlobForARevokedLeaseIsKeptForTheNext) {
    ScriptedFetcher fetcher;
    ExecutorBench bench{1, &fetcher};
    bench.submit(lease_of(1, "join", 1, {blob_input("shard")}));
    bench.executor().revoke(LeaseId{1});
    fetcher.answer("shard");
    bench.submit(lease_of(2, "join", 1, {blob_input("shard")}));
    EXPECT_EQ(bench.await(1).size(), 1U);
    EXPECT_EQ(bench.outcome(2, 0), output("shard"));
    EXPECT_EQ(fetcher.asked(), 1U);
}

// Blobs may come when the executor is gone; then nobody wants them any more.
TEST(ExecutorBlobsTest, ABlobMayComeAfterTheExecutorIsGone) {
    ScriptedFetcher fetcher;
    {
        ExecutorBench bench{1, &fetcher};
        bench.submit(lease_of(1, "join", 1, {blob_input("shard")}));
        EXPECT_EQ(fetcher.asked(), 1U);
    }
    fetcher.answer("shard");
}

}  // namespace
}  // namespace netcompute::worker
