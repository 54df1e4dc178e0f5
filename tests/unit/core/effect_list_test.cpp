#include "core/effect_list.hpp"

#include <gtest/gtest.h>

namespace netcompute::core {
namespace {

class EffectListTest : public ::testing::Test {
 protected:
    EffectList effects;
    JobId job{1};
    WorkerId alice{1};
    WorkerId bob{2};
};

TEST_F(EffectListTest, KeepsTheirOrderAndGivesThemOnce) {
    effects.add(PublishWorker{alice, WorkerState::Busy});
    effects.add(CompleteRound{job, 0});
    EXPECT_EQ(effects.take(),
              (Effects{PublishWorker{alice, WorkerState::Busy}, CompleteRound{job, 0}}));
    EXPECT_TRUE(effects.take().empty());
}

TEST_F(EffectListTest, ConfirmationsByOneWordInOneRoundAreOne) {
    effects.add_confirmation(job, 0, alice, 3);
    effects.add_confirmation(job, 0, alice, 1);
    effects.add_confirmation(job, 0, bob, 2);
    effects.add_confirmation(job, 1, bob, 2);
    effects.add_confirmation(JobId{2}, 1, bob, 2);
    EXPECT_EQ(effects.take(),
              (Effects{ConfirmOutputs{job, 0, alice, {3, 1}}, ConfirmOutputs{job, 0, bob, {2}},
                       ConfirmOutputs{job, 1, bob, {2}}, ConfirmOutputs{JobId{2}, 1, bob, {2}}}));
}

TEST_F(EffectListTest, ConfirmationsWithSomethingBetweenAreTwo) {
    effects.add_confirmation(job, 0, alice, 3);
    effects.add_trust(bob, 1);
    effects.add_confirmation(job, 0, alice, 4);
    EXPECT_EQ(effects.take(), (Effects{ConfirmOutputs{job, 0, alice, {3}}, PublishTrust{bob, 1},
                                       ConfirmOutputs{job, 0, alice, {4}}}));
}

TEST_F(EffectListTest, OfCountsOfOneWorkersTrustTheLastIsTold) {
    effects.add_trust(alice, 1);
    effects.add_trust(alice, 2);
    effects.add_trust(bob, 1);
    EXPECT_EQ(effects.take(), (Effects{PublishTrust{alice, 2}, PublishTrust{bob, 1}}));
}

}  // namespace
}  // namespace netcompute::core
