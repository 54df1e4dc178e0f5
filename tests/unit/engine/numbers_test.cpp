// The table "Numbers" of ARCHITECTURE.md says what the code has: each value here is put into the
// words of its row.

#include "api/dashboard_feed.hpp"
#include "core/limits.hpp"
#include "engine/engine.hpp"
#include "engine/next_round.hpp"
#include "engine/worker_gateway.hpp"
#include "net/http/http_server.hpp"
#include "net/http/request_head.hpp"
#include "net/http/web_socket.hpp"
#include "net/zmtp/times.hpp"
#include "store/job_store.hpp"
#include <netcompute/config.hpp>
#include <netcompute/protocol/frame.hpp>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <string>

namespace netcompute {
namespace {

using ::testing::HasSubstr;

template <typename Time>
double seconds(Time time) {
    return std::chrono::duration<double>{time}.count();
}
double kib(std::uint64_t bytes) {
    return static_cast<double>(bytes) / 1024;
}
double mib(std::uint64_t bytes) {
    return kib(bytes) / 1024;
}
double gib(std::uint64_t bytes) {
    return mib(bytes) / 1024;
}

/// 10000000 as "10,000,000".
std::string grouped(std::uint64_t number) {
    std::string text = std::to_string(number);
    for (auto place = text.size(); place > 3;) text.insert(place -= 3, 1, ',');
    return text;
}

class NumbersTest : public ::testing::Test {
 protected:
    NumbersTest() {
        std::ifstream file{std::string{NETCOMPUTE_SOURCE_DIR} + "/ARCHITECTURE.md"};
        std::stringstream whole;
        whole << file.rdbuf();
        const std::string text = whole.str();
        const auto begin = text.find("\n## Numbers\n");
        EXPECT_NE(begin, std::string::npos);
        table_ = text.substr(begin, text.find("\n## ", begin + 1) - begin);
    }

    /// The row that begins so has this value.
    void expect(const std::string& what, const std::string& value) const {
        EXPECT_THAT(table_, HasSubstr("\n| " + what + " | " + value + " |"));
    }

 private:
    std::string table_;
};

TEST_F(NumbersTest, OfTheScheduler) {
    const core::SchedulerLimits limits;
    expect("suspect, lost, forgotten",
           fmt::format("{} s, {} s, {} min", seconds(limits.suspect_after),
                       seconds(limits.lost_after), seconds(limits.lost_kept) / 60));
    expect("lease", fmt::format("{} × expected, {} s to {} s, renewed by heartbeats that name it",
                                limits.lease_expected_factor, seconds(limits.lease_seconds_min),
                                seconds(limits.lease_seconds_max)));
    expect("batch",
           fmt::format("{} s of work, shared by equal jobs, at least {} s; one lease ahead",
                       limits.batch_seconds, limits.batch_seconds_min));
    EXPECT_EQ(limits.leases_per_worker_max, 2U);
    expect("former rounds of a job that are kept, and the most tasks of one that may be forgotten",
           fmt::format("{} to {}, {}", limits.rounds_kept, 2 * limits.rounds_kept,
                       grouped(limits.forgotten_tasks_max)));
    expect("trusted after, spot checks, closing checks",
           fmt::format("{}, {:.0f} % to {:.0f} %, {}", limits.trusted_after,
                       100 * limits.spot_check_rate_max, 100 * limits.spot_check_rate_min,
                       limits.closing_checks));
    expect(
        "losses by strangers and newcomers of a task, of an address; tasks the master then does at "
        "a time",
        fmt::format("{}, {}, {}", limits.stranger_losses_max, limits.losses_per_address_max,
                    limits.rescues_max));
}

TEST_F(NumbersTest, OfTheWire) {
    const engine::GatewayOptions gateway;
    expect("heartbeat, silence before reconnecting",
           fmt::format("{} s, {} s", gateway.heartbeat_seconds, gateway.silence_seconds));
    expect("frame, header", fmt::format("{} MiB, {} KiB", mib(protocol::frame_bytes_max),
                                        kib(protocol::header_bytes_max)));
    expect("inputs inline in a lease",
           fmt::format("up to {} KiB", kib(engine::inline_input_bytes_max)));
    const engine::EngineOptions options;
    expect("hashed or folded on the engine's thread",
           fmt::format("up to {} KiB, {} tasks", kib(options.quick_bytes_max),
                       grouped(options.quick_fold_tasks_max)));
    const net::ZmtpTimes times;
    expect("ZeroMQ: greeting and READY, showing a session, a pause within a message",
           fmt::format("{} s, {} s, {} s", seconds(times.handshake), seconds(times.session),
                       seconds(times.stall)));
    expect("a WebSocket's first message",
           fmt::format("{} KiB", kib(net::WebSocket::first_message_bytes_max)));
    expect("of all peers together: bodies, answers, messages that come, that wait",
           fmt::format("{}, {}, {}, {} MiB", mib(net::HttpServer::incoming_bodies_bytes_max),
                       mib(net::HttpServer::answers_bytes_max),
                       mib(net::HttpServer::incoming_messages_bytes_max),
                       mib(net::HttpServer::unsent_bytes_max)));
}

TEST_F(NumbersTest, OfWhatTheMasterTakesOn) {
    const LimitsConfig limits;
    expect(
        "tasks a round, of all live jobs, live jobs, ended jobs kept, blobs, datasets, "
        "sessions from one PC",
        fmt::format("{}, {}, {}, {}, {} GiB, {} GiB, {}", grouped(limits.tasks_per_job),
                    grouped(limits.tasks), limits.jobs, limits.ended_jobs, gib(limits.blob_bytes),
                    gib(limits.dataset_bytes), limits.sessions_per_address));
    EXPECT_EQ(engine::GatewayOptions{}.sessions_per_address_max, limits.sessions_per_address);
    expect("receipts",
           fmt::format("{} GiB in all; none for jobs that have more than 1,000,000 tasks to list",
                       gib(store::JobStoreLimits{}.receipt_bytes_max)));
    using Feed = api::DashboardFeed;
    const auto ticks = [](int count) { return count * seconds(Feed::interval); };
    expect("dashboards: of one PC, in all",
           fmt::format("{}, {}; one that reads nothing for {} s is closed",
                       Feed::viewers_per_address_max, Feed::viewers_max,
                       ticks(Feed::unread_ticks_max)));
}

}  // namespace
}  // namespace netcompute
