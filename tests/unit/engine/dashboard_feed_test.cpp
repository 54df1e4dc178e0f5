#include "api/dashboard_feed.hpp"

#include "web_socket_ends.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace netcompute::api {
namespace {

using boost::beast::websocket::close_code;
using nlohmann::json;
using test_support::WebSocketPeerEnd;
using test_support::WebSocketWorld;
using testing::IsEmpty;
using testing::SizeIs;
using namespace std::chrono_literals;

/// A master of which only the dashboard's state is asked.
class ShownBackend final : public Backend {
 public:
    json state = {{"jobs", json::object()}, {"workers", json::object()}};
    /// What each update adds, as time does.
    std::function<void(json& state)> change = [](json&) {};
    int built_count = 0;

    json dashboard_state() override {
        ++built_count;
        change(state);
        return state;
    }

    json cluster() override { return {}; }
    json job_types() const override { return {}; }
    Result<ListPage> workers(const ListQuery&) override { return ListPage{}; }
    std::optional<json> worker(std::string_view) override { return {}; }
    Result<ListPage> jobs(const ListQuery&) override { return ListPage{}; }
    std::optional<json> job(JobId) override { return {}; }
    Result<json> job_result(JobId) override { return json{}; }
    Result<std::vector<JobFile>> job_files(JobId) override { return std::vector<JobFile>{}; }
    Result<JobId> submit(std::string_view, std::string_view) override { return JobId{}; }
    Result<void> cancel(JobId) override { return {}; }
    Result<void> pause(JobId, bool) override { return {}; }
    Result<void> prioritize(JobId, std::string_view) override { return {}; }
    Result<void> drain(std::string_view, bool) override { return {}; }
    Result<void> readmit(std::string_view) override { return {}; }
    void when_written(std::function<void(Result<void>)> callback) override { callback({}); }
    Result<ReceiptMaker> receipt(JobId) override { return ReceiptMaker{}; }
    void when_over(JobId, std::function<void()> callback) override { callback(); }
    std::optional<BlobView> blob(const Sha256&) override { return {}; }
    std::string metrics() override { return {}; }
};

/// A feed whose updates come one after the other without a pause, and dashboards that watch it.
class DashboardFeedTest : public testing::Test {
 protected:
    using Viewer = std::shared_ptr<WebSocketPeerEnd>;

    void TearDown() override { world.end_all(); }
    void begin(std::chrono::milliseconds pace = 0ms) { feed.emplace(world.io, backend, pace); }
    Viewer watch(const WebSocketWorld::OpenOptions& options = {}) {
        auto ends = world.open(options);
        feed->accept(std::move(ends.request), std::move(ends.server));
        world.require([&] { return ends.client->is_open || ends.client->is_over; });
        return ends.client;
    }
    /// So many more times the state is built, for an update each.
    void pass(int updates) {
        const int until = backend.built_count + updates;
        world.require([&] { return backend.built_count >= until; });
    }
    /// The state that a dashboard shows which folds what it has been sent.
    static json folded(const Viewer& viewer) {
        json state;
        for (const std::string& text : viewer->messages) {
            const json message = json::parse(text);
            if (message.at("type") == "snapshot")
                state = message.at("state");
            else
                state.merge_patch(message.at("patch"));
        }
        return state;
    }
    [[nodiscard]] bool shows_now(const Viewer& viewer) {
        return world.until([&] { return folded(viewer) == backend.state; });
    }

