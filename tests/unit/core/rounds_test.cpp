#include "core/rounds.hpp"

#include <gtest/gtest.h>

namespace netcompute::core {
namespace {

/// One job, a believed worker, a stranger and a liar.
struct RoundsTest : testing::Test {
    static constexpr JobId job{1};
    static constexpr WorkerId believed{1};
    static constexpr WorkerId stranger{2};
    static constexpr WorkerId liar{3};

    static Word word_of(const Terms&, WorkerId worker) {
        if (worker == liar) return {false, true, ValidationMode::Adaptive};
        return {true, false, worker == believed ? ValidationMode::None : ValidationMode::Adaptive};
    }
    static RoundStarted round(RoundIndex index, std::uint32_t task_count, bool fresh = true) {
        RoundStarted event;
        event.job = job;
        event.round = index;
        event.task_count = task_count;
        event.fresh = fresh;
        return event;
    }
    JobRounds& begin(RoundIndex index, std::uint32_t task_count, bool fresh = true) {
        const auto homes = rounds.admit(round(index, task_count, fresh));
        EXPECT_TRUE(homes.has_value());
        return rounds.begin(round(index, task_count, fresh), homes.value_or(Voters{}));
    }
    /// A round of which these workers gave the outputs, all of which count.
    JobRounds& fold(RoundIndex index, const std::vector<WorkerId>& authors) {
        JobRounds& of_job = begin(index, static_cast<std::uint32_t>(authors.size()));
        for (TaskIndex task = 0; task < authors.size(); ++task) {
            of_job.tasks.put_output(task, authors[task], Sha256{});
            of_job.tasks.settle(task);
        }
        EXPECT_TRUE(of_job.complete());
        return of_job;
    }

