#include "engine/job_run.hpp"

#include "temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace netcompute::engine {
namespace {

using programs::Round;
using ::testing::ElementsAre;
using ::testing::SizeIs;

/// Three rounds, the first of one task, each one of one more; its state is the sum of all outputs'
/// first bytes so far.
class SummingProgram final : public programs::Program {
 public:
    [[nodiscard]] std::optional<Round> round() const override {
        if (folds_ == 3) return std::nullopt;
        return Round{"noop", 1, {}, folds_ + 1};
    }
    [[nodiscard]] std::vector<programs::TaskInput> task_inputs(TaskIndex) const override {
        return {};
    }
    [[nodiscard]] Result<void> finish_round(std::span<const ByteSpan> outputs,
                                            programs::RoundWork&) override {
        for (const ByteSpan output : outputs) sum_ += std::to_integer<std::uint8_t>(output.front());
        ++folds_;
        return {};
    }
    [[nodiscard]] Bytes checkpoint() const override { return {std::byte(folds_), std::byte(sum_)}; }
    [[nodiscard]] Result<void> restore(ByteSpan checkpoint) override {
        folds_ = std::to_integer<std::uint32_t>(checkpoint[0]);
        sum_ = std::to_integer<std::uint8_t>(checkpoint[1]);
        return {};
    }
    [[nodiscard]] Bytes result_bytes() const override { return checkpoint(); }

 private:
    std::uint32_t folds_ = 0;
    std::uint8_t sum_ = 0;
};

Bytes state_of(int folds, int sum) {
    return {std::byte(folds), std::byte(sum)};
}

class JobRunTest : public ::testing::Test {
 protected:
    JobRunTest() {
        PreparedJob prepared;
        prepared.program = std::make_unique<SummingProgram>();
        job_.begin(std::move(prepared));
        EXPECT_TRUE(job_.start_round());
    }

    /// Does the round that is due: each task gives this byte. As JobRun::advance().
    bool pass_round(int output) {
        for (TaskIndex index = 0; index < job_.round_tasks(); ++index) {
            auto owner = std::make_shared<const Bytes>(1, std::byte(output));
            job_.keep_output(index, ByteSpan{*owner}, owner);
        }
        auto next = job_.fold_step()();
        EXPECT_TRUE(next);
        const bool was_begun = job_.advance(std::move(*next));
        EXPECT_EQ(job_.start_round().has_value(), !job_.has_finished());
        return was_begun;
    }

    void go_back(RoundIndex round, const Bytes& state) {
        ASSERT_TRUE(job_.go_back(round, state));
        ASSERT_TRUE(job_.start_round());
    }

 private:
    test_support::TemporaryFolder folder_;
    std::unique_ptr<store::BlobStore> blobs_ =
        std::move(*store::BlobStore::open(folder_.path() / "blobs"));

 protected:
    JobRun job_{store::JobRecord{}, Instant{}, *blobs_};
};

TEST_F(JobRunTest, GoesFromRoundToRoundToTheEnd) {
    EXPECT_EQ(job_.round_tasks(), 1U);
    EXPECT_FALSE(pass_round(1));
    EXPECT_EQ(job_.round_index, 1U);
    EXPECT_EQ(job_.round_tasks(), 2U);
    EXPECT_EQ(job_.tasks_done, 1U);
    EXPECT_EQ(job_.tasks_total, 3U);
    EXPECT_FALSE(pass_round(2));
    EXPECT_FALSE(job_.has_finished());
    EXPECT_FALSE(pass_round(3));
    EXPECT_TRUE(job_.has_finished());
    EXPECT_EQ(job_.round_tasks(), 0U);
    EXPECT_THAT(job_.states(), ElementsAre(sha256(state_of(0, 0)), sha256(state_of(1, 1)),
                                           sha256(state_of(2, 5))));
    EXPECT_THAT(job_.kernels(), SizeIs(3));
}

// What is known of later rounds holds for as long as a former round comes to the same state.
TEST_F(JobRunTest, ARoundThatIsDoneAgainLeadsToWhereItLedBefore) {
    for (int output = 1; output <= 3; ++output) pass_round(output);
    go_back(0, state_of(0, 0));
    EXPECT_FALSE(job_.has_finished());
    EXPECT_EQ(job_.tasks_done, 0U);
    EXPECT_TRUE(pass_round(1));
    EXPECT_TRUE(pass_round(2));
    EXPECT_THAT(job_.states(), SizeIs(3));
}

TEST_F(JobRunTest, WhatIsKnownOfLaterRoundsGoesWhereTheStateIsAnother) {
    for (int output = 1; output <= 3; ++output) pass_round(output);
    go_back(0, state_of(0, 0));
    EXPECT_FALSE(pass_round(9));
    EXPECT_THAT(job_.states(), ElementsAre(sha256(state_of(0, 0)), sha256(state_of(1, 9))));
    EXPECT_EQ(job_.round_tasks(), 2U);
    EXPECT_FALSE(pass_round(2));
}

TEST_F(JobRunTest, ARestartGoesOnWhereTheLastRoundBegan) {
    const std::vector<Bytes> states{state_of(0, 0), state_of(1, 4)};
    const std::vector<store::StoredCheckpoint> checkpoints{{0, sha256(states[0])},
                                                           {1, sha256(states[1])}};
    ASSERT_TRUE(job_.restore({{}, checkpoints, {}}, [&](RoundIndex round) {
        return Result{std::make_shared<const Bytes>(states.at(round))};
    }));
    EXPECT_EQ(job_.round_index, 1U);
    EXPECT_EQ(job_.round_tasks(), 2U);
    EXPECT_EQ(job_.tasks_done, 1U);
    EXPECT_FALSE(pass_round(1));
    EXPECT_EQ(job_.states().back(), sha256(state_of(2, 6)));
}

}  // namespace
}  // namespace netcompute::engine
