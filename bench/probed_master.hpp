#pragma once

#include "server/server.hpp"

#include <boost/asio/post.hpp>
#include <pthread.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <future>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace netcompute::bench {

inline double resident_mib() {
    std::ifstream file{"/proc/self/statm"};
    std::uint64_t pages = 0;
    file >> pages >> pages;
    return static_cast<double>(pages) * 4096 / (1 << 20);
}

inline double ms_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
        .count();
}

/// A folder of its own, removed with everything in it.
class StateFolder {
 public:
    StateFolder() {
        std::string name =
            (std::filesystem::temp_directory_path() / "netcompute-bench-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
        path_ = name;
    }
    StateFolder(const StateFolder&) = delete;
    StateFolder& operator=(const StateFolder&) = delete;
    ~StateFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
    std::filesystem::path path_;
};

/// A whole master on a thread, whose response time is measured all the time. Its two in-process
/// workers add their posts to the thread, which are short.
class ProbedMaster {
 public:
    ProbedMaster(const std::filesystem::path& folder, std::uint32_t slots,
                 server::ServerOptions options = {}) {
        options.config.master.ip = "127.0.0.1";
        options.config.dashboard.host = "127.0.0.1";
        for (std::uint16_t* port :
             {&options.config.master.task_port, &options.config.master.result_port,
              &options.config.master.heartbeat_port, &options.config.dashboard.port}) {
            *port = 0;
        }
        options.state_dir = folder / "state";
        options.root = folder;
        options.web_root = folder / "web";  // No pages.
        options.local_slots = slots;
        server_.emplace(io_, std::move(options));
        thread_ = std::thread{[this] { io_.run(); }};
        probe_ = std::thread{[this] { probe(); }};
    }
    ~ProbedMaster() {
        stopping_ = true;
        probe_.join();
        io_.stop();
        thread_.join();
    }

    /// What `ask` answers on the engine's thread.
    template <typename Ask>
    auto ask(Ask&& ask) {
        std::promise<decltype(ask(server_->engine()))> answer;
        boost::asio::post(io_, [&] { answer.set_value(ask(server_->engine())); });
        return answer.get_future().get();
    }
    /// How long its thread computed at most before it answered, since this was asked last. Unlike
    /// the time that went by, this does not grow with what else runs on this PC.
    [[nodiscard]] double take_longest_ms() { return longest_ms_.exchange(0); }
    /// The time that went by, the disk and the load of this PC included. Since it began.
    [[nodiscard]] double longest_wait_ms() const { return longest_wait_ms_; }

 private:
    [[nodiscard]] double thread_ms() {
        clockid_t clock{};
        timespec used{};
        if (::pthread_getcpuclockid(thread_.native_handle(), &clock) != 0 ||
            ::clock_gettime(clock, &used) != 0) {
            throw std::runtime_error("this system does not tell what a thread computes");
        }
        return static_cast<double>(used.tv_sec) * 1e3 + static_cast<double>(used.tv_nsec) / 1e6;
    }
    static void raise(std::atomic<double>& highest, double value) {
        double known = highest;
        while (value > known && !highest.compare_exchange_weak(known, value)) {
        }
    }
    void probe() {
        while (!stopping_) {
            const auto start = std::chrono::steady_clock::now();
            const double before = thread_ms();
            ask([](engine::Engine&) { return true; });
            raise(longest_ms_, thread_ms() - before);
            raise(longest_wait_ms_, ms_since(start));
            std::this_thread::sleep_for(std::chrono::microseconds{200});
        }
    }

    boost::asio::io_context io_;
    std::optional<server::Server> server_;
    std::thread thread_;
    std::thread probe_;
    std::atomic<bool> stopping_ = false;
    std::atomic<double> longest_ms_ = 0;
    std::atomic<double> longest_wait_ms_ = 0;
};

}  // namespace netcompute::bench
