// A tab's worker as a whole, against a host that only writes down what it is told.
#include <netcompute/protocol/payload.hpp>
#include <netcompute/worker/browser_worker.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace netcompute::worker {
namespace {

using namespace std::chrono_literals;

class FakeHost final : public BrowserHost {
 public:
    void open_socket() override { ++opened; }
    void close_socket(const std::string& reason) override { closed.push_back(reason); }
    void send(Channel, const protocol::WireMessage& message) override {
        sent.push_back(nlohmann::json::parse(message.header));
    }
    void resize(std::uint32_t slots) override { size = slots; }
    void run(SlotId slot, Chunk chunk) override { runs.emplace_back(slot, std::move(chunk)); }
    void forget(SlotId, LeaseId) override {}
    void stop(SlotId slot) override { stopped.push_back(slot); }
    void replace(SlotId slot) override { replaced.push_back(slot); }
    void prefetch(const std::vector<protocol::BlobInput>&) override {}

    int opened = 0;
    std::vector<std::string> closed;
    std::vector<nlohmann::json> sent;
    std::uint32_t size = 0;
    std::vector<std::pair<SlotId, Chunk>> runs;
    std::vector<SlotId> stopped;
    std::vector<SlotId> replaced;
};

class BrowserWorkerTest : public testing::Test {
 protected:
    void receive(const protocol::MasterMessage& message) {
        const auto wire = protocol::encode(message);
        worker.frame_received(now, protocol::join_frame({wire.header, wire.payload}));
    }
    void join() {
        worker.start(now);
        worker.socket_opened(now);
        worker.slot_ready(now, 1, "1");
        receive(protocol::Welcome{"key-1", "browser-9", 2, 10, "1"});
    }
    void give_lease() {
        receive(protocol::Lease{LeaseId{1}, JobId{3}, 2, "noop", 1, 10, {}, {{12, {}}}});
    }
    ChunkOutcomes outcomes() const {
        const std::vector<protocol::TaskOutcome> one{{12, false, {}, {}}};
        return {host.runs.back().second.id, 1, protocol::encode_outcomes(one), 0.5, false, 77};
    }

    Instant now{1000s};
    FakeHost host;
    BrowserSettings settings{"browser-1", "", "Tab", "", 2};
    BrowserWorker worker{now, settings, {host, [] { return 0.0; }, 4, 1000}};
};

// From the page's opening to its first result, and what the page shows of it.
TEST_F(BrowserWorkerTest, JoinsComputesAndDelivers) {
    EXPECT_EQ(worker.status(now).phase, "loading");
    join();
    EXPECT_EQ(host.opened, 1);
    give_lease();
    ASSERT_EQ(host.runs.size(), 1U);
    BrowserStatus status = worker.status(now);
    EXPECT_EQ(status.phase, "joined");
    EXPECT_EQ(status.worker, "browser-9");
    EXPECT_EQ(status.slots_busy, 1U);
    EXPECT_EQ(status.current->task, 12U);
    worker.outcomes_received(now += 1s, 1, outcomes(), 0, false);
    worker.flush(now);
    EXPECT_EQ(host.sent.back().at("type"), "results");
    worker.tick(now += 1s);
    EXPECT_EQ(host.sent.back().at("type"), "heartbeat");
    EXPECT_DOUBLE_EQ(host.sent.back().at("cpu").get<double>(), 0.125);  // 1 of 4 cores, half.
    EXPECT_EQ(host.sent.back().at("memory_bytes"), 77);
    status = worker.status(now);
    EXPECT_EQ(status.tasks_done, 1U);
    EXPECT_EQ(status.slots_busy, 0U);
}

// What is revoked and goes on is stopped by force, by a thread that takes its place.
TEST_F(BrowserWorkerTest, AnEndlessTaskCostsItsThread) {
    join();
    give_lease();
    receive(protocol::Revoke{LeaseId{1}, "job_ended"});
    EXPECT_EQ(worker.next_deadline(), now + Dispatcher::revoke_grace);
    worker.tick(now += Dispatcher::revoke_grace);
    EXPECT_EQ(host.replaced, std::vector<SlotId>{1});
    worker.outcomes_received(now, 1, outcomes(), 0, false);  // It came too late.
    EXPECT_EQ(worker.status(now).slots_busy, 0U);
}

// After a trap the thread is replaced, and its outcomes until then count.
TEST_F(BrowserWorkerTest, ABrokenInstanceIsReplaced) {
    join();
    give_lease();
    worker.outcomes_received(now, 1, outcomes(), 1, true);
    worker.flush(now);
    EXPECT_EQ(host.replaced, std::vector<SlotId>{1});
    EXPECT_EQ(host.sent.back().at("type"), "results");
    EXPECT_EQ(worker.status(now).tasks_failed, 1U);
}

// Fewer cores to lend: the host is told, the master at once, and an idle thread ends.
TEST_F(BrowserWorkerTest, AnotherNumberOfSlots) {
    join();
    settings.slots = 1;
    worker.change_settings(now, settings);
    EXPECT_EQ(host.size, 1U);
    EXPECT_EQ(host.sent.back().at("slots"), 1);
    worker.retire(now, 1, true);
    EXPECT_EQ(host.stopped, std::vector<SlotId>{1});
}

// Each phase has its name, and its reason goes with the socket's close.
TEST_F(BrowserWorkerTest, PhasesHaveNames) {
    join();
    worker.text_received(now);
    EXPECT_EQ(worker.status(now).phase, "waiting");
    EXPECT_EQ(host.closed.back(), "the master sent a malformed message: frame: text, not binary");
    EXPECT_DOUBLE_EQ(worker.status(now).retry_seconds, 0.5);
    worker.retry(now);
    EXPECT_EQ(worker.status(now).phase, "connecting");
    worker.socket_opened(now);
    receive(protocol::Goodbye{"refused_token", "wrong token", false});
    BrowserStatus status = worker.status(now);
    EXPECT_EQ(status.phase, "refused");
    EXPECT_EQ(status.refused_code, "refused_token");
    EXPECT_EQ(status.reason, "wrong token");
    worker.retry(now);
    worker.hand_back(now);
    EXPECT_EQ(worker.status(now).phase, "left");
    EXPECT_EQ(host.closed.back(), "left");
}

}  // namespace
}  // namespace netcompute::worker
