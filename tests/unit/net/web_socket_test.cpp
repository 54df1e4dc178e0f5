#include "net/http/web_socket.hpp"

#include "web_socket_ends.hpp"
#include <netcompute/protocol/frame.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace netcompute::net {
namespace {

using boost::beast::websocket::close_code;
using test_support::WebSocketWorld;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::size_t mebibyte = std::size_t{1} << 20;

/// What a session told, in order.
class HeardSessions final : public SessionListener {
 public:
    void on_frame(const SessionPtr&, std::string_view header,
                  std::shared_ptr<const Bytes> payload) override {
        heard.push_back("frame " + std::string{header} + " " + std::to_string(payload->size()));
    }
    void on_malformed(const SessionPtr&, const Error&) override { heard.emplace_back("malformed"); }
    void on_close(const SessionPtr&) override { heard.emplace_back("close"); }

    std::vector<std::string> heard;
};

std::string message_of(std::string_view header, std::size_t payload_bytes = 0) {
    const Bytes bytes = protocol::join_frame({header, Bytes(payload_bytes)});
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// A session that stands, and who sits at its other end.
class WebSocketSessionTest : public testing::Test {
 protected:
    void TearDown() override { world.end_all(); }
    void stand(bool reads = true) {
        auto ends = world.open({.reads = reads});
        socket = ends.server;
        client = ends.client;
        session = std::make_shared<WebSocketSession>(ends.server, listener);
        session->run(std::move(ends.request));
        world.require([this] { return client->is_open; });
    }
    [[nodiscard]] bool hears(std::size_t count) {
        return world.until([&] { return listener.heard.size() >= count; });
    }
    /// The client has seen its end, and the master has noticed.
    void await_end() {
        world.require([this] { return client->is_over; });
        world.require(
            [this] { return !listener.heard.empty() && listener.heard.back() == "close"; });
        world.settle();
    }

    WebSocketWorld world;
    HeardSessions listener;
    std::shared_ptr<WebSocket> socket;
    std::shared_ptr<WebSocketSession> session;
    std::shared_ptr<test_support::WebSocketPeerEnd> client;
};

TEST_F(WebSocketSessionTest, FramesGoBothWaysWhole) {
    stand();
    client->say(message_of("hello", 3));
    ASSERT_TRUE(hears(1));
    EXPECT_THAT(listener.heard, ElementsAre("frame hello 3"));
    session->send({"welcome", Bytes(5)});
    world.require([this] { return !client->messages.empty(); });
    EXPECT_THAT(client->messages, ElementsAre(message_of("welcome", 5)));
    EXPECT_EQ(session->peer_address(), "192.168.1.7");
}

// Whoever has not said who it is may not make the master hold much.
TEST_F(WebSocketSessionTest, AMessageOverTheFirstLimitEndsAStrangersConnection) {
    stand();
    client->say(std::string(WebSocket::first_message_bytes_max + 1, 'x'));
    await_end();
    EXPECT_EQ(client->reason().code, close_code::too_big);
    EXPECT_THAT(listener.heard, ElementsAre("close"));
}

TEST_F(WebSocketSessionTest, AMessageOfTheFirstLimitIsHeard) {
    stand();
    const std::size_t payload = WebSocket::first_message_bytes_max - message_of("hello").size();
    client->say(message_of("hello", payload));
    ASSERT_TRUE(hears(1));
    EXPECT_THAT(listener.heard, ElementsAre("frame hello " + std::to_string(payload)));
}

TEST_F(WebSocketSessionTest, WhoIsAdmittedMaySayMore) {
    stand();
    ASSERT_TRUE(session->admit("key"));
    client->say(message_of("results", mebibyte));
    ASSERT_TRUE(hears(1));
    EXPECT_THAT(listener.heard, ElementsAre("frame results 1048576"));
}

// What is no frame of the protocol is told once; the connection closes in order, and whatever else
// comes meanwhile is heard by nobody.
TEST_F(WebSocketSessionTest, AMessageThatIsNoFrameEndsTheConnection) {
    stand();
    client->say("xyz");
    ASSERT_TRUE(hears(1));
    await_end();
    EXPECT_EQ(client->reason().code, close_code::normal);
    EXPECT_THAT(listener.heard, ElementsAre("malformed", "close"));
}

TEST_F(WebSocketSessionTest, WhatComesAfterCloseIsNotHeard) {
    stand();
    session->close();
    client->say(message_of("late"));
    await_end();
    EXPECT_THAT(listener.heard, ElementsAre("close"));
}

// A listener hears of the end once, however the bytes break the rules of WebSockets.
TEST_F(WebSocketSessionTest, MalformedWebSocketFramesEndTheConnection) {
    const std::vector<std::vector<int>> cases{
        {0x82, 0x01, 0x00},                                   // not masked
        {0x83, 0x80, 1, 2, 3, 4},                             // a kind that there is not
        {0xf2, 0x80, 1, 2, 3, 4},                             // reserved bits
        {0x09, 0x80, 1, 2, 3, 4},                             // a ping in parts
        {0x89, 0xfe, 0x00, 0x80, 1, 2, 3, 4},                 // a ping that is too long
        {0x88, 0x81, 1, 2, 3, 4, 5},                          // a close with half a code
        {0x80, 0x80, 1, 2, 3, 4},                             // goes on with nothing
        {0x82, 0xfe, 0x00, 0x01, 1, 2, 3, 4, 5},              // a length that needs less
        {0x82, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4},  // a length of 2^63 and more
        {0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28},                 // text that is not UTF-8
    };
    for (const auto& bytes : cases) {
        listener.heard.clear();
        stand();
        client->send_bytes(bytes);
        await_end();
        EXPECT_THAT(listener.heard, ElementsAre("close")) << testing::PrintToString(bytes);
    }
}

TEST_F(WebSocketSessionTest, APingIsAnsweredWithWhatItSaid) {
    stand();
    client->ping("are you there?");
    world.require([this] { return !client->pongs.empty(); });
    EXPECT_THAT(client->pongs, ElementsAre("are you there?"));
    EXPECT_THAT(listener.heard, IsEmpty());
}

TEST_F(WebSocketSessionTest, AClientThatClosesIsAnswered) {
    stand(false);
    client->close();
    await_end();
    EXPECT_EQ(client->reason().code, close_code::normal);
    EXPECT_THAT(listener.heard, ElementsAre("close"));
}

TEST_F(WebSocketSessionTest, AClientThatHangsUpIsNoticed) {
    stand(false);
    client->hang_up();
    world.require([this] { return !listener.heard.empty(); });
    EXPECT_THAT(listener.heard, ElementsAre("close"));
}

// A goodbye that explains a refusal comes before the close.
TEST_F(WebSocketSessionTest, WhatIsQueuedIsSentBeforeTheClose) {
    stand();
    for (const std::string header : {"one", "two", "three"}) session->send({header, {}});
    session->close();
    session->send({"too late", {}});
    await_end();
    EXPECT_THAT(client->messages,
                ElementsAre(message_of("one"), message_of("two"), message_of("three")));
    EXPECT_EQ(client->reason().code, close_code::normal);
    EXPECT_EQ(client->reason().reason, "goodbye");
}

// Likewise where it was all said before the upgrade was answered.
TEST_F(WebSocketSessionTest, WhatIsSaidBeforeTheUpgradeIsSentAfterIt) {
    auto ends = world.open();
    client = ends.client;
    session = std::make_shared<WebSocketSession>(ends.server, listener);
    session->send({"early", {}});
    session->close();
    session->run(std::move(ends.request));
    await_end();
    EXPECT_THAT(client->messages, ElementsAre(message_of("early")));
}

TEST_F(WebSocketSessionTest, APeerThatDoesNotReadIsCutOffAtItsBound) {
    stand(false);
    socket->limit_queue(mebibyte);
    session->send({"large", Bytes(mebibyte / 2)});
    world.settle();
    EXPECT_FALSE(socket->is_drained());
    EXPECT_THAT(listener.heard, IsEmpty());
    session->send({"large", Bytes(mebibyte / 2)});
    ASSERT_TRUE(hears(1));
    EXPECT_THAT(listener.heard, ElementsAre("close"));
}

// Once it is gone, nothing is counted for it any more.
TEST_F(WebSocketSessionTest, WhatWaitedForAPeerThatIsGoneIsForgotten) {
    stand(false);
    session->send({"large", Bytes(mebibyte)});
    client->hang_up();
    ASSERT_TRUE(hears(1));
    world.settle();
    session.reset();
    socket.reset();
    EXPECT_EQ(world.budgets.unsent->bytes(), 0U);
    EXPECT_EQ(world.connections.stranger_count(), 0U);
}

TEST_F(WebSocketSessionTest, APeerThatReadsGetsAllAndIsDrained) {
    stand();
    for (int i = 0; i < 20; ++i) session->send({"large", Bytes(mebibyte / 8)});
    world.require([this] { return client->messages.size() == 20; });
    world.require([this] { return socket->is_drained(); });
    EXPECT_EQ(world.budgets.unsent->bytes(), 0U);
    EXPECT_THAT(listener.heard, IsEmpty());
}

/// Two sessions, of which the first does not do what it should.
class WebSocketsTogetherTest : public testing::Test {
 protected:
    void TearDown() override { world.end_all(); }
    struct Standing {
        HeardSessions listener;
        std::shared_ptr<WebSocketSession> session;
        std::shared_ptr<test_support::WebSocketPeerEnd> client;
    };
    void stand(Standing& one, const WebSocketWorld::OpenOptions& options) {
        auto ends = world.open(options);
        one.client = ends.client;
        one.session = std::make_shared<WebSocketSession>(ends.server, one.listener);
        one.session->run(std::move(ends.request));
        world.require([&] { return one.client->is_open; });
    }
    [[nodiscard]] bool is_closed(const Standing& one) {
        return world.until([&] { return !one.listener.heard.empty(); });
    }

    WebSocketWorld world{{8, 4}};  // Two strangers, six proven.
    Standing bad, good;
};

// What waits for all peers has a bound: who is slow goes, who reads stays.
TEST_F(WebSocketsTogetherTest, TheSlowReaderMakesRoomForTheQuickOne) {
    world.budgets.unsent = std::make_shared<ByteBudget>(mebibyte);
    stand(bad, {.address = "10.0.0.1", .reads = false});
    stand(good, {.address = "10.0.0.2"});
    bad.session->send({"large", Bytes(mebibyte * 3 / 4)});
    world.settle();
    good.session->send({"large", Bytes(mebibyte * 3 / 4)});
    ASSERT_TRUE(is_closed(bad));
    world.require([this] { return good.client->messages.size() == 1; });
    EXPECT_THAT(bad.listener.heard, ElementsAre("close"));
    EXPECT_THAT(good.listener.heard, IsEmpty());
}

// So has what has come of messages that are not whole.
TEST_F(WebSocketsTogetherTest, WhoDoesNotEndItsMessageMakesRoomForOthers) {
    world.budgets.incoming = std::make_shared<ByteBudget>(mebibyte);
    stand(bad, {.address = "10.0.0.1"});
    stand(good, {.address = "10.0.0.2"});
    ASSERT_TRUE(bad.session->admit("bad") && good.session->admit("good"));
    bad.client->say(std::string(mebibyte * 3 / 4, 'x'), false);
    world.require([this] { return world.budgets.incoming->bytes() > mebibyte / 2; });
    good.client->say(message_of("results", mebibyte * 3 / 4));
    ASSERT_TRUE(is_closed(bad));
    ASSERT_TRUE(is_closed(good)) << "it is heard";
    EXPECT_THAT(bad.listener.heard, ElementsAre("close"));
    EXPECT_THAT(good.listener.heard, ElementsAre("frame results 786432"));
}

TEST_F(WebSocketsTogetherTest, AStrangerMakesRoomAndWhoIsAdmittedDoesNot) {
    stand(bad, {.address = "10.0.0.1"});
    stand(good, {.address = "10.0.0.2"});
    ASSERT_TRUE(good.session->admit("good"));
    std::vector<WebSocketWorld::Ends> others;
    for (const char* const address : {"10.0.0.3", "10.0.0.4", "10.0.0.5"}) {
        others.push_back(world.open({.address = address}));
    }
    ASSERT_TRUE(is_closed(bad));
    world.settle();
    EXPECT_THAT(good.listener.heard, IsEmpty());
}

TEST_F(WebSocketsTogetherTest, NoMoreOfOnePcAreAdmittedThanMayBe) {
    std::vector<WebSocketWorld::Ends> admitted;
    for (int i = 0; i < 4; ++i) {
        admitted.push_back(world.open());
        EXPECT_TRUE(admitted.back().server->admit(1));
    }
    EXPECT_FALSE(world.open().server->admit(1));
    admitted.pop_back();
    EXPECT_TRUE(world.open().server->admit(1));
}

}  // namespace
}  // namespace netcompute::net
