#include "core/round_tasks.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <utility>

namespace netcompute::core {
namespace {

/// A round's tasks as plainly as can be: one record a task, everything else counted anew.
struct PlainTask {
    int holders = 0;
    int checkers = 0;
    bool has_output = false;
    bool settled = false;
    bool confirmed = false;
    bool wants_check = false;
    bool audited = false;
    bool closing = false;
    WorkerId author = {};
    WorkerId confirmer = {};
    Sha256 sha256 = {};
    [[nodiscard]] bool waits() const { return !has_output && holders == 0; }
};
using PlainTasks = std::vector<PlainTask>;

Sha256 hash_of(std::uint32_t number) {
    Sha256 sha256;
    sha256.digest[0] = static_cast<std::uint8_t>(number);
    sha256.digest[1] = static_cast<std::uint8_t>(number >> 8);
    return sha256;
}

std::uint32_t count(const PlainTasks& plain, bool (*is_so)(const PlainTask&)) {
    return static_cast<std::uint32_t>(std::ranges::count_if(plain, is_so));
}

void expect_same(const RoundTasks& tasks, const PlainTasks& plain) {
    ASSERT_EQ(tasks.task_count(), plain.size());
    EXPECT_EQ(tasks.pending_count(), count(plain, [](const auto& one) { return one.waits(); }));
    EXPECT_EQ(tasks.settled_count(), count(plain, [](const auto& one) { return one.settled; }));
    EXPECT_EQ(tasks.waiting_check_count(), count(plain, [](const auto& one) {
                  return one.wants_check && one.checkers == 0 && !one.audited;
              }));
    Stretch stretch;
    for (TaskIndex index = 0; index < plain.size(); ++index) {
        const PlainTask& one = plain[index];
        if (index == stretch.end) stretch = tasks.stretch(index);
        const bool same =
            tasks.has_output(index) == one.has_output && stretch.has_output == one.has_output &&
            tasks.settled(index) == one.settled && stretch.settled == one.settled &&
            tasks.confirmed(index) == one.confirmed && stretch.confirmed == one.confirmed &&
            tasks.author(index) == one.author && stretch.author == one.author &&
            tasks.confirmer(index) == one.confirmer && stretch.confirmer == one.confirmer &&
            tasks.audited(index) == one.audited && tasks.closing(index) == one.closing &&
            tasks.wants_check(index) == one.wants_check &&
            static_cast<int>(tasks.holders(index)) == one.holders &&
            tasks.is_held(index) == (one.holders > 0 || one.checkers > 0) &&
            (!one.has_output || tasks.sha256(index) == one.sha256);
        ASSERT_TRUE(same) << "task " << index;
    }
}

/// Does the same to both.
class RandomLife {
 public:
    explicit RandomLife(std::uint32_t seed)
        : random_{seed}, tasks_{1 + below(10'000)}, plain_(tasks_.task_count()) {}

    void step() {
        switch (below(12)) {
            case 0:
            case 1:
            case 2:
                return take_and_finish();
            case 3:
                return each_of_some(&RandomLife::settle);
            case 4:
                return each_of_some(&RandomLife::confirm);
            case 5:
                return each_of_some(&RandomLife::drop);
            case 6:
                return each_of_some(&RandomLife::want_check);
            case 7:
                return take_checks();
            case 8:
                return each_of_some(&RandomLife::audit);
            case 9:
                return each_of_some(&RandomLife::draw);
            case 10:
                return below(4) == 0 ? reopen() : each_of_some(&RandomLife::unconfirm);
            default:
                copy_ = {tasks_, plain_};
        }
    }
    void check() const {
        expect_same(tasks_, plain_);
        // What was copied is not changed with the other.
        if (copy_) expect_same(copy_->first, copy_->second);
    }
    /// All that waits is given out in the end, each task once.
    void check_that_all_is_given_out() {
        const auto taken = tasks_.take(worker(), tasks_.task_count(), false);
        for (const TaskIndex index : taken) {
            ASSERT_TRUE(plain_[index].waits()) << index;
            plain_[index].holders = 1;
        }
        EXPECT_EQ(tasks_.pending_count(), 0U);
        check();
    }

 private:
    std::uint32_t below(std::uint32_t end) { return static_cast<std::uint32_t>(random_() % end); }
    WorkerId worker() { return WorkerId{1 + below(3)}; }

    /// Neighbours, as leases are: sometimes more than a page of them.
    void each_of_some(void (RandomLife::*change)(TaskIndex)) {
        const TaskIndex first = below(tasks_.task_count());
        const std::uint32_t wanted = below(3) == 0 ? 5000 : 1 + below(40);
        const TaskIndex end = first + std::min(wanted, tasks_.task_count() - first);
        for (TaskIndex index = first; index < end; ++index) (this->*change)(index);
    }

    void take_and_finish() {
        const WorkerId who = worker();
        const std::uint32_t wanted = 1 + below(3000);
        const std::uint32_t waiting = tasks_.pending_count();
        const auto taken = tasks_.take(who, wanted, false);
        EXPECT_EQ(taken.size(), std::min(wanted, waiting));
        EXPECT_TRUE(std::ranges::is_sorted(taken));
        const bool all_alike = below(2) == 0;
        const bool gives_back = below(6) == 0;
        for (const TaskIndex index : taken) {
            PlainTask& one = plain_[index];
            ASSERT_TRUE(one.waits()) << index;
            if (!gives_back) {
                one.author = who;
                one.has_output = true;
                one.sha256 = hash_of(all_alike ? 7 : index);
                tasks_.put_output(index, who, one.sha256);
            }
            if (below(50) == 0) {
                one.holders = 1;  // It stays with its lease.
                continue;
            }
            tasks_.release(index);
            if (one.has_output && below(100) != 0) settle(index);
        }
    }
    void settle(TaskIndex index) {
        PlainTask& one = plain_[index];
        if (!one.has_output || one.wants_check) return;
        one.settled = true;
        tasks_.settle(index);
    }
    void confirm(TaskIndex index) {
        PlainTask& one = plain_[index];
        if (!one.has_output) return;
        one.confirmed = one.settled = true;
        one.wants_check = false;
        one.confirmer = worker();
        tasks_.confirm(index, one.confirmer);
    }
    void unconfirm(TaskIndex index) {
        PlainTask& one = plain_[index];
        one.confirmed = false;
        one.confirmer = WorkerId{};
        tasks_.unconfirm(index);
    }
    void drop(TaskIndex index) {
        PlainTask& one = plain_[index];
        if (!one.has_output) return;
        one = {.holders = one.holders, .checkers = one.checkers, .audited = one.audited};
        tasks_.drop_output(index);
    }
    void want_check(TaskIndex index) {
        PlainTask& one = plain_[index];
        if (!one.has_output) return;
        one.wants_check = true;
        one.settled = false;
        tasks_.want_check(index);
    }
    void take_checks() {
        const auto taken = tasks_.take_checks(50, [](const Voters&) { return true; });
        for (const TaskIndex index : taken) {
            PlainTask& one = plain_[index];
            ASSERT_TRUE(one.wants_check && one.checkers == 0 && !one.audited);
            one.checkers = 1;
            if (below(2) == 0) {
                one.checkers = 0;
                tasks_.release_check(index);
            }
        }
    }
    void audit(TaskIndex index) {
        PlainTask& one = plain_[index];
        one.audited = !one.audited;
        tasks_.set_audited(index, one.audited);
    }
    void draw(TaskIndex index) {
        if (!plain_[index].has_output || below(10) != 0) return;
        plain_[index].closing = true;
        tasks_.set_closing(index);
    }
    void reopen() {
        if (below(2) == 0) {
            tasks_.grow(tasks_.task_count() + below(5000));
            plain_.resize(tasks_.task_count());
        }
        tasks_.reopen();
        for (PlainTask& one : plain_) {
            one.holders = one.checkers = 0;
            one.wants_check = false;
        }
    }

    std::mt19937 random_;
    RoundTasks tasks_;
    PlainTasks plain_;
    std::optional<std::pair<RoundTasks, PlainTasks>> copy_;
};

// However tasks are taken, done, dropped, checked and begun again, in stretches that fill pages and
// in single ones that open them again, each is in the state that a plain list says it is in.
TEST(RoundTasksModelTest, PagesSayWhatAPlainListSays) {
    for (std::uint32_t seed = 1; seed <= 30; ++seed) {
        SCOPED_TRACE(seed);
        RandomLife life{seed};
        for (int i = 0; i < 120; ++i) {
            life.step();
            if (i % 20 == 0) life.check();
            if (testing::Test::HasFatalFailure()) return;
        }
        life.check_that_all_is_given_out();
        if (testing::Test::HasFatalFailure()) return;
    }
}

constexpr std::uint32_t many = 10'000'000;

// A round of ten million tasks takes next to nothing until somebody works on it.
TEST(RoundTasksMemoryTest, AFreshRoundTakesNoMemoryForItsTasks) {
    RoundTasks tasks{many};
    EXPECT_LT(tasks.memory_bytes(), 64U << 10);
    EXPECT_EQ(tasks.take(WorkerId{1}, 3, false), (std::vector<TaskIndex>{0, 1, 2}));
    tasks.put_output(0, WorkerId{1}, {});
    EXPECT_LT(tasks.memory_bytes(), 512U << 10);
    tasks.reopen();
    EXPECT_EQ(tasks.pending_count(), many - 1);
    EXPECT_LT(tasks.memory_bytes(), 512U << 10);
}

// One that is done takes its hashes, and those only where they differ.
TEST(RoundTasksMemoryTest, ASettledRoundTakesLittleMoreThanItsHashes) {
    constexpr std::uint32_t count = 100 * TaskPages::page_tasks;
    const auto settled = [](auto&& hash) {
        RoundTasks tasks{count};
        for (const TaskIndex index : tasks.take(WorkerId{1}, count, false)) {
            tasks.put_output(index, WorkerId{1}, hash(index));
            tasks.release(index);
            tasks.settle(index);
        }
        EXPECT_TRUE(tasks.complete());
        return tasks;
    };
    EXPECT_LT(settled([](TaskIndex) { return hash_of(1); }).memory_bytes(), count / 4);
    EXPECT_LT(settled([](TaskIndex index) { return hash_of(index); }).memory_bytes(), count * 33);
}

}  // namespace
}  // namespace netcompute::core
