#include "core/round_tasks.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace netcompute::core {
namespace {

const WorkerId first{1};
const WorkerId second{2};

// Tasks go out in order, each once, until none is left.
TEST(RoundTasksTest, EveryTaskIsTakenOnce) {
    RoundTasks tasks{5};
    EXPECT_EQ(tasks.take(first, 3, false), (std::vector<TaskIndex>{0, 1, 2}));
    EXPECT_EQ(tasks.take(second, 3, false), (std::vector<TaskIndex>{3, 4}));
    EXPECT_EQ(tasks.take(first, 3, false), std::vector<TaskIndex>{});
    EXPECT_EQ(tasks.pending_count(), 0U);
}

// A task that is given back waits again, and goes before those that nobody has touched.
TEST(RoundTasksTest, ATaskGivenBackIsTakenNext) {
    RoundTasks tasks{5};
    std::ignore = tasks.take(first, 2, false);
    tasks.release(1);
    EXPECT_EQ(tasks.pending_count(), 4U);
    EXPECT_EQ(tasks.take(second, 1, false), std::vector<TaskIndex>{1});
}

// With two holders, a task waits again only when both have given it back.
TEST(RoundTasksTest, ATaskWithTwoHoldersWaitsWhenBothAreGone) {
    RoundTasks tasks{1};
    std::ignore = tasks.take(first, 1, false);
    tasks.add_holder(0);
    tasks.release(0);
    EXPECT_EQ(tasks.pending_count(), 0U);
    tasks.release(0);
    EXPECT_EQ(tasks.pending_count(), 1U);
}

// A late result for a waiting task counts, and the task is not given out again.
TEST(RoundTasksTest, ALateResultTakesAWaitingTaskOutOfTheQueue) {
    RoundTasks tasks{2};
    std::ignore = tasks.take(first, 1, false);
    tasks.release(0);
    tasks.put_output(0, first, {});
    EXPECT_TRUE(tasks.has_output(0));
    EXPECT_EQ(tasks.author(0), first);
    EXPECT_EQ(tasks.pending_count(), 1U);
    EXPECT_EQ(tasks.take(second, 5, false), std::vector<TaskIndex>{1});
}

// A task that failed on a worker goes to another one, and stays for it.
TEST(RoundTasksTest, AFailedTaskAvoidsTheWorkerItFailedOn) {
    RoundTasks tasks{1};
    std::ignore = tasks.take(first, 1, false);
    EXPECT_EQ(tasks.count_own_failure(0, first), 1U);
    tasks.release(0);
    EXPECT_TRUE(tasks.take(first, 1, true).empty());
    EXPECT_EQ(tasks.take(second, 1, true), std::vector<TaskIndex>{0});
}

// Own tasks first, then anyone's, then another worker's from the back.
TEST(RoundTasksTest, AWorkerTakesItsOwnThenFreeThenOthersTasks) {
    RoundTasks tasks{5, {second, first, WorkerId{}, second, second}};
    EXPECT_EQ(tasks.take(first, 1, false), std::vector<TaskIndex>{1});
    EXPECT_EQ(tasks.take(first, 1, false), std::vector<TaskIndex>{2});
    EXPECT_EQ(tasks.take(first, 1, false), std::vector<TaskIndex>{4});
    EXPECT_EQ(tasks.take(second, 5, false), (std::vector<TaskIndex>{0, 3}));
}

// An output that is dropped makes its task wait again, unless a lease still holds it.
TEST(RoundTasksTest, ATaskWhoseOutputIsDroppedWaitsAgain) {
    RoundTasks tasks{2};
    std::ignore = tasks.take(first, 2, false);
    for (const TaskIndex index : {0U, 1U}) {
        tasks.put_output(index, first, {});
        tasks.settle(index);
    }
    tasks.release(0);
    EXPECT_TRUE(tasks.complete());
    tasks.drop_output(0);
    tasks.drop_output(1);
    EXPECT_EQ(tasks.settled_count(), 0U);
    EXPECT_EQ(tasks.take(second, 5, false), std::vector<TaskIndex>{0});
    tasks.release(1);
    EXPECT_EQ(tasks.take(second, 5, false), std::vector<TaskIndex>{1});
}

// A check is taken once, by whom may make it; let go of without an answer, it waits again.
TEST(RoundTasksTest, AnOutputThatWantsACheckIsTakenByAnother) {
    RoundTasks tasks{2};
    for (const auto& [index, author] : {std::pair{0U, first}, std::pair{1U, second}}) {
        tasks.hold(index);
        tasks.put_output(index, author, {});
        tasks.release(index);
        tasks.want_check(index);
    }
    EXPECT_EQ(tasks.open_checks(second), 1U);
    EXPECT_TRUE(tasks.take_checks(5, [](const Voters&) { return false; }).empty());
    const auto first_may = [](const Voters& voters) { return voters == Voters{second}; };
    EXPECT_EQ(tasks.take_checks(5, first_may), std::vector<TaskIndex>{1});
    EXPECT_TRUE(tasks.take_checks(5, first_may).empty());
    tasks.release_check(1);
    EXPECT_EQ(tasks.take_checks(5, first_may), std::vector<TaskIndex>{1});
    tasks.confirm(1, first);
    tasks.release_check(1);
    EXPECT_EQ(tasks.waiting_checks([](const Voters&) { return true; }), std::vector<TaskIndex>{0});
    EXPECT_EQ(tasks.open_checks(second), 0U);
    EXPECT_TRUE(tasks.settled(1));
}

// Who voted on an output while its check waited is not asked to check it; while the master is to
// make the check nobody is.
TEST(RoundTasksTest, ACheckWaitsForWhoHasNotVoted) {
    RoundTasks tasks{1};
    tasks.put_output(0, first, {});
    tasks.want_check(0);
    tasks.add_vote(0, {second, {}});
    const auto all = [](const Voters&) { return true; };
    const auto both = [](const Voters& voters) { return voters == Voters{first, second}; };
    EXPECT_EQ(tasks.waiting_checks(both), std::vector<TaskIndex>{0});
    tasks.set_audited(0, true);
    EXPECT_FALSE(tasks.checks_wait());
    tasks.set_audited(0, false);
    EXPECT_EQ(tasks.waiting_checks(all), std::vector<TaskIndex>{0});
    tasks.drop_output(0);
    EXPECT_FALSE(tasks.checks_wait());
}

// A round that is begun again keeps its outputs and gives out the rest.
TEST(RoundTasksTest, AReopenedRoundGivesOutWhatHasNoOutput) {
    RoundTasks tasks{4};
    std::ignore = tasks.take(first, 4, false);
    tasks.put_output(1, first, {});
    tasks.confirm(1, WorkerId{2});
    tasks.put_output(2, first, {});
    tasks.want_check(2);
    tasks.reopen();
    EXPECT_EQ(tasks.pending_count(), 2U);
    EXPECT_EQ(tasks.settled_count(), 1U);
    EXPECT_FALSE(tasks.checks_wait());
    EXPECT_EQ(tasks.take(second, 5, false), (std::vector<TaskIndex>{0, 3}));
}

// Whatever happens in whatever order, a task that waits can be taken, one that does not cannot.
TEST(RoundTasksTest, CountsAgreeWithWhatCanBeTakenUnderRandomUse) {
    std::mt19937 random{7};
    for (int run = 0; run < 200; ++run) {
        std::vector<WorkerId> homes(20);
        for (WorkerId& home : homes) home = WorkerId{random() % 4};
        RoundTasks tasks{20, run % 2 == 0 ? homes : std::vector<WorkerId>{}};
        std::multiset<TaskIndex> held;
        for (int turn = 0; turn < 300 && !tasks.complete(); ++turn) {
            const WorkerId worker{1 + random() % 3};
            if (random() % 2 == 0) {
                const std::uint32_t pending = tasks.pending_count();
                const auto taken = tasks.take(worker, 1 + random() % 4, false);
                ASSERT_EQ(tasks.pending_count(), pending - taken.size());
                ASSERT_EQ(taken.empty(), pending == 0);
                for (const TaskIndex index : taken) ASSERT_EQ(held.count(index), 0U);
                held.insert(taken.begin(), taken.end());
            } else if (!held.empty()) {
                const TaskIndex index = *held.begin();
                held.erase(held.begin());
                if (random() % 2 == 0 && !tasks.has_output(index)) {
                    tasks.put_output(index, worker, {});
                    tasks.settle(index);
                }
                tasks.release(index);
            }
        }
    }
}

}  // namespace
}  // namespace netcompute::core
