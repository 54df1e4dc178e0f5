#pragma once

#include "engine/worker_gateway.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace netcompute::engine {

using protocol::Goodbye;
using protocol::Welcome;

/// A connection whose other end is the test.
class FakeSession final : public net::Session {
 public:
    void send(protocol::WireMessage message) override { sent.push_back(std::move(message)); }
    void close() override { closed = true; }
    [[nodiscard]] const std::string& peer_address() const override { return address; }
    [[nodiscard]] bool is_web() const override { return web; }
    [[nodiscard]] bool is_this_user() override { return this_user; }

    template <typename T>
    [[nodiscard]] T last() const {
        if (sent.empty()) {
            ADD_FAILURE() << "nothing was sent";
            return {};
        }
        const auto header = nlohmann::json::parse(sent.back().header);
        const auto message = protocol::decode_master_message(header, sent.back().payload);
        if (!message || !std::holds_alternative<T>(*message)) {
            ADD_FAILURE() << "another message was sent: " << sent.back().header;
            return {};
        }
        return std::get<T>(*message);
    }

    std::vector<protocol::WireMessage> sent;
    bool closed = false;
    std::string address = "192.168.1.7";
    bool web = false;
    bool this_user = false;
};

/// Writes down what the gateway understood.
class FakeEvents final : public WorkerEvents {
 public:
    void on_joined(const JoinedWorker& worker) override {
        log.push_back("joined " + std::to_string(worker.id.value) + " " + worker.key);
        believed.push_back(worker.is_believed);
    }
    void on_heartbeat(WorkerId worker, const protocol::Heartbeat&) override {
        log.push_back("heartbeat " + std::to_string(worker.value));
    }
    [[nodiscard]] Result<bool> admit_results(WorkerId, LeaseId lease,
                                             std::uint64_t outcome_count) override {
        if (lease == foreign_lease || outcome_count > 2) {
            return unexpected(ErrorCode::ProtocolViolation, "never had it");
        }
        return lease != old_lease;
    }
    void on_results(WorkerId worker, const protocol::Results& results,
                    std::shared_ptr<const Bytes>) override {
        log.push_back("results " + std::to_string(worker.value) + " " +
                      std::to_string(results.outcomes.size()));
    }
    void on_left(WorkerId worker) override {
        log.push_back("left " + std::to_string(worker.value));
    }
    void on_disconnected(WorkerId worker, const std::string&) override {
        log.push_back("disconnected " + std::to_string(worker.value));
    }
    void on_expelled(WorkerId worker, const std::string&) override {
        log.push_back("expelled " + std::to_string(worker.value));
    }
    static constexpr LeaseId old_lease{8};
    static constexpr LeaseId foreign_lease{9};
    std::vector<std::string> log;
    std::vector<bool> believed;
};

class WorkerGatewayTest : public testing::Test {
 protected:
    std::shared_ptr<FakeSession> connect() {
        auto session = std::make_shared<FakeSession>();
        gateway.expect_hello(session, Instant{});
        return session;
    }
    void say(const net::SessionPtr& from, const protocol::WorkerMessage& message) {
        auto wire = protocol::encode(message);
        gateway.on_frame(from, wire.header, std::make_shared<const Bytes>(std::move(wire.payload)));
    }
    void say_text(const net::SessionPtr& from, std::string_view header) {
        gateway.on_frame(from, header, std::make_shared<const Bytes>());
    }
    static protocol::Hello hello(std::string resume = "", std::string token = "") {
        protocol::Hello hello;
        hello.worker = "worker-0001";
        hello.name = "lab 3";
        hello.token = std::move(token);
        hello.resume = std::move(resume);
        return hello;
    }

    FakeEvents events;
    WorkerGateway gateway{GatewayOptions{}, events};
};

}  // namespace netcompute::engine
