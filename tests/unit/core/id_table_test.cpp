#include "core/id_table.hpp"

#include <netcompute/ids.hpp>
#include <netcompute/random.hpp>

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <utility>
#include <vector>

namespace netcompute::core {
namespace {

std::vector<WorkerId> all_of(const IdSet<WorkerId>& ids) {
    return {ids.begin(), ids.end()};
}

/// Near ones, whose pages follow each other, and far ones.
WorkerId drawn_id(Philox& random) {
    constexpr std::uint64_t far = std::uint64_t{1} << 53;
    const std::uint64_t near = random.next_below(1000);
    return WorkerId{random.next_below(10) == 0 ? far - near * 1'000'003 : 5000 + near};
}

TEST(IdSet, KeepsIdsInOrder) {
    const IdSet<WorkerId> ids{WorkerId{700}, WorkerId{1}, WorkerId{64}, WorkerId{63}};
    EXPECT_EQ(all_of(ids), (std::vector{WorkerId{1}, WorkerId{63}, WorkerId{64}, WorkerId{700}}));
    EXPECT_EQ(ids.first(), WorkerId{1});
    EXPECT_EQ(ids.next(WorkerId{1}), WorkerId{63});
    EXPECT_EQ(ids.next(WorkerId{63}), WorkerId{64});
    EXPECT_EQ(ids.next(WorkerId{65}), WorkerId{700});
    EXPECT_EQ(ids.next(WorkerId{700}), std::nullopt);
}

TEST(IdSet, BehavesLikeASet) {
    Philox random{1};
    IdSet<WorkerId> ids;
    std::set<WorkerId> model;
    for (int i = 0; i < 20'000; ++i) {
        const WorkerId id = drawn_id(random);
        if (random.next_below(2) == 0)
            ids.insert(id), model.insert(id);
        else
            ids.erase(id), model.erase(id);
        ASSERT_EQ(ids.empty(), model.empty());
        const WorkerId asked = drawn_id(random);
        const auto next = model.upper_bound(asked);
        ASSERT_EQ(ids.next(asked), next == model.end() ? std::nullopt : std::optional{*next});
        if (i % 500 == 0) {
            ASSERT_EQ(all_of(ids), (std::vector<WorkerId>{model.begin(), model.end()}));
        }
    }
}

TEST(IdTable, BehavesLikeAMap) {
    Philox random{2};
    IdTable<WorkerId, int> table;
    std::map<WorkerId, int> model;
    for (int i = 0; i < 20'000; ++i) {
        const WorkerId id = drawn_id(random);
        if (random.next_below(2) == 0) {
            const auto [value, is_new] = table.try_emplace(id);
            ASSERT_EQ(is_new, !model.contains(id));
            value = model[id] = i;
        } else {
            ASSERT_EQ(table.erase(id), model.erase(id) > 0);
        }
        ASSERT_EQ(table.size(), model.size());
        const WorkerId asked = drawn_id(random);
        const int* const found = table.find(asked);
        ASSERT_EQ(found != nullptr, model.contains(asked));
        if (found != nullptr) {
            ASSERT_EQ(*found, model.at(asked));
        }
        if (i % 500 != 0) continue;
        std::vector<std::pair<WorkerId, int>> all;
        table.for_each([&](WorkerId each, int value) { all.emplace_back(each, value); });
        ASSERT_EQ(all, (std::vector<std::pair<WorkerId, int>>{model.begin(), model.end()}));
    }
}

TEST(IdTable, ReferencesHoldWhileOthersComeAndGo) {
    IdTable<WorkerId, int> table;
    int& kept = table[WorkerId{500}];
    kept = 7;
    for (std::uint64_t id = 1; id < 5000; ++id) table[WorkerId{id}] += 1;
    for (std::uint64_t id = 1; id < 5000; ++id) {
        if (id != 500) table.erase(WorkerId{id});
    }
    EXPECT_EQ(&table.at(WorkerId{500}), &kept);
    EXPECT_EQ(kept, 8);
}

}  // namespace
}  // namespace netcompute::core
