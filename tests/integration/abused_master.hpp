#pragma once

#include "server/server.hpp"
#include "temporary_folder.hpp"
#include <netcompute/logging.hpp>

#include <boost/asio/post.hpp>
#include <gtest/gtest.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <condition_variable>
#include <future>
#include <iostream>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace netcompute::test_support {

/// Keeps what is logged, and lets a test wait for it.
class LogSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
    [[nodiscard]] std::size_t count(const std::string& text) {
        const std::lock_guard lock{lines_mutex_};
        return count_locked(text);
    }
    [[nodiscard]] bool await(const std::string& text, std::size_t times) {
        std::unique_lock lock{lines_mutex_};
        return logged_.wait_for(lock, std::chrono::seconds{20},
                                [&] { return count_locked(text) >= times; });
    }
    void print() {
        const std::lock_guard lock{lines_mutex_};
        for (const std::string& line : lines_) std::cerr << line << '\n';
    }

 protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        const std::lock_guard lock{lines_mutex_};
        lines_.emplace_back(message.payload.data(), message.payload.size());
        logged_.notify_all();
    }
    void flush_() override {}

 private:
    std::size_t count_locked(const std::string& text) const {
        return static_cast<std::size_t>(std::count_if(
            lines_.begin(), lines_.end(),
            [&](const std::string& line) { return line.find(text) != std::string::npos; }));
    }

    std::mutex lines_mutex_;
    std::condition_variable logged_;
    std::vector<std::string> lines_;
};

/// A whole master on free ports, computing with one slot of its own, on a thread of its own.
class AbusedMaster {
 public:
    AbusedMaster() {
        std::filesystem::create_directories(folder_.path() / "web" / "wasm");
        spdlog::set_default_logger(std::make_shared<spdlog::logger>("master", sink_));
        set_log_budget({.lines_per_address = 100'000, .lines_in_all = 100'000});  // Counted here.
        server::ServerOptions options;
        options.config.master = {"127.0.0.1", 0, 0, 0};
        options.config.dashboard = {"127.0.0.1", 0};
        options.state_dir = folder_.path() / "state";
        options.root = folder_.path();
        options.web_root = folder_.path() / "web";
        options.local_slots = 1;
        server_.emplace(io_, std::move(options));
        thread_ = std::thread{[this] { io_.run(); }};
    }
    AbusedMaster(const AbusedMaster&) = delete;
    AbusedMaster& operator=(const AbusedMaster&) = delete;
    ~AbusedMaster() {
        boost::asio::post(io_, [this] {
            server_->stop();
            io_.stop();
        });
        thread_.join();
        server_.reset();
        if (testing::Test::HasFailure()) sink_->print();
    }

    [[nodiscard]] const MasterConfig& ports() const { return server_->endpoints().master; }

    /// The job's record once it is over.
    std::future<store::JobRecord> submit(jobs::JobRequest request) {
        const auto over = std::make_shared<std::promise<store::JobRecord>>();
        boost::asio::post(io_, [this, over, request = std::move(request)]() mutable {
            auto& engine = server_->engine();
            const auto id = engine.submit(std::move(request));
            ASSERT_TRUE(id);
            engine.when_over(*id,
                             [over](const store::JobRecord& record) { over->set_value(record); });
        });
        return over->get_future();
    }

    [[nodiscard]] std::size_t count_logged(const std::string& text) { return sink_->count(text); }
    void await_logged(const std::string& text, std::size_t times) {
        EXPECT_TRUE(sink_->await(text, times))
            << "\"" << text << "\" was logged " << sink_->count(text) << " times, not " << times;
    }

 private:
    TemporaryFolder folder_;
    std::shared_ptr<LogSink> sink_ = std::make_shared<LogSink>();
    boost::asio::io_context io_;
    std::optional<server::Server> server_;
    std::thread thread_;
};

}  // namespace netcompute::test_support
