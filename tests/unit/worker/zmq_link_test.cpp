#include "fake_zmq_master.hpp"

#include <gmock/gmock.h>

namespace netcompute::worker {
namespace {

using testing::HasSubstr;

const protocol::Hello hello_message{.protocol = 1,
                                    .worker = "pc-00001",
                                    .token = "",
                                    .kind = protocol::WorkerKind::Native,
                                    .name = "Desk",
                                    .version = "0.1.0",
                                    .slots = 1,
                                    .resume = ""};

protocol::WireMessage wire(const protocol::WorkerMessage& message) {
    return protocol::encode(message);
}

/// Polls until one of the link's sockets has something, so that a test never spins.
void await_event(ZmqLink& link) {
    std::vector<zmq::pollitem_t> items;
    link.append_poll_items(items);
    ASSERT_GT(zmq::poll(items.data(), items.size(), std::chrono::seconds{20}), 0);
}

ZmqLink::Received await_message(ZmqLink& link) {
    for (;;) {
        if (auto received = link.receive()) return std::move(*received);
        await_event(link);
        if (testing::Test::HasFatalFailure()) return {};
    }
}

std::string await_failure(ZmqLink& link) {
    for (;;) {
        if (auto failure = link.take_failure()) return *failure;
        await_event(link);
        if (testing::Test::HasFatalFailure()) return {};
    }
}

// Each channel ends at its own port of the master, and answers come back.
TEST(ZmqLinkTest, MessagesTravelBothWays) {
    FakeZmqMaster master;
    zmq::context_t context{1};
    ZmqLink link{context, master.address()};
    link.open();
    EXPECT_TRUE(link.send(Channel::Task, wire(hello_message)));
    EXPECT_EQ(master.await_task_message<protocol::Hello>(), hello_message);
    EXPECT_TRUE(
        link.send(Channel::Result,
                  wire(protocol::Results{"s", LeaseId{1}, JobId{1}, 0, 0, {{9, {}, {}, {}}}})));
    EXPECT_EQ(master.await_results().outcomes.at(0).index, 9U);
    master.send(protocol::Goodbye{"busy", "later", true});
    const auto received = await_message(link);
    EXPECT_THAT(received.header, HasSubstr("busy"));
    EXPECT_EQ(link.take_failure(), std::nullopt);
}

// A master that is not there, or goes away, is noticed at once and not after a silence.
TEST(ZmqLinkTest, RefusedAndLostConnectionsAreTold) {
    zmq::context_t context{1};
    std::optional<FakeZmqMaster> master{std::in_place};
    const ZmqAddress address = master->address();
    ZmqLink link{context, address};
    link.open();
    EXPECT_TRUE(link.send(Channel::Task, wire(hello_message)));
    std::ignore = master->await_task_message<protocol::Hello>();
    master.reset();
    EXPECT_EQ(await_failure(link), "the connection was closed");

    link.close(Closing::DropUnsent);
    EXPECT_FALSE(link.send(Channel::Task, wire(hello_message)));
    link.open();
    EXPECT_EQ(await_failure(link), "nobody takes the connection");

    link.close(Closing::DropUnsent);
    master.emplace(address);
    link.open();
    EXPECT_TRUE(link.send(Channel::Task, wire(hello_message)));
    EXPECT_EQ(master->await_task_message<protocol::Hello>(), hello_message);
}

// A master that stops says goodbye and closes: the goodbye is still there when the closing is
// known.
TEST(ZmqLinkTest, WhatTheMasterSaidLastOutlivesItsConnection) {
    for (int i = 0; i < 20; ++i) {
        zmq::context_t context{1};
        std::optional<FakeZmqMaster> master{std::in_place};
        ZmqLink link{context, master->address()};
        link.open();
        EXPECT_TRUE(link.send(Channel::Task, wire(hello_message)));
        std::ignore = master->await_task_message<protocol::Hello>();
        master->send(protocol::Goodbye{"master_stopping", "the master stops", true});
        master->close_when_sent();
        master.reset();
        EXPECT_EQ(await_failure(link), "the connection was closed");
        std::vector<zmq::pollitem_t> items;
        link.append_poll_items(items);
        zmq::poll(items.data(), items.size(), std::chrono::milliseconds{1});
        const auto received = link.receive();
        ASSERT_TRUE(received) << "in round " << i;
        EXPECT_THAT(received->header, HasSubstr("master_stopping"));
    }
}

// An address that is none is a failure with words, not an exception out of a loop.
TEST(ZmqLinkTest, AnImpossibleAddressIsAFailure) {
    zmq::context_t context{1};
    ZmqLink link{context, {"not an address", 1, 2, 3}};
    link.open();
    EXPECT_THAT(await_failure(link), HasSubstr("not an address"));
}

// What is not two parts is no frame; it comes out as something that no decoder takes.
TEST(ZmqLinkTest, AMessageOfAnotherNumberOfPartsIsNoFrame) {
    FakeZmqMaster master;
    zmq::context_t context{1};
    ZmqLink link{context, master.address()};
    link.open();
    EXPECT_TRUE(link.send(Channel::Task, wire(hello_message)));
    std::ignore = master.await_task_message<protocol::Hello>();
    master.send_parts({R"({"type":"ack"})"});
    master.send_parts({R"({"type":"ack"})", "", ""});
    EXPECT_EQ(await_message(link).header, "");
    EXPECT_EQ(await_message(link).header, "");
}

// The link holds so many results and no more; the agent keeps the rest until there is room.
TEST(ZmqLinkTest, AFullLinkRefusesAndTellsWhenThereIsRoom) {
    zmq::context_t context{1};
    std::optional<FakeZmqMaster> master{std::in_place};
    const ZmqAddress address = master->address();
    master.reset();
    ZmqLink link{context, address};
    link.open();
    const auto results = wire(protocol::Results{"s", LeaseId{1}, JobId{1}, 0, 0, {}});
    int taken = 0;
    while (link.send(Channel::Result, results)) ASSERT_LT(++taken, 100'000);
    EXPECT_GT(taken, 100);
    EXPECT_FALSE(link.take_writable());
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(link.send(Channel::Heartbeat, results));

    master.emplace(address);  // The result socket finds it by itself.
    std::ignore = master->await_results();
    std::vector<zmq::pollitem_t> items;
    while (!link.take_writable()) {
        std::ignore = link.take_failure();  // The task socket found nobody; that is not at issue.
        items.clear();
        link.append_poll_items(items);
        ASSERT_GT(zmq::poll(items.data(), items.size(), std::chrono::seconds{20}), 0);
    }
    EXPECT_TRUE(link.send(Channel::Result, results));
}

}  // namespace
}  // namespace netcompute::worker
