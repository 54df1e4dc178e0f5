#include "core/deadlines.hpp"

#include <netcompute/ids.hpp>
#include <netcompute/random.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

namespace netcompute::core {
namespace {

Instant after(std::uint64_t seconds) {
    return Instant{} + std::chrono::seconds{seconds};
}

TEST(Deadlines, TheFirstOneIsTheOneDueFirst) {
    Deadlines<WorkerId> deadlines;
    EXPECT_EQ(deadlines.next(), instant_never);
    deadlines.set(WorkerId{1}, after(5));
    deadlines.set(WorkerId{2}, after(6));
    EXPECT_EQ(deadlines.first(), WorkerId{1});
    deadlines.set(WorkerId{1}, after(7));  // Put off.
    EXPECT_EQ(deadlines.first(), WorkerId{2});
    EXPECT_EQ(deadlines.next(), after(6));
    deadlines.set(WorkerId{1}, after(4));  // Brought forward.
    EXPECT_EQ(deadlines.first(), WorkerId{1});
    deadlines.erase(WorkerId{1});
    EXPECT_EQ(deadlines.next(), after(6));
    deadlines.erase(WorkerId{2});
    EXPECT_TRUE(deadlines.empty());
}

TEST(Deadlines, OfEqualOnesTheLowestIdIsFirst) {
    Deadlines<WorkerId> deadlines;
    for (const std::uint64_t id : {3U, 1U, 2U}) deadlines.set(WorkerId{id}, after(1));
    EXPECT_EQ(deadlines.first(), WorkerId{1});
}

TEST(Deadlines, AnIdThatComesBackHasOnlyItsNewOne) {
    Deadlines<WorkerId> deadlines;
    deadlines.set(WorkerId{1}, after(1));
    deadlines.set(WorkerId{2}, after(2));
    deadlines.set(WorkerId{1}, after(3));
    deadlines.erase(WorkerId{1});
    deadlines.set(WorkerId{1}, after(4));
    EXPECT_EQ(deadlines.first(), WorkerId{2});
    deadlines.erase(WorkerId{2});
    EXPECT_EQ(deadlines.next(), after(4));
}

TEST(Deadlines, AreThoseOfASortedList) {
    Philox random{3};
    Deadlines<WorkerId> deadlines;
    std::map<WorkerId, Instant> model;
    for (std::uint64_t i = 0; i < 20'000; ++i) {
        const WorkerId id{1 + random.next_below(300)};
        if (random.next_below(3) == 0) {
            deadlines.erase(id);
            model.erase(id);
        } else {
            const Instant due = after(i / 100 + random.next_below(50));
            deadlines.set(id, due);
            model[id] = due;
        }
        ASSERT_EQ(deadlines.empty(), model.empty());
        if (model.empty()) continue;
        const auto first = std::ranges::min_element(model, {}, [](const auto& entry) {
            return std::pair{entry.second, entry.first};
        });
        ASSERT_EQ(deadlines.first(), first->first);
        ASSERT_EQ(deadlines.next(), first->second);
    }
}

}  // namespace
}  // namespace netcompute::core
