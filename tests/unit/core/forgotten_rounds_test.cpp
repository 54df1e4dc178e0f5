#include "validation_steps.hpp"

namespace netcompute::core {
namespace {

constexpr std::uint32_t kept = 2;
constexpr std::uint32_t tasks = 3;

SchedulerLimits limits_of_test() {
    SchedulerLimits limits;
    limits.rounds_kept = kept;
    return limits;
}

/// A job whose rounds follow one another, and are forgotten two by two.
class ForgottenRoundsTest : public ValidationTest {
 protected:
    ForgottenRoundsTest() : ValidationTest{limits_of_test()} {}

    /// Begins this round, fresh, and has its tasks done.
    void pass(RoundIndex round, const std::set<WorkerId>& liars = {}) {
        begin(round, true);
        work(liars);
    }
    void begin(RoundIndex round, bool fresh) {
        RoundStarted event = round_with({}, tasks, round);
        event.fresh = fresh;
        step(event);
    }
    /// Passes rounds until the first ones are forgotten, going back where that is asked for.
    void pass_until_some_are_forgotten() {
        for (RoundIndex round = 0; count<ForgetRounds>() == 0; ++round) {
            ASSERT_LT(round, 100U);
            pass(round);
            const auto asked = steps.last<VisitRound>();
            if (asked.empty()) continue;
            for (RoundIndex again = asked.front().round; again <= round; ++again) {
                begin(again, false);
                work({});
            }
        }
    }
    [[nodiscard]] std::vector<RoundIndex> known_rounds() const {
        std::vector<RoundIndex> rounds;
        for (const auto& [round, known] : steps.scheduler.rounds(job)) rounds.push_back(round);
        return rounds;
    }
};

// What believed workers gave is beyond doubt: of their rounds those that are kept remain, whatever
// the number of rounds.
TEST_F(ForgottenRoundsTest, OldRoundsAreForgotten) {
    join(first, true, 1);
    for (RoundIndex round = 0; round < 2 * kept; ++round) pass(round);
    EXPECT_EQ(count<ForgetRounds>(), 0U);
    begin(2 * kept, true);
    const auto forgotten = steps.last<ForgetRounds>();
    ASSERT_EQ(forgotten.size(), 1U);
    EXPECT_EQ(forgotten[0].first, 0U);
    ASSERT_EQ(forgotten[0].rounds.size(), kept);
    EXPECT_EQ(forgotten[0].rounds[1].author(0), first);
    work({});
    for (RoundIndex round = 2 * kept + 1; round < 1000; ++round) pass(round);
    EXPECT_EQ(known_rounds(), (std::vector<RoundIndex>{996, 997, 998, 999}));
    EXPECT_EQ(count<VisitRound>(), 0U);
}

// Of a stranger's results some are checked before they are forgotten, as at a job's end.
TEST_F(ForgottenRoundsTest, RoundsGetTheirClosingChecksFirst) {
    join(first, false, 1);
    pass_until_some_are_forgotten();
    const ForgetRounds forgotten = std::get<ForgetRounds>(*std::ranges::find_if(
        seen, [](const Effect& effect) { return std::holds_alternative<ForgetRounds>(effect); }));
    for (const RoundTasks& round : forgotten.rounds) {
        for (TaskIndex index = 0; index < tasks; ++index) EXPECT_TRUE(round.confirmed(index));
    }
    EXPECT_TRUE(quarantined().empty());
}

// A liar in whose results nobody believes any more sends the job back to the first round that rests
// on them; if that is forgotten, the job begins again there or before.
TEST_F(ForgottenRoundsTest, AForgottenRoundIsDoneAgainWhereALiarHadItsPart) {
    join(first, true, 1);
    pass_until_some_are_forgotten();
    const RoundIndex now_at = known_rounds().back();
    join(second, true, 2);
    // Two results disagree: the master finds out who has lied.
    RoundStarted quorum = round_with({ValidationMode::Quorum, 2}, 1, now_at + 1);
    step(quorum);
    work({first});
    ASSERT_EQ(quarantined(), std::set<WorkerId>{first});
    const auto asked = [&] {
        std::vector<RoundIndex> rounds;
        for (const Effect& effect : seen) {
            if (const auto* one = std::get_if<VisitRound>(&effect)) rounds.push_back(one->round);
        }
        return rounds;
    }();
    EXPECT_EQ(asked, std::vector<RoundIndex>{0});

    // What the engine had said before it knew of that is no answer.
    begin(now_at + 2, true);
    EXPECT_EQ(steps.scheduler.round(job)->round, now_at + 1);
    begin(0, true);
    EXPECT_EQ(steps.scheduler.round(job)->round, 0U);
    EXPECT_EQ(known_rounds(), std::vector<RoundIndex>{0});
    work({});
    EXPECT_TRUE(all_right(0));
    EXPECT_EQ(count<VisitRound>(), 1U);
}

// The next master is told on whose word forgotten rounds rest.
TEST_F(ForgottenRoundsTest, ARestoredJobKnowsWhoseWordItsForgottenRoundsRestOn) {
    step(WorkerRestored{first, 1, true, 0, true});  // Who lied in the meantime.
    step(WorkerRestored{second, 2, true, 0, false});
    JobRestored restored{job, {past({0, 1, 2}, second), {}}, true};
    restored.first_round = 8;
    restored.forgotten = {{second, false, 0}, {first, true, 5}};
    step(restored);
    begin(9, false);
    EXPECT_EQ(steps.last<VisitRound>(), std::vector<VisitRound>{(VisitRound{job, 5})});
    begin(4, true);  // The last state before it that the engine has.
    EXPECT_EQ(steps.scheduler.round(job)->round, 4U);
    EXPECT_EQ(known_rounds(), std::vector<RoundIndex>{4});
}

// A round of very many tasks is kept: to tell of it would hold everybody up.
TEST_F(ForgottenRoundsTest, LargeRoundsAreKept) {
    SchedulerLimits limits = limits_of_test();
    limits.forgotten_tasks_max = tasks - 1;
    steps.scheduler = Scheduler{limits};
    join(first, true, 1);
    for (RoundIndex round = 0; round < 10; ++round) pass(round);
    EXPECT_EQ(count<ForgetRounds>(), 0U);
    EXPECT_EQ(known_rounds().size(), 10U);
}

}  // namespace
}  // namespace netcompute::core
