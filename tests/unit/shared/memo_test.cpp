#include "table_kernel.hpp"
#include <netcompute/kernels/memo.hpp>

#include <gtest/gtest.h>

#include <string>

namespace netcompute::kernels {
namespace {

Bytes bytes_of(std::string_view text) {
    const ByteSpan bytes = std::as_bytes(std::span{text});
    return {bytes.begin(), bytes.end()};
}

/// Derives texts through a store, and counts how often.
struct Bench {
    explicit Bench(std::size_t bytes_max) : store{bytes_max} {}

    std::string text(std::string_view what, const std::vector<Bytes>& from, std::size_t bytes = 1) {
        const std::vector<ByteSpan> spans(from.begin(), from.end());
        TaskMemo memo{store};
        const auto value = memo.derive<std::string>(what, spans, [&] {
            ++derived;
            return Result<Derived<std::string>>{{std::string{what}, bytes}};
        });
        return **value;
    }

    MemoStore store;
    int derived = 0;
};

constexpr std::size_t plenty = 1 << 20;

TEST(MemoTest, AValueIsDerivedOnceForTheSameNameAndBytes) {
    Bench bench{plenty};
    EXPECT_EQ(bench.text("a 1", {bytes_of("x"), bytes_of("y")}), "a 1");
    EXPECT_EQ(bench.text("a 1", {bytes_of("x"), bytes_of("y")}), "a 1");
    EXPECT_EQ(bench.derived, 1);
}

TEST(MemoTest, AnotherNameOtherBytesOrAnotherOrderIsAnotherValue) {
    Bench bench{plenty};
    std::ignore = bench.text("a 1", {bytes_of("x"), bytes_of("y")});
    std::ignore = bench.text("a 2", {bytes_of("x"), bytes_of("y")});
    std::ignore = bench.text("a 1", {bytes_of("y"), bytes_of("x")});
    std::ignore = bench.text("a 1", {bytes_of("xy")});
    std::ignore = bench.text("a 1", {});
    EXPECT_EQ(bench.derived, 5);
}

TEST(MemoTest, OneTypeIsNeverReadAsAnother) {
    MemoStore store{plenty};
    TaskMemo memo{store};
    const auto number = memo.derive<int>("same", {}, [] {
        return Result<Derived<int>>{{7, sizeof(int)}};
    });
    const auto text = memo.derive<std::string>("same", {}, [] {
        return Result<Derived<std::string>>{{"seven", 5}};
    });
    EXPECT_EQ(**number, 7);
    EXPECT_EQ(**text, "seven");
}

TEST(MemoTest, WhatWasNotAskedForTheLongestGoesFirst) {
    Bench bench{2 * (100 + MemoStore::entry_bytes)};
    std::ignore = bench.text("a", {}, 100);
    std::ignore = bench.text("b", {}, 100);
    std::ignore = bench.text("a", {}, 100);
    std::ignore = bench.text("c", {}, 100);
    EXPECT_EQ(bench.derived, 3);
    std::ignore = bench.text("a", {}, 100);
    EXPECT_EQ(bench.derived, 3);
    std::ignore = bench.text("b", {}, 100);
    EXPECT_EQ(bench.derived, 4);
    EXPECT_EQ(bench.store.bytes(), 2 * (100 + MemoStore::entry_bytes));
}

TEST(MemoTest, AValueThatATaskTakesIsItsOwnUntilItIsGiven) {
    MemoStore store{plenty};
    TaskMemo memo{store};
    EXPECT_EQ(memo.take<int>("rows 1", {}), nullptr);
    memo.give("rows 1", {}, std::make_shared<int>(7), sizeof(int));
    const std::size_t bytes = store.bytes();
    EXPECT_EQ(memo.take<char>("rows 1", {}), nullptr);
    EXPECT_EQ(memo.take<int>("rows 2", {}), nullptr);
    const auto taken = memo.take<int>("rows 1", {});
    ASSERT_NE(taken, nullptr);
    EXPECT_EQ(*taken, 7);
    EXPECT_EQ(store.bytes(), 0U);
    EXPECT_EQ(memo.take<int>("rows 1", {}), nullptr);
    *taken = 8;
    memo.give("rows 1", {}, taken, sizeof(int));
    EXPECT_EQ(store.bytes(), bytes);
    EXPECT_EQ(*memo.take<int>("rows 1", {}), 8);
}

TEST(MemoTest, SlotsThatTakeAtTheSameTimeEachGetTheirOwnAgain) {
    MemoStore store{plenty};
    TaskMemo memo{store};
    memo.give("rows 1", {}, std::make_shared<int>(1), sizeof(int));
    memo.give("rows 1", {}, std::make_shared<int>(2), sizeof(int));
    const auto first = memo.take<int>("rows 1", {});
    const auto second = memo.take<int>("rows 1", {});
    ASSERT_TRUE(first != nullptr && second != nullptr);
    EXPECT_EQ(*first + *second, 3);
    EXPECT_EQ(memo.take<int>("rows 1", {}), nullptr);
}

TEST(MemoTest, WhatATaskHasTakenIsNeverADerivedValue) {
    MemoStore store{plenty};
    TaskMemo memo{store};
    memo.give("same", {}, std::make_shared<int>(1), sizeof(int));
    const auto derived = memo.derive<int>("same", {}, [] {
        return Result<Derived<int>>{{2, sizeof(int)}};
    });
    EXPECT_EQ(**derived, 2);
}

TEST(MemoTest, AValueBeyondTheBudgetIsDerivedAndNotKept) {
    Bench bench{1000};
    std::ignore = bench.text("small", {}, 10);
    EXPECT_EQ(bench.text("large", {}, 1000), "large");
    EXPECT_EQ(bench.text("larger", {}, SIZE_MAX), "larger");
    std::ignore = bench.text("small", {}, 10);
    EXPECT_EQ(bench.derived, 3);
}

TEST(MemoTest, AnErrorIsNotKept) {
    MemoStore store{plenty};
    TaskMemo memo{store};
    bool fails = true;
    const auto derive = [&] {
        return memo.derive<int>("x", {}, [&]() -> Result<Derived<int>> {
            if (fails) return unexpected(ErrorCode::ShapeMismatch, "not yet");
            return Derived<int>{7, 4};
        });
    };
    EXPECT_EQ(derive().error().code, ErrorCode::ShapeMismatch);
    fails = false;
    EXPECT_EQ(**derive(), 7);
}

TEST(MemoTest, AValueInUseOutlivesItsPlaceInTheStore) {
    MemoStore store{plenty};
    TaskMemo memo{store};
    const auto value = memo.derive<std::string>("x", {}, [] {
        return Result<Derived<std::string>>{{"still here", 10}};
    });
    store.clear();
    EXPECT_EQ(store.bytes(), 0U);
    EXPECT_EQ(**value, "still here");
}

/// Notes the keys.
class KeyWatch final : public MemoValues {
 public:
    [[nodiscard]] Result<AnyValue> get(const MemoKey& key, const Derive& derive) override {
        keys.push_back(key);
        auto derived = derive();
        return derived->value;
    }
    std::vector<MemoKey> keys;
};

// The name that a blob came under is taken for its hash: here a wrong one, to see that it is.
TEST(MemoTest, ABlobIsNotHashedAgain) {
    KeyWatch values;
    const auto key_of = [&](TaskMemo& memo, ByteSpan bytes) {
        std::ignore = memo.derive<int>("x", std::span{&bytes, 1}, [] {
            return Result<Derived<int>>{{0, 4}};
        });
        return values.keys.back();
    };
    const Bytes bytes = bytes_of("some bytes");
    TaskMemo plain{values};
    TaskMemo knows{values};
    knows.know(bytes, sha256(bytes_of("others")));
    const Bytes others = bytes_of("others");
    EXPECT_NE(key_of(knows, bytes), key_of(plain, bytes));
    EXPECT_EQ(key_of(knows, bytes), key_of(plain, others));
    // A part of a blob has a hash of its own.
    EXPECT_EQ(key_of(knows, ByteSpan{bytes}.first(4)), key_of(plain, ByteSpan{bytes}.first(4)));
}

TEST(MemoTest, OutputsAreTheSameWithAWarmAColdATinyAndNoMemo) {
    const auto* const kernel = test_support::find_kernel_or_table_sums("table_sums", 1);
    MemoStore warm{plenty};
    MemoStore tiny{5000};
    MemoStore nothing{0};
    for (int pass = 0; pass < 2; ++pass) {
        for (unsigned task = 0; task < 40; ++task) {
            const Bytes table(100 + task % 7, std::byte(task % 5));
            const Bytes salt{std::byte(task)};
            const std::vector<ByteSpan> inputs{salt, table};
            const Bytes expected = run_once(*kernel, inputs).value();
            MemoStore cold{plenty};
            for (MemoStore* const store : {&warm, &cold, &tiny, &nothing}) {
                TaskMemo memo{*store};
                EXPECT_EQ(kernel->run(inputs, memo).value(), expected);
            }
        }
    }
    EXPECT_GT(warm.bytes(), tiny.bytes());
    EXPECT_EQ(nothing.bytes(), 0U);
}

}  // namespace
}  // namespace netcompute::kernels
