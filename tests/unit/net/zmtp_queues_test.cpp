#include "net/zmtp/payload_budget.hpp"
#include "net/zmtp/send_queue.hpp"
#include "zmtp_peer_bytes.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace netcompute::net::zmtp {
namespace {

std::string bytes_of(const SendQueue& queue) {
    std::string bytes;
    for (const ByteSpan span : queue.batch()) bytes += as_text(span);
    return bytes;
}

Bytes payload(std::size_t size) {
    return Bytes(size, std::byte{'p'});
}

// Short and long parts, in the protocol's form, however few bytes the peer takes at a time.
TEST(SendQueueTest, WhatIsWrittenInPiecesIsWhatWasQueued) {
    const std::string expected = zmtp_bytes::greeting() + zmtp_bytes::message("welcome", "") +
                                 zmtp_bytes::message("lease", std::string(300, 'p'));
    for (const std::size_t piece : {1U, 7U, 64U, 1000U}) {
        SendQueue queue;
        const std::string greeting = zmtp_bytes::greeting();
        const ByteSpan span = as_byte_span(greeting);
        queue.push(Bytes{span.begin(), span.end()});
        queue.push(protocol::WireMessage{"welcome", {}});
        queue.push(protocol::WireMessage{"lease", payload(300)});
        std::string written;
        while (!queue.empty()) {
            const std::string some = bytes_of(queue).substr(0, piece);
            ASSERT_FALSE(some.empty());
            written += some;
            queue.consume(some.size());
        }
        EXPECT_EQ(written, expected) << "by " << piece;
    }
}

TEST(SendQueueTest, APeerThatDoesNotReadIsNoticed) {
    SendQueue many;
    for (std::size_t i = 0; i < SendQueue::messages_max; ++i)
        many.push(protocol::WireMessage{"ack", {}});
    EXPECT_FALSE(many.is_over_bounds());
    many.push(protocol::WireMessage{"ack", {}});
    EXPECT_TRUE(many.is_over_bounds());

    SendQueue large;
    for (int i = 0; i < 3; ++i) large.push(protocol::WireMessage{"lease", payload(16 << 20)});
    EXPECT_FALSE(large.is_over_bounds());
    large.push(protocol::WireMessage{"lease", payload(16 << 20)});
    EXPECT_TRUE(large.is_over_bounds()) << "64 MiB and the headers";
    while (!large.empty()) large.consume(bytes_of(large).size());
    EXPECT_FALSE(large.is_over_bounds());
}

TEST(PayloadBudgetTest, WhoComesFirstIsServedFirst) {
    PayloadBudget budget{100};
    std::vector<std::string> granted;
    const int a = 0, b = 0, c = 0;
    EXPECT_TRUE(budget.take(&a, 60, [] {}));
    EXPECT_FALSE(budget.take(&b, 60, [&] { granted.emplace_back("b"); }));
    EXPECT_FALSE(budget.take(&c, 10, [&] { granted.emplace_back("c"); }))
        << "though it would fit: b must not wait for ever";
    EXPECT_TRUE(budget.has_waiting());
    budget.give_back(60);
    EXPECT_EQ(granted, (std::vector<std::string>{"b", "c"}));
    EXPECT_FALSE(budget.has_waiting());
}

TEST(PayloadBudgetTest, WhoIsGoneWaitsNoLongerAndHoldsNobodyUp) {
    PayloadBudget budget{100};
    bool granted = false;
    const int a = 0, b = 0, c = 0;
    EXPECT_TRUE(budget.take(&a, 50, [] {}));
    EXPECT_FALSE(budget.take(&b, 60, [] { FAIL() << "it is gone"; }));
    EXPECT_FALSE(budget.take(&c, 50, [&] { granted = true; }));
    budget.forget(&b);
    EXPECT_TRUE(granted);
}

}  // namespace
}  // namespace netcompute::net::zmtp
