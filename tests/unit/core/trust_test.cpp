#include "core/trust.hpp"

#include <gtest/gtest.h>

namespace netcompute::core {
namespace {

/// Two strangers, and two believed workers of one PC.
struct TrustTest : testing::Test {
    static constexpr WorkerId stranger{1};
    static constexpr WorkerId other_stranger{2};
    static constexpr WorkerId believed{3};
    static constexpr WorkerId believed_neighbour{4};  ///< On the PC of `believed`.
    static constexpr Terms by_default{};
    inline static const Terms quorum_of_two{{ValidationMode::Quorum, 2}};

    TrustTest() {
        introduce({.worker = stranger, .pc = 1, .address = 1});
        introduce({.worker = other_stranger, .pc = 2, .address = 1});
        introduce({.worker = believed, .pc = 3, .is_believed = true, .address = 2});
        introduce({.worker = believed_neighbour, .pc = 3, .is_believed = true, .address = 2});
    }
    static Sha256 output(std::uint8_t first) {
        Sha256 sha256;
        sha256.digest[0] = first;
        return sha256;
    }
    Introduced introduce(const WorkerJoined& hello) { return trust.join(hello); }
    void earn_trust(WorkerId worker) {
        for (int i = 0; i < 10; ++i) EXPECT_TRUE(trust.credit(worker).has_value());
    }
    void put(TaskIndex index, WorkerId author, const Terms& terms = by_default) {
        tasks.put_output(index, author, output(1));
        trust.judge(terms, tasks, index);
    }

