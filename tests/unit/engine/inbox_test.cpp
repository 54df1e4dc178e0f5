#include "engine/inbox.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace netcompute::engine {
namespace {

using ::testing::ElementsAre;

InboxItem results(std::uint64_t worker, std::uint64_t lease) {
    core::ResultsReceived event{};
    event.worker = WorkerId{worker};
    event.lease = LeaseId{lease};
    return {event, {}, nullptr};
}

void add(Inbox& inbox, std::uint64_t worker, std::uint64_t lease) {
    inbox.add(WorkerId{worker}, results(worker, lease));
}

std::string take_one(Inbox& inbox) {
    const InboxItem item = inbox.take();
    const auto* const event = std::get_if<core::ResultsReceived>(&item.event);
    if (event == nullptr) return "own";
    return std::to_string(event->worker.value) + ":" + std::to_string(event->lease.value);
}

// A worker that floods the master delays itself: the others' turns come in between, and each one's
// events stay in the order in which they came.
TEST(InboxTest, WorkersTakeTurns) {
    Inbox inbox;
    for (const std::uint64_t lease : {1U, 2U, 3U, 4U}) add(inbox, 1, lease);
    add(inbox, 2, 5);
    add(inbox, 3, 6);
    add(inbox, 2, 7);
    std::vector<std::string> order;
    while (!inbox.empty()) order.push_back(take_one(inbox));
    EXPECT_THAT(order, ElementsAre("1:1", "2:5", "3:6", "1:2", "2:7", "1:3", "1:4"));
}

// What the master has to do by itself waits for no worker.
TEST(InboxTest, TheMastersOwnComesFirst) {
    Inbox inbox;
    add(inbox, 1, 1);
    inbox.add({core::ClockTicked{}, {}, nullptr});
    EXPECT_EQ(inbox.size(), 2U);
    EXPECT_EQ(take_one(inbox), "own");
    EXPECT_EQ(take_one(inbox), "1:1");
    EXPECT_EQ(inbox.size(), 0U);
    add(inbox, 1, 2);
    EXPECT_EQ(take_one(inbox), "1:2");
    EXPECT_TRUE(inbox.empty());
}

// What is still found out about an event of a worker holds up what came after it from the same
// worker, and nobody else.
TEST(InboxTest, WhatIsNotReadyHoldsUpItsOwnWorkerAlone) {
    Inbox inbox;
    InboxItem slow = results(1, 1);
    slow.is_ready = false;
    InboxItem& first = inbox.add(WorkerId{1}, slow);
    add(inbox, 1, 2);
    EXPECT_TRUE(inbox.empty());
    InboxItem& third = inbox.add(WorkerId{1}, [] {
        InboxItem item = results(1, 3);
        item.is_ready = false;
        return item;
    }());
    add(inbox, 2, 4);
    EXPECT_EQ(take_one(inbox), "2:4");
    EXPECT_TRUE(inbox.empty());
    EXPECT_EQ(inbox.size(), 3U);
    inbox.set_ready(WorkerId{1}, third);
    EXPECT_TRUE(inbox.empty());
    inbox.set_ready(WorkerId{1}, first);
    std::vector<std::string> order;
    while (!inbox.empty()) order.push_back(take_one(inbox));
    EXPECT_THAT(order, ElementsAre("1:1", "1:2", "1:3"));
    EXPECT_EQ(inbox.size(), 0U);
}

}  // namespace
}  // namespace netcompute::engine