    Rounds rounds;
};

TEST_F(RoundsTest, ARoundIsCompleteOnce) {
    JobRounds& of_job = begin(0, 1);
    EXPECT_FALSE(of_job.complete());
    of_job.tasks.put_output(0, believed, Sha256{});
    of_job.tasks.settle(0);
    EXPECT_TRUE(of_job.complete());
    EXPECT_FALSE(of_job.complete());
}

TEST_F(RoundsTest, TheNextRoundKnowsWhoDidWhichTask) {
    fold(0, {believed, stranger});
    EXPECT_EQ(rounds.admit(round(1, 2)), (std::vector{believed, stranger}));
    EXPECT_EQ(rounds.admit(round(1, 3)), std::vector<WorkerId>{});  // Others are due.
}

TEST_F(RoundsTest, EachVisitHasItsNumber) {
    fold(0, {believed});
    EXPECT_EQ(rounds.at(job).visit, 1U);
    rounds.at(job).go_back(0);
    EXPECT_EQ(begin(0, 1, false).visit, 2U);
    EXPECT_TRUE(rounds.at(job).tasks.has_output(0));  // It is as it was.
}

TEST_F(RoundsTest, OnTheWayBackNoOtherRoundBegins) {
    fold(0, {believed});
    fold(1, {believed}).go_back(0);
    EXPECT_FALSE(rounds.admit(round(2, 1)).has_value());
    EXPECT_FALSE(rounds.admit(round(0, 1, true)).has_value());
    EXPECT_TRUE(rounds.admit(round(0, 1, false)).has_value());
}

TEST_F(RoundsTest, AFreshRoundMakesLaterOnesVoid) {
    fold(0, {believed});
    fold(1, {believed});
    fold(2, {believed});
    begin(1, 1);
    EXPECT_EQ(rounds.all_of(job).size(), 2U);
    EXPECT_FALSE(rounds.all_of(job).at(1).has_output(0));
}

TEST_F(RoundsTest, ALiarsResultsPutTheirRoundInDoubt) {
    fold(0, {believed});
    fold(1, {liar});
    JobRounds& of_job = begin(2, 1);
    EXPECT_EQ(of_job.first_doubtful(2, word_of), RoundIndex{1});
    EXPECT_EQ(of_job.first_doubtful(1, word_of), std::nullopt);
    EXPECT_TRUE(of_job.take_word_out(liar));
    EXPECT_EQ(of_job.contest(word_of), RoundIndex{1});
}

TEST_F(RoundsTest, WhatALiarConfirmedIsConfirmedNoMore) {
    JobRounds& of_job = fold(0, {believed});
    of_job.tasks.confirm(0, liar);
    EXPECT_TRUE(of_job.take_word_out(liar));
    EXPECT_FALSE(of_job.tasks.confirmed(0));
    EXPECT_FALSE(of_job.take_word_out(liar));
}

TEST_F(RoundsTest, InAContestedJobStrangersAreInDoubt) {
    JobRounds& of_job = fold(0, {stranger});
    EXPECT_EQ(of_job.first_doubtful(1, word_of), std::nullopt);
    EXPECT_EQ(of_job.contest(word_of), RoundIndex{0});
    EXPECT_TRUE(of_job.terms.contested);
}

TEST_F(RoundsTest, WhoeverGaveAResultIsRemembered) {
    fold(0, {stranger});
    begin(1, 1);
    EXPECT_TRUE(rounds.remember(stranger));
    EXPECT_FALSE(rounds.remember(believed));
    rounds.forget_job(job);
    EXPECT_FALSE(rounds.remember(stranger));
}

TEST_F(RoundsTest, BeforeTheEndStrangersUnconfirmedResultsMayBeDrawn) {
    fold(0, {stranger, believed, stranger}).tasks.confirm(2, believed);
    JobRounds& of_job = begin(1, 1);
    const auto found = of_job.unconfirmed(1, word_of);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found.at(stranger).places, (std::vector<TaskPlace>{{0, 0}}));
    EXPECT_EQ(found.at(stranger).drawn_before, 0U);
}

TEST_F(RoundsTest, AFoldThatFailsPutsStrangersInDoubtAndAWrongShapeEverybody) {
    fold(0, {stranger});
    EXPECT_EQ(fold(1, {believed}).reject(ErrorCode::Internal, word_of), RoundIndex{0});
    rounds.forget_job(job);
    JobRounds& of_job = fold(0, {believed});
    EXPECT_EQ(of_job.reject(ErrorCode::Internal, word_of), std::nullopt);
    EXPECT_EQ(of_job.reject(ErrorCode::ShapeMismatch, word_of), RoundIndex{0});
}

TEST_F(RoundsTest, OldRoundsAreForgottenButNotWhoseWordTheyRestOn) {
    SchedulerLimits limits;
    limits.rounds_kept = 2;
    for (RoundIndex index = 0; index < 4; ++index) {
        fold(index, {stranger});
        EXPECT_EQ(rounds.at(job).due_to_forget(limits), std::nullopt);
    }
    JobRounds& of_job = begin(4, 1);
    EXPECT_EQ(of_job.due_to_forget(limits), RoundIndex{2});
    EXPECT_EQ(of_job.forget(2).size(), 2U);
    EXPECT_EQ(of_job.first_kept(), 2U);
    EXPECT_EQ(of_job.doubt_strangers(4, word_of), RoundIndex{0});
    EXPECT_TRUE(of_job.terms.contested);
}

TEST_F(RoundsTest, WhatAFormerMasterKnewCountsAgainExceptALiarsWord) {
    JobRestored past;
    past.job = job;
    past.rounds = {{{0, stranger, {}, true, believed},
                    {1, stranger, {}, true, liar},
                    {2, believed, {}, false, {}}}};
    rounds.restore(past, word_of);
    const RoundTasks& tasks = rounds.at(job).history().at(0);
    EXPECT_TRUE(tasks.confirmed(0));
    EXPECT_FALSE(tasks.confirmed(1));
    EXPECT_TRUE(tasks.settled(2));
}

}  // namespace
}  // namespace netcompute::core