    ShownBackend backend;
    WebSocketWorld world;
    std::optional<DashboardFeed> feed;
};

TEST_F(DashboardFeedTest, ASnapshotIsFollowedByPatchesOfWhatChanges) {
    begin();
    backend.state["jobs"]["1"] = {{"state", "Running"}, {"done", 0}};
    const Viewer viewer = watch();
    ASSERT_TRUE(shows_now(viewer));
    ASSERT_THAT(viewer->messages, SizeIs(1));
    backend.state["jobs"]["1"]["done"] = 5;
    ASSERT_TRUE(shows_now(viewer));
    ASSERT_THAT(viewer->messages, SizeIs(2));
    EXPECT_EQ(json::parse(viewer->messages[1]),
              json::parse(R"({"type": "patch", "patch": {"jobs": {"1": {"done": 5}}}})"));
    backend.state["jobs"].erase("1");
    backend.state["workers"]["pc"] = {{"cpu", 0.5}};
    EXPECT_TRUE(shows_now(viewer));
}

TEST_F(DashboardFeedTest, NothingIsSentWhereNothingChanges) {
    begin();
    const Viewer viewer = watch();
    ASSERT_TRUE(shows_now(viewer));
    pass(50);
    EXPECT_THAT(viewer->messages, SizeIs(1));
}

TEST_F(DashboardFeedTest, TheStateIsNotBuiltWhileNobodyWatches) {
    begin();
    const Viewer viewer = watch();
    pass(3);
    viewer->hang_up();
    world.require([this] { return world.connections.proven_count() == 0; });
    world.settle();
    const int built = backend.built_count;
    world.settle();
    EXPECT_EQ(backend.built_count, built);
    watch();
    EXPECT_GT(backend.built_count, built);
}

// However many open it at once, the state and its text are made once.
TEST_F(DashboardFeedTest, WhoComesBetweenTwoUpdatesSharesTheLastOne) {
    begin(1h);
    std::vector<Viewer> viewers;
    for (int i = 0; i < 10; ++i) viewers.push_back(watch());
    for (const Viewer& viewer : viewers) EXPECT_TRUE(shows_now(viewer));
    EXPECT_EQ(backend.built_count, 1);
}

// Fifty people behind one address, two hundred in all; who leaves makes room.
TEST_F(DashboardFeedTest, ThereIsRoomForSomeOfOnePcAndForMoreInAll) {
    begin(1h);
    std::vector<Viewer> viewers;
    const auto fill = [&](const std::string& address, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) viewers.push_back(watch({.address = address}));
    };
    fill("10.0.0.1", DashboardFeed::viewers_per_address_max - 1);
    EXPECT_TRUE(feed->has_room("10.0.0.1"));
    fill("10.0.0.1", 1);
    EXPECT_FALSE(feed->has_room("10.0.0.1"));
    EXPECT_TRUE(feed->has_room("10.0.0.2"));
    for (const char* const address : {"10.0.0.2", "10.0.0.3"}) fill(address, 50);
    fill("10.0.0.4", 49);
    EXPECT_TRUE(feed->has_room("10.0.0.5"));
    fill("10.0.0.4", 1);
    ASSERT_EQ(viewers.size(), DashboardFeed::viewers_max);
    EXPECT_FALSE(feed->has_room("10.0.0.5"));
    viewers.back()->hang_up();
    EXPECT_TRUE(world.until([this] { return feed->has_room("10.0.0.5"); }));
    EXPECT_FALSE(feed->has_room("10.0.0.1"));
}

TEST_F(DashboardFeedTest, WhereThereAreAsManyConnectionsAsMayBeOneIsToldToComeLater) {
    world.connections = net::ConnectionBudget{{8, 1}};
    begin();
    const Viewer first = watch();
    const Viewer second = watch();
    ASSERT_TRUE(world.until([&] { return second->is_over; }));
    EXPECT_EQ(second->reason().code, close_code::try_again_later);
    EXPECT_THAT(second->messages, IsEmpty());
    EXPECT_TRUE(shows_now(first)) << "who is there stays";
}

