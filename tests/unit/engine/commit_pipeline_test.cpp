#include "engine/commit_pipeline.hpp"

#include "memory_job_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace netcompute::engine {
namespace {

using store::Record;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Work for the disk waits until a test lets it be done.
class PatientHost final : public EngineHost {
 public:
    [[nodiscard]] Instant now() const override { return {}; }
    [[nodiscard]] std::int64_t unix_ms() const override { return 0; }
    void post(Work) override {}
    void run_slow(SlowWork) override {}
    void wait_for_disk(SlowWork work) override { disk.push_back(std::move(work)); }
    void wake_at(Instant, Work) override {}
    void close() override {}

    /// The oldest work is done, and the engine hears of it.
    void finish_one() {
        const SlowWork work = std::move(disk.front());
        disk.pop_front();
        work()();
    }

    std::deque<SlowWork> disk;
};

/// Writes down what is asked of it, and does it unless its disk is full.
class TalkativeStore final : public store::JobStore {
 public:
    [[nodiscard]] Result<void> commit(std::span<const Record> records, store::Durability) override {
        if (full) return unexpected(ErrorCode::Unavailable, "full");
        std::string jobs;
        for (const Record& record : records) {
            jobs += " " + std::to_string(std::get<store::PutJob>(record).job.id.value);
        }
        log.push_back("commit" + jobs);
        return {};
    }
    [[nodiscard]] store::SlowWork stage(std::span<const Record> records) override {
        const bool is_large =
            !records.empty() && std::get<store::PutJob>(records.front()).job.id.value == large_job;
        if (!is_large) return {};
        return log_later("stage");
    }
    [[nodiscard]] store::SlowWork flush() override { return log_later("flush"); }
    [[nodiscard]] std::optional<store::Upkeep> upkeep() override {
        return std::exchange(next_upkeep, std::nullopt);
    }
    [[nodiscard]] store::SlowWork log_later(std::string what) {
        return [this, what]() -> Result<void> {
            if (full) return unexpected(ErrorCode::Unavailable, "full");
            log.push_back(what);
            return {};
        };
    }

    [[nodiscard]] std::optional<store::JobRecord> job(JobId) const override { return {}; }
    [[nodiscard]] std::vector<store::JobRecord> jobs() const override { return {}; }
    [[nodiscard]] std::optional<JobId> job_of_key(std::string_view) const override { return {}; }
    [[nodiscard]] std::vector<store::JobRecord> newest_ended(std::size_t) const override {
        return {};
    }
    [[nodiscard]] std::vector<store::JobRecord> ended_jobs(
        const store::EndedJobsQuery&) const override {
        return {};
    }
    [[nodiscard]] JobId next_job_id() const override { return {}; }
    [[nodiscard]] LeaseId last_lease_id() const override { return {}; }
    [[nodiscard]] std::optional<store::ClockReading> last_clock() const override { return {}; }
    [[nodiscard]] std::vector<store::WorkerRecord> workers() const override { return {}; }
    [[nodiscard]] WorkerId last_worker_id() const override { return {}; }
    [[nodiscard]] Result<store::JobPlan> plan(JobId) const override { return store::JobPlan{}; }
    [[nodiscard]] Result<std::shared_ptr<const Bytes>> checkpoint(JobId,
                                                                  RoundIndex) const override {
        return unexpected(ErrorCode::Internal, "there is none");
    }
    [[nodiscard]] Result<store::ReadBytes> blob(JobId, const Sha256&) const override {
        return unexpected(ErrorCode::Internal, "there is none");
    }
    [[nodiscard]] Result<store::RoundSlice> slice(JobId, RoundIndex, std::uint64_t,
                                                  std::size_t) const override {
        return store::RoundSlice{};
    }
    [[nodiscard]] Result<std::vector<store::LeaseRecord>> leases(JobId, LeaseId,
                                                                 std::size_t) const override {
        return std::vector<store::LeaseRecord>{};
    }
    [[nodiscard]] std::vector<store::JobTrial> trials() const override { return {}; }
    [[nodiscard]] std::uint32_t unready_starts() const override { return 0; }
    [[nodiscard]] std::optional<Bytes> receipt(JobId) const override { return {}; }
    [[nodiscard]] std::vector<store::WrittenFileRecord> written_files() const override {
        return {};
    }

