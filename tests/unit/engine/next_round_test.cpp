#include "engine/next_round.hpp"

#include "fold_here.hpp"
#include "temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace netcompute::engine {
namespace {

using programs::BlobRef;
using programs::Round;
using programs::TaskInput;
using ::testing::ElementsAre;

/// Whose rounds have these shared inputs.
class SharingProgram final : public programs::Program {
 public:
    explicit SharingProgram(std::vector<TaskInput> shared) : shared_{std::move(shared)} {}

    [[nodiscard]] std::optional<Round> round() const override {
        if (is_finished_) return std::nullopt;
        return Round{"noop", 1, shared_, 1};
    }
    [[nodiscard]] std::vector<TaskInput> task_inputs(TaskIndex) const override { return {}; }
    [[nodiscard]] Result<void> finish_round(std::span<const ByteSpan>,
                                            programs::RoundWork&) override {
        is_finished_ = true;
        return {};
    }
    [[nodiscard]] Bytes checkpoint() const override { return Bytes(3, std::byte{7}); }
    [[nodiscard]] Result<void> restore(ByteSpan) override { return {}; }
    [[nodiscard]] Bytes result_bytes() const override { return {}; }

 private:
    std::vector<TaskInput> shared_;
    bool is_finished_ = false;
};

NextRound standing(const programs::Program& program, store::BlobStore& blobs) {
    const programs::RoundWork nothing{std::span<const ByteSpan>{}};
    return next_round(program, blobs, nothing).value();
}

class NextRoundTest : public ::testing::Test {
 protected:
    [[nodiscard]] std::unique_ptr<store::BlobStore> open(std::uint64_t bytes_max) const {
        return std::move(*store::BlobStore::open(folder_.path() / "blobs", bytes_max));
    }

    const Bytes small_ = Bytes(inline_input_bytes_max, std::byte{1});
    const Bytes large_ = Bytes(inline_input_bytes_max + 1, std::byte{2});
    const BlobRef name_of_large_{sha256(large_), large_.size()};

 private:
    test_support::TemporaryFolder folder_;
};

TEST_F(NextRoundTest, WhatIsLargeIsABlobForAsLongAsTheRoundLasts) {
    const auto blobs = open(1 << 20);
    const BlobRef named_before{sha256(small_), small_.size()};
    const SharingProgram program{{small_, large_, named_before}};
    NextRound next = standing(program, *blobs);
    EXPECT_EQ(*next.state, program.checkpoint());
    ASSERT_TRUE(next.round);
    EXPECT_THAT(next.round->shared_inputs,
                ElementsAre(TaskInput{small_}, TaskInput{name_of_large_}, TaskInput{named_before}));
    ASSERT_NE(blobs->find(name_of_large_.sha256), nullptr);
    EXPECT_TRUE(std::ranges::equal(blobs->find(name_of_large_.sha256)->bytes(), large_));
    next = {};
    EXPECT_EQ(blobs->find(name_of_large_.sha256), nullptr);
    EXPECT_EQ(blobs->bytes(), 0U);
}

// Two rounds one after the other may share the same: a model that a fold left as it was.
TEST_F(NextRoundTest, ABlobStaysWhileAnyRoundHasIt) {
    const auto blobs = open(1 << 20);
    const SharingProgram program{{large_}};
    NextRound next = standing(program, *blobs);
    next = standing(program, *blobs);
    EXPECT_NE(blobs->find(name_of_large_.sha256), nullptr);
}

TEST_F(NextRoundTest, WhereThereIsNoRoomItRidesInTheLease) {
    const auto blobs = open(large_.size() - 1);
    const NextRound next = standing(SharingProgram{{large_}}, *blobs);
    ASSERT_TRUE(next.round);
    EXPECT_THAT(next.round->shared_inputs, ElementsAre(TaskInput{large_}));
}

TEST_F(NextRoundTest, AProgramThatHasFinishedHasNone) {
    const auto blobs = open(1 << 20);
    SharingProgram program{{large_}};
    ASSERT_TRUE(test_support::fold_here(program, {}));
    const NextRound next = standing(program, *blobs);
    EXPECT_FALSE(next.round);
    EXPECT_EQ(*next.state, program.checkpoint());
    EXPECT_EQ(blobs->bytes(), 0U);
}

}  // namespace
}  // namespace netcompute::engine
