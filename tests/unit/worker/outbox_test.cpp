#include <netcompute/worker/outbox.hpp>

#include <gtest/gtest.h>

#include <string>

namespace netcompute::worker {
namespace {

protocol::WireMessage frame(std::string name, std::size_t bytes = 0) {
    return {std::move(name), Bytes(bytes)};
}

std::string names_in(Outbox& outbox) {
    std::string names;
    for (const auto& message : outbox.unconfirmed()) names += message.header;
    return names;
}

// An ack confirms what was sent before its heartbeat, and nothing after.
TEST(OutboxTest, AnAckConfirmsWhatWasSentBeforeItsHeartbeat) {
    Outbox outbox;
    outbox.sent(frame("a"));
    outbox.heartbeat_sent();
    outbox.sent(frame("b"));
    outbox.heartbeat_sent();
    outbox.sent(frame("c"));
    outbox.confirmed();
    outbox.confirmed();
    EXPECT_EQ(names_in(outbox), "c");
}

// After a loss the acks that never came confirm nothing.
TEST(OutboxTest, AcksOfALostConnectionConfirmNothing) {
    Outbox outbox;
    outbox.heartbeat_sent();
    outbox.sent(frame("a"));
    outbox.heartbeat_sent();
    EXPECT_EQ(names_in(outbox), "a");
    outbox.heartbeat_sent();  // Of the new connection, after the frames were sent again.
    outbox.confirmed();
    EXPECT_EQ(names_in(outbox), "");
}

TEST(OutboxTest, PastItsLimitItForgetsTheOldest) {
    Outbox outbox{100};
    for (const char* name : {"a", "b", "c", "d", "e"}) outbox.sent(frame(name, 39));
    EXPECT_EQ(names_in(outbox), "de");
    outbox.clear();
    EXPECT_EQ(names_in(outbox), "");
}

}  // namespace
}  // namespace netcompute::worker
