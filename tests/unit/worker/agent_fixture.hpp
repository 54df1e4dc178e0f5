#pragma once

#include <netcompute/protocol/frame.hpp>
#include <netcompute/worker/agent.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace netcompute::worker {

using namespace std::chrono_literals;

/// Keeps what was sent, decoded.
class FakeLink final : public Link {
 public:
    struct Sent {
        Channel channel = Channel::Task;
        nlohmann::json header;
        Bytes payload;
    };
    bool is_stream() const override { return stream; }
    void open() override {
        EXPECT_FALSE(is_open);
        is_open = true;
        ++opened;
    }
    void close(Closing closing) override {
        is_open = false;
        last_closing = closing;
    }
    bool send(Channel channel, const protocol::WireMessage& message) override {
        EXPECT_TRUE(is_open);
        if (is_full && channel == Channel::Result) return false;
        auto header = nlohmann::json::parse(message.header);
        if (!stream && channel == Channel::Result && header.at("type") == "heartbeat") {
            shown_sessions.push_back(header.at("session"));
        } else {
            sent.push_back({channel, std::move(header), message.payload});
        }
        return true;
    }
    /// The sent messages of one type, oldest first.
    [[nodiscard]] std::vector<nlohmann::json> of_type(std::string_view type) const {
        std::vector<nlohmann::json> headers;
        for (const auto& one : sent) {
            if (one.header.at("type") == type) headers.push_back(one.header);
        }
        return headers;
    }

    bool stream = false;
    bool is_open = false;
    bool is_full = false;
    int opened = 0;
    Closing last_closing = Closing::DropUnsent;
    std::vector<Sent> sent;  ///< But for what only shows whose a connection is:
    std::vector<std::string> shown_sessions;
};

/// Computes nothing: a test says what comes out.
class FakeRunner final : public TaskRunner {
 public:
    void submit(protocol::Lease lease, Bytes) override { submitted.push_back(lease.lease); }
    void revoke(LeaseId lease) override { revoked.push_back(lease); }
    void drop_unstarted() override { ++drops; }
    std::vector<OutcomeChunk> take_outcomes() override { return std::exchange(outcomes, {}); }
    RunnerStatus status() const override { return current; }

    std::vector<LeaseId> submitted;
    std::vector<LeaseId> revoked;
    int drops = 0;
    std::vector<OutcomeChunk> outcomes;
    RunnerStatus current;
};

/// An agent with a fake world around it, and a clock that the test moves.
class AgentBench {
 public:
    AgentBench() { agent.start(now); }

    void receive(const protocol::MasterMessage& message) {
        auto wire = protocol::encode(message);
        agent.receive(now, wire.header, std::move(wire.payload));
    }
    void join(std::string session = "key-1") {
        receive(protocol::Welcome{std::move(session), "worker-1", 2, 10, "0.1.0"});
    }
    void give_lease(std::uint64_t id, std::uint32_t tasks) {
        protocol::Lease lease{LeaseId{id}, JobId{5}, 6, "noop", 1, 10, {}, {}};
        for (std::uint32_t i = 0; i < tasks; ++i) lease.tasks.push_back({i, {}});
        receive(lease);
    }
    /// The runner has finished tasks [begin, end) of a lease.
    void compute(std::uint64_t lease, std::uint32_t begin, std::uint32_t end,
                 std::size_t output_bytes = 1) {
        OutcomeChunk chunk{LeaseId{lease}, JobId{5}, 6};
        for (std::uint32_t i = begin; i < end; ++i) chunk.add_output(i, Bytes(output_bytes));
        chunk.add_busy_seconds(0.5);
        runner.outcomes.push_back(std::move(chunk));
        agent.outcomes_ready(now);
    }
    void pass(Duration duration) {
        now += duration;
        agent.tick(now);
    }
    /// Lets time pass, deadline by deadline, as a real loop does.
    void run_until(Instant end) {
        while (agent.next_deadline() <= end) {
            now = std::max(now, agent.next_deadline());
            agent.tick(now);
        }
        now = end;
    }
    [[nodiscard]] std::size_t said(Severity severity, std::string_view text) const {
        return static_cast<std::size_t>(
            std::count_if(words.begin(), words.end(), [&](const auto& line) {
                return line.first == severity && line.second.find(text) != std::string::npos;
            }));
    }

    Instant now{1000s};
    FakeLink link;
    FakeRunner runner;
    SystemLoad load{0.25, 4096};
    double random = 0;
    std::vector<std::pair<Severity, std::string>> words;
    Agent agent{{.worker = "pc-00001",
                 .token = "sesame",
                 .name = "Desk 7",
                 .version = "0.1.0",
                 .slots = 3,
                 .master = "10.0.0.1:5555"},
                {.runner = runner,
                 .link = link,
                 .sample_load = [this] { return load; },
                 .random = [this] { return random; },
                 .say = [this](Severity severity,
                               const std::string& text) { words.emplace_back(severity, text); }}};
};

}  // namespace netcompute::worker
