#include "engine/round_outputs.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

namespace netcompute::engine {
namespace {

std::shared_ptr<const Bytes> bytes_of(std::size_t size, std::uint32_t number) {
    return std::make_shared<const Bytes>(size, static_cast<std::byte>(number));
}

// Whatever the order, sizes and replacements, the fold finds the last output of each task.
TEST(RoundOutputsTest, TheViewsAreTheLastOutputOfEachTask) {
    std::mt19937 random{1};
    for (const bool same_size : {true, false}) {
        const std::uint32_t count = 9000;
        RoundOutputs outputs{count};
        std::map<TaskIndex, Bytes> expected;
        for (int i = 0; i < 60'000; ++i) {
            const auto index = static_cast<TaskIndex>(random() % count);
            const auto bytes = bytes_of(same_size ? 8 : random() % 20, random() % 256);
            expected[index] = *bytes;
            outputs.put(index, ByteSpan{*bytes}, bytes);
            ASSERT_EQ(outputs.count(), expected.size());
            const auto other = static_cast<TaskIndex>(random() % count);
            ASSERT_EQ(outputs.has(other), expected.contains(other));
        }
        const auto views = outputs.views();
        ASSERT_EQ(views.size(), count);
        for (TaskIndex index = 0; index < count; ++index) {
            ASSERT_EQ(Bytes(views[index].begin(), views[index].end()), expected[index]) << index;
        }
    }
}

// Ten million tasks take nothing before they are done, and small outputs little more than their
// bytes, not the whole messages in which they came.
TEST(RoundOutputsTest, MemoryIsTakenForOutputsThatAreThere) {
    RoundOutputs outputs{10'000'000};
    EXPECT_LT(outputs.memory_bytes(), std::size_t{1} << 20);
    const auto message = bytes_of(1 << 20, 1);
    const std::weak_ptr<const Bytes> kept = message;
    constexpr std::uint32_t count = 4096 * 10;
    RoundOutputs small{count};
    for (TaskIndex index = 0; index < count; ++index) {
        small.put(index, ByteSpan{*message}.subspan(index * 8, 8), message);
    }
    EXPECT_LT(small.memory_bytes(), std::size_t{count} * 9);
    EXPECT_EQ(kept.use_count(), 1);
}

// Large outputs are not copied: their messages are kept.
TEST(RoundOutputsTest, LargeOutputsStayWhereTheyAre) {
    RoundOutputs outputs{2};
    const auto large = bytes_of(8 << 20, 1);
    outputs.put(0, ByteSpan{*large}, large);
    outputs.put(1, ByteSpan{*large}, large);
    EXPECT_EQ(outputs.views()[1].data(), large->data());
}

}  // namespace
}  // namespace netcompute::engine
