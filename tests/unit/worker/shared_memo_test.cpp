#include "native-worker/shared_memo.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <new>
#include <semaphore>
#include <thread>
#include <vector>

namespace netcompute::worker {
namespace {

const kernels::MemoKey key{{}, &kernels::type_tag<int>};

int int_of(const Result<kernels::AnyValue>& value) {
    return *std::static_pointer_cast<const int>(value.value());
}

kernels::AnyDerived seven(std::size_t bytes = 4) {
    return {std::make_shared<const int>(7), bytes};
}

// Whether the others come while it is derived or afterwards, they get what the first one made.
TEST(SharedMemoTest, SlotsThatNeedTheSameValueDeriveItOnce) {
    for (const std::size_t bytes : {std::size_t{4}, std::size_t{1} << 30}) {
        SharedMemo memo{1 << 20};
        std::atomic<int> derived = 0;
        std::counting_semaphore<8> has_begun{0};
        std::counting_semaphore<8> may_end{0};
        std::vector<std::thread> slots;
        std::atomic<int> right = 0;
        const auto get = [&] {
            const auto value = memo.get(key, [&]() -> Result<kernels::AnyDerived> {
                ++derived;
                has_begun.release();
                may_end.acquire();
                return seven(bytes);
            });
            if (int_of(value) == 7) ++right;
        };
        slots.emplace_back(get);
        has_begun.acquire();
        for (int slot = 0; slot < 3; ++slot) slots.emplace_back(get);
        may_end.release(4);
        for (std::thread& slot : slots) slot.join();
        EXPECT_EQ(right, 4);
        // One that is too large to be kept is derived again by those who came too late.
        if (bytes == 4) {
            EXPECT_EQ(derived, 1);
        }
        EXPECT_EQ(memo.bytes() > 0, bytes == 4);
    }
}

TEST(SharedMemoTest, AFailedDerivationLetsTheOthersTry) {
    SharedMemo memo{1 << 20};
    std::atomic<int> tries = 0;
    std::atomic<int> right = 0;
    std::vector<std::thread> slots;
    for (int slot = 0; slot < 3; ++slot) {
        slots.emplace_back([&] {
            const auto value = memo.get(key, [&]() -> Result<kernels::AnyDerived> {
                if (++tries < 3) return unexpected(ErrorCode::ShapeMismatch, "not I");
                return seven();
            });
            if (value && int_of(value) == 7) ++right;
        });
    }
    for (std::thread& slot : slots) slot.join();
    EXPECT_EQ(tries, 3);
    EXPECT_EQ(right, 1);
}

TEST(SharedMemoTest, ADerivationThatFindsNoMemoryIsOver) {
    SharedMemo memo{1 << 20};
    EXPECT_THROW(std::ignore =
                     memo.get(key, []() -> Result<kernels::AnyDerived> { throw std::bad_alloc{}; }),
                 std::bad_alloc);
    EXPECT_EQ(int_of(memo.get(key, [] { return Result<kernels::AnyDerived>{seven()}; })), 7);
    memo.clear();
    EXPECT_EQ(memo.bytes(), 0U);
}

// A value is made from another one.
TEST(SharedMemoTest, AValueMayNeedAnother) {
    SharedMemo memo{1 << 20};
    const kernels::MemoKey other{sha256({}), key.type};
    const auto value = memo.get(key, [&]() -> Result<kernels::AnyDerived> {
        const auto inner = memo.get(other, [] { return Result<kernels::AnyDerived>{seven()}; });
        return kernels::AnyDerived{std::make_shared<const int>(int_of(inner) + 1), 4};
    });
    EXPECT_EQ(int_of(value), 8);
}

TEST(SharedMemoTest, TheBudgetIsAnEighthOfTheMemoryAndNoMoreThanAGigabyte) {
    EXPECT_EQ(memo_bytes_for(std::uint64_t{4} << 30), std::size_t{512} << 20);
    EXPECT_EQ(memo_bytes_for(std::uint64_t{64} << 30), std::size_t{1} << 30);
    EXPECT_EQ(memo_bytes_for(0), kernels::memo_bytes_tab_max);
    EXPECT_GT(memo_bytes_here(), 0U);
}

// Two slots that take at the same time never hold the same value.
TEST(SharedMemoTest, AValueThatOneSlotHasTakenIsNobodyElses) {
    SharedMemo memo{1 << 20};
    memo.give(key, seven());
    const auto first = memo.take(key);
    EXPECT_NE(first, nullptr);
    EXPECT_EQ(memo.take(key), nullptr);
    EXPECT_EQ(memo.bytes(), 0U);
    memo.give(key, {first, 4});
    memo.give(key, seven());
    const auto second = memo.take(key);
    EXPECT_NE(second, memo.take(key));
    memo.give(key, seven());
    memo.clear();
    EXPECT_EQ(memo.take(key), nullptr);
}

}  // namespace
}  // namespace netcompute::worker