    Trust trust{SchedulerLimits{}, 7};
    RoundTasks tasks{200};
};

TEST_F(TrustTest, WhoIsBelievedIsNotLookedAtAndAStrangerIs) {
    EXPECT_EQ(trust.mode_for(by_default, believed), ValidationMode::None);
    EXPECT_EQ(trust.mode_for(by_default, stranger), ValidationMode::Adaptive);
    EXPECT_EQ(trust.mode_for(by_default, WorkerId{99}), ValidationMode::Adaptive);
    EXPECT_EQ(trust.mode_for(quorum_of_two, believed), ValidationMode::Quorum);
    put(0, believed);
    put(1, stranger);
    EXPECT_TRUE(tasks.settled(0));
    EXPECT_TRUE(tasks.wants_check(1));
}

TEST_F(TrustTest, WhatAStrangerGivesBeyondItsProbationIsHeldBackUntilItIsTrusted) {
    for (TaskIndex index = 0; index < 12; ++index) put(index, stranger);
    EXPECT_EQ(tasks.open_checks(stranger), 10U);
    EXPECT_EQ(tasks.held_back_count(stranger), 2U);
    for (TaskIndex index = 0; index < 10; ++index) {
        tasks.confirm(index, believed);
        EXPECT_EQ(trust.credit(stranger), index + 1);
    }
    trust.judge_held_back(by_default, tasks, stranger);
    EXPECT_EQ(tasks.held_back_count(stranger), 0U);
    EXPECT_TRUE(trust.is_reliable(by_default, stranger));
}

TEST_F(TrustTest, SomeResultsOfATrustedWorkerAreDrawnForChecks) {
    earn_trust(stranger);
    for (TaskIndex index = 0; index < 200; ++index) put(index, stranger);
    EXPECT_GT(tasks.open_checks(stranger), 30U);  // 30 % of them, about.
    EXPECT_LT(tasks.open_checks(stranger), 90U);
}

TEST_F(TrustTest, InAContestedJobEachResultIsChecked) {
    earn_trust(stranger);
    for (TaskIndex index = 0; index < 50; ++index) put(index, stranger, {{}, true});
    EXPECT_EQ(tasks.open_checks(stranger), 50U);
}

TEST_F(TrustTest, OnlyAReliableWorkerOfAnotherPcConfirms) {
    put(0, stranger);
    const auto vote = [&](WorkerId worker) {
        return trust.second_vote(by_default, tasks, 0, {worker, output(1)});
    };
    EXPECT_EQ(vote(other_stranger), VoteRuling{});
    EXPECT_EQ(vote(believed), (VoteRuling{false, believed}));
    put(1, believed, {{ValidationMode::Adaptive}, false});
    const Terms adaptive{{ValidationMode::Adaptive}};
    EXPECT_FALSE(trust.may_check(adaptive, {believed}, believed_neighbour));
    EXPECT_TRUE(trust.may_check(adaptive, {believed}, stranger));
}

TEST_F(TrustTest, AnotherResultIsADispute) {
    put(0, believed);
    EXPECT_TRUE(trust.second_vote(by_default, tasks, 0, {stranger, output(2)}).is_disputed);
}

TEST_F(TrustTest, AQuorumIsANumberOfPcsWithoutLiars) {
    put(0, believed, quorum_of_two);
    const auto vote = [&](WorkerId worker) {
        return trust.second_vote(quorum_of_two, tasks, 0, {worker, output(1)}).confirmer;
    };
    EXPECT_EQ(vote(believed_neighbour), std::nullopt);
    EXPECT_TRUE(trust.quarantine(other_stranger));
    EXPECT_EQ(vote(other_stranger), std::nullopt);
    EXPECT_EQ(vote(stranger), stranger);
}

TEST_F(TrustTest, ALiarsWordIsWorthNothingUntilItIsReadmitted) {
    earn_trust(stranger);
    put(0, stranger);
    EXPECT_TRUE(trust.quarantine(stranger));
    EXPECT_FALSE(trust.quarantine(stranger));
    EXPECT_TRUE(trust.word_of(by_default, stranger).is_lie);
    EXPECT_FALSE(trust.is_reliable(by_default, stranger));
    EXPECT_TRUE(trust.is_doubtful(by_default, tasks.stretch(0)));
    EXPECT_EQ(trust.credit(stranger), std::nullopt);
    trust.readmit(stranger);
    EXPECT_TRUE(trust.counts(stranger));
    EXPECT_EQ(trust.at(stranger).validated, 0U);  // It starts without trust.
}

TEST_F(TrustTest, TrustAndBlameBelongToASession) {
    earn_trust(stranger);
    const BlamedTask task{JobId{1}, 0, 5, false};
    trust.blame(stranger, task);
    const Introduced again =
        introduce({.worker = stranger, .resumed = true, .pc = 1, .address = 1});
    EXPECT_EQ(again.forgiven, std::vector<BlamedTask>{task});
    EXPECT_EQ(trust.at(stranger).validated, 10U);
    trust.blame(stranger, task);
    const Introduced anew = introduce({.worker = stranger, .pc = 1, .is_believed = true});
    EXPECT_TRUE(anew.forgiven.empty());
    EXPECT_TRUE(anew.is_now_believed);
    EXPECT_EQ(trust.at(stranger).validated, 0U);
}

TEST_F(TrustTest, AnAddressAnswersForTheLossesOfAllItsUnprovenWorkers) {
    for (int i = 0; i < 5; ++i) trust.count_loss(i % 2 == 0 ? stranger : other_stranger);
    EXPECT_TRUE(trust.is_wary_of(stranger));
    EXPECT_FALSE(trust.is_wary_of(believed));
    trust.answer_for(other_stranger, 1);
    EXPECT_FALSE(trust.is_wary_of(stranger));
}

TEST_F(TrustTest, TheMasterRescuesTwoTasksAtATime) {
    EXPECT_TRUE(trust.begin_rescue(JobId{1}, 1, 0));
    EXPECT_TRUE(trust.begin_rescue(JobId{2}, 1, 0));
    EXPECT_FALSE(trust.begin_rescue(JobId{2}, 1, 1));
    trust.forget_job(JobId{1});
    EXPECT_FALSE(trust.end_rescue(JobId{1}, 1, 0));
    EXPECT_TRUE(trust.begin_rescue(JobId{2}, 1, 1));
}

TEST_F(TrustTest, ClosingChecksAreFewerTheLongerAWorkerWasRight) {
    std::vector<TaskPlace> places;
    for (TaskIndex index = 0; index < 100; ++index) places.push_back({0, index});
    EXPECT_EQ(trust.draw_closing_checks(stranger, places, 0).size(), 30U);
    EXPECT_EQ(trust.draw_closing_checks(stranger, places, 25).size(), 5U);
    EXPECT_EQ(trust.draw_closing_checks(stranger, {{0, 1}}, 0).size(), 1U);
    for (int i = 0; i < 40; ++i) std::ignore = trust.credit(stranger);
    EXPECT_EQ(trust.draw_closing_checks(stranger, places, 0).size(), 15U);
}

}  // namespace
}  // namespace netcompute::core