/// A state that changes so much that whoever does not read is soon behind.
void grow(json& state) {
    const int turn = state.value("turn", 0) + 1;
    state["turn"] = turn;
    state["much"] = std::string(32'768, static_cast<char>('a' + turn % 26));
}

// It gets what it missed at once, not each update that was made meanwhile.
TEST_F(DashboardFeedTest, WhoIsBehindIsNotSentEachUpdateThatItMissed) {
    begin();
    backend.change = grow;
    const Viewer slow = watch({.reads = false});
    pass(DashboardFeed::patch_ticks_max / 2);
    backend.change = [](json&) {};
    slow->read();
    ASSERT_TRUE(shows_now(slow));
    EXPECT_LE(slow->messages.size(), 4U);
}

// Long behind, it gets the whole: the state that it had is not kept for it.
TEST_F(DashboardFeedTest, WhoIsLongBehindGetsASnapshot) {
    begin();
    backend.change = grow;
    const Viewer slow = watch({.reads = false});
    pass(DashboardFeed::patch_ticks_max + 10);
    backend.change = [](json&) {};
    slow->read();
    ASSERT_TRUE(shows_now(slow));
    EXPECT_EQ(json::parse(slow->messages.back()).at("type"), "snapshot");
    backend.state["jobs"]["2"] = "new";
    EXPECT_TRUE(shows_now(slow));
}

// After half a minute of updates four times a second it is closed; others do not notice.
TEST_F(DashboardFeedTest, WhoNeverReadsIsClosed) {
    EXPECT_EQ(DashboardFeed::unread_ticks_max * DashboardFeed::interval, 30s);
    begin();
    backend.change = grow;
    const Viewer stuck = watch({.address = "10.0.0.1", .reads = false});
    const Viewer reading = watch({.address = "10.0.0.2"});
    pass(DashboardFeed::unread_ticks_max - 20);
    EXPECT_EQ(world.connections.proven_count(), 2U);
    EXPECT_TRUE(world.until([this] { return world.connections.proven_count() == 1; }));
    backend.change = [](json&) {};
    EXPECT_TRUE(shows_now(reading));
    EXPECT_FALSE(reading->is_over);
}

// So a state of hundreds of megabytes is never held once for each dashboard.
TEST_F(DashboardFeedTest, WhatIsMoreThanMayWaitForOneDashboardClosesIt) {
    begin(1h);
    const std::size_t around = json{{"type", "snapshot"}, {"state", {{"much", ""}}}}.dump().size();
    backend.state = {{"much", std::string(DashboardFeed::unsent_bytes_max - around, 'x')}};
    const Viewer taken = watch();
    EXPECT_TRUE(shows_now(taken));
    taken->hang_up();
    world.require([this] { return world.connections.proven_count() == 0; });

    begin(1h);
    backend.state = {{"much", std::string(DashboardFeed::unsent_bytes_max - around + 1, 'x')}};
    const Viewer refused = watch();
    EXPECT_TRUE(world.until([&] { return refused->is_over; }));
    EXPECT_THAT(refused->messages, IsEmpty());
    EXPECT_TRUE(world.until([this] { return world.connections.proven_count() == 0; }));
}

// A dashboard has nothing to say: a little is passed over, more is refused.
TEST_F(DashboardFeedTest, WhatADashboardSaysIsPassedOverAndBounded) {
    begin();
    const Viewer viewer = watch();
    viewer->say(std::string(1024, 'x'));
    backend.state["jobs"]["3"] = "new";
    EXPECT_TRUE(shows_now(viewer));
    viewer->say(std::string(1025, 'x'));
    ASSERT_TRUE(world.until([&] { return viewer->is_over; }));
    EXPECT_EQ(viewer->reason().code, close_code::too_big);
}

// A server that ends goes before the sockets of its dashboards.
TEST_F(DashboardFeedTest, DashboardsMayOutliveTheFeed) {
    begin();
    const Viewer viewer = watch();
    ASSERT_TRUE(shows_now(viewer));
    feed.reset();
    viewer->hang_up();
    EXPECT_TRUE(world.until([this] { return world.connections.proven_count() == 0; }));
}

}  // namespace
}  // namespace netcompute::api