    static constexpr std::uint64_t large_job = 100;
    bool full = false;
    std::vector<std::string> log;
    std::optional<store::Upkeep> next_upkeep;
};

class CommitPipelineTest : public ::testing::Test {
 protected:
    /// A turn that puts this job, sends, and promises; all in the store's log.
    [[nodiscard]] TurnRecords turn(std::uint64_t job) {
        const std::string name = std::to_string(job);
        TurnRecords turn;
        store::PutJob put;
        put.job.id = JobId{job};
        turn.records.emplace_back(put);
        turn.sends.push_back([this, name] { store_.log.push_back("send " + name); });
        return turn;
    }
    [[nodiscard]] TurnRecords promising_turn(std::uint64_t job) {
        TurnRecords promising = turn(job);
        const std::string name = std::to_string(job);
        promising.promises.push_back([this, name] { store_.log.push_back("keep " + name); });
        promising.answers.push_back([this, name](const Result<void>& written) {
            store_.log.push_back((written ? "yes to " : "no to ") + name);
        });
        return promising;
    }
    [[nodiscard]] std::vector<std::string> take_log() { return std::exchange(store_.log, {}); }

    PatientHost host_;
    TalkativeStore store_;
    std::vector<bool> troubles_;
    CommitPipeline pipeline_{host_, store_, [this](bool trouble) { troubles_.push_back(trouble); }};
};

// Workers hear of a turn once it is committed, and no disk is waited for; that goes on for turns
// that nobody relies on.
TEST_F(CommitPipelineTest, WhatNobodyReliesOnWaitsForNoDisk) {
    pipeline_.add(turn(1));
    pipeline_.add(turn(2));
    EXPECT_THAT(take_log(), ElementsAre("commit 1", "send 1", "commit 2", "send 2"));
    EXPECT_TRUE(host_.disk.empty());
}

// A promise waits for the flush that began after its commit; the turns behind it do not.
TEST_F(CommitPipelineTest, PromisesWaitForTheirFlushAndTurnsGoOn) {
    pipeline_.add(promising_turn(1));
    pipeline_.add(promising_turn(2));
    pipeline_.add(promising_turn(3));
    EXPECT_THAT(take_log(),
                ElementsAre("commit 1", "send 1", "commit 2", "send 2", "commit 3", "send 3"));
    ASSERT_EQ(host_.disk.size(), 1U) << "one flush at a time";
    host_.finish_one();
    EXPECT_THAT(take_log(), ElementsAre("flush", "keep 1", "yes to 1"))
        << "the others were committed after it began";
    host_.finish_one();
    EXPECT_THAT(take_log(), ElementsAre("flush", "keep 2", "yes to 2", "keep 3", "yes to 3"));
    EXPECT_TRUE(host_.disk.empty());
}

// Who asks whether all is written hears it with the last flush, and at once where none is due.
TEST_F(CommitPipelineTest, WhoAsksLaterWaitsForWhatWasAddedBefore) {
    std::vector<std::string> answers;
    const auto ask = [&] {
        pipeline_.when_flushed(
            [&](const Result<void>& written) { answers.emplace_back(written ? "yes" : "no"); });
    };
    ask();
    EXPECT_THAT(answers, ElementsAre("yes"));
    pipeline_.add(promising_turn(1));
    ask();
    EXPECT_THAT(answers, ElementsAre("yes"));
    host_.finish_one();
    EXPECT_THAT(answers, ElementsAre("yes", "yes"));
}

// Also where nobody relied on it until then: what is only committed is lost with the power.
TEST_F(CommitPipelineTest, WhoAsksAfterACommitCausesItsFlush) {
    std::vector<std::string> answers;
    const auto ask = [&] {
        pipeline_.when_flushed(
            [&](const Result<void>& written) { answers.emplace_back(written ? "yes" : "no"); });
    };
    pipeline_.add(turn(1));
    ask();
    EXPECT_THAT(answers, IsEmpty());
    ASSERT_EQ(host_.disk.size(), 1U);
    host_.finish_one();
    ask();
    EXPECT_THAT(answers, ElementsAre("yes", "yes"));
    EXPECT_TRUE(host_.disk.empty());
}

// What can be taken back asks for no flush of its own, and hangs on the next one all the same.
TEST_F(CommitPipelineTest, WhatIsBegunIsTakenBackOnlyIfItCannotBeWritten) {
    const auto undoable_turn = [this](std::uint64_t job) {
        TurnRecords undoable = turn(job);
        undoable.undoings.push_back(
            [this, job] { store_.log.push_back("undo " + std::to_string(job)); });
        return undoable;
    };
    pipeline_.add(undoable_turn(1));
    EXPECT_TRUE(host_.disk.empty());
    pipeline_.add(promising_turn(2));
    host_.finish_one();
    EXPECT_THAT(take_log(), ElementsAre("commit 1", "send 1", "commit 2", "send 2", "flush",
                                        "keep 2", "yes to 2"));
    pipeline_.add(undoable_turn(3));
    pipeline_.add(promising_turn(4));
    store_.full = true;
    host_.finish_one();
    EXPECT_THAT(take_log(),
                ElementsAre("commit 3", "send 3", "commit 4", "send 4", "undo 3", "no to 4"));
    pipeline_.add(undoable_turn(5));
    EXPECT_THAT(take_log(), ElementsAre("undo 5"));
}

// Large outputs are on the disk before their turn is committed. The turns behind it wait, and
// become one.
TEST_F(CommitPipelineTest, TurnsBehindLargeOutputsGoTogetherAndInOrder) {
    pipeline_.add(turn(TalkativeStore::large_job));
    pipeline_.add(turn(1));
    pipeline_.add(turn(2));
    EXPECT_THAT(take_log(), IsEmpty());
    host_.finish_one();
    EXPECT_THAT(take_log(),
                ElementsAre("stage", "commit 100", "send 100", "commit 1 2", "send 1", "send 2"));
}

// Upkeep that holds commits delays them, and no more.
TEST_F(CommitPipelineTest, UpkeepMayHoldCommits) {
    store_.next_upkeep = store::Upkeep{store_.log_later("first upkeep"), false};
    pipeline_.add(turn(1));
    store_.next_upkeep = store::Upkeep{store_.log_later("second upkeep"), true};
    pipeline_.add(turn(2));
    EXPECT_THAT(take_log(), ElementsAre("commit 1", "send 1", "commit 2", "send 2"));
    host_.finish_one();
    pipeline_.add(turn(3));
    EXPECT_THAT(take_log(), ElementsAre("first upkeep")) << "the second one holds it";
    host_.finish_one();
    EXPECT_THAT(take_log(), ElementsAre("second upkeep", "commit 3", "send 3"));
}

// A disk that is full: who asked is told no, all else waits in order, and nothing is sent.
TEST_F(CommitPipelineTest, WhereNothingCanBeWrittenEverythingWaitsInOrder) {
    store_.full = true;
    pipeline_.add(promising_turn(1));
    EXPECT_THAT(take_log(), ElementsAre("no to 1"));
    EXPECT_EQ(pipeline_.trouble(), "full");
    pipeline_.add(promising_turn(2));
    EXPECT_THAT(take_log(), ElementsAre("no to 2"));
    pipeline_.retry();
    EXPECT_THAT(take_log(), IsEmpty());
    EXPECT_THAT(troubles_, ElementsAre(true));

    store_.full = false;
    pipeline_.add(turn(3));
    EXPECT_THAT(take_log(), IsEmpty()) << "that is for retry() to find out";
    pipeline_.retry();
    EXPECT_THAT(take_log(), ElementsAre("commit 1 2 3", "send 1", "send 2", "send 3"));
    EXPECT_THAT(troubles_, ElementsAre(true, false));
    EXPECT_EQ(pipeline_.trouble(), "");
    host_.finish_one();
    EXPECT_THAT(take_log(), ElementsAre("flush", "keep 1", "keep 2"));
}

// A flush that fails is trouble as well: what hangs on it waits, and nothing more is committed.
TEST_F(CommitPipelineTest, AFlushThatFailsIsDoneAgainBeforeAnythingElse) {
    pipeline_.add(promising_turn(1));
    store_.full = true;
    host_.finish_one();
    EXPECT_THAT(take_log(), ElementsAre("commit 1", "send 1", "no to 1"));
    pipeline_.add(turn(2));
    pipeline_.retry();
    host_.finish_one();
    EXPECT_THAT(take_log(), IsEmpty());
    store_.full = false;
    pipeline_.retry();
    host_.finish_one();
    EXPECT_THAT(take_log(), ElementsAre("flush", "keep 1", "commit 2", "send 2"));
    EXPECT_THAT(troubles_, ElementsAre(true, false));
}

// So is a large output that does not fit.
TEST_F(CommitPipelineTest, ALargeOutputThatDoesNotFitIsWrittenAgain) {
    store_.full = true;
    pipeline_.add(turn(TalkativeStore::large_job));
    pipeline_.add(turn(1));
    host_.finish_one();
    EXPECT_EQ(pipeline_.trouble(), "full");
    store_.full = false;
    pipeline_.retry();
    host_.finish_one();
    EXPECT_THAT(take_log(), ElementsAre("stage", "commit 100", "send 100", "commit 1", "send 1"));
    EXPECT_THAT(troubles_, ElementsAre(true, false));
}

}  // namespace
}  // namespace netcompute::engine
