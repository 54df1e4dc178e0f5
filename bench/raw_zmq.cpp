#include "raw_zmq.hpp"

#include <sys/wait.h>
#include <unistd.h>
#include <zmq.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace netcompute::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto answer_timeout = std::chrono::seconds{10};

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

/// One way of a pipe, for telling a forked process where to connect.
struct Pipe {
    Pipe() {
        if (pipe(ends.data()) != 0) throw std::runtime_error("raw zmq: cannot make a pipe");
    }
    std::array<int, 2> ends{};
};

/// A process that sends every message back, until it gets an empty one.
[[noreturn]] void echo_until_told(int endpoint_pipe) {
    std::array<char, 128> endpoint{};
    if (read(endpoint_pipe, endpoint.data(), endpoint.size() - 1) <= 0) _exit(1);
    try {
        zmq::context_t context{1};
        zmq::socket_t dealer{context, zmq::socket_type::dealer};
        dealer.set(zmq::sockopt::linger, 0);
        dealer.set(zmq::sockopt::rcvtimeo, 30'000);  // A timeout, in case the parent is killed.
        dealer.connect(endpoint.data());
        dealer.send(zmq::str_buffer("ready"), zmq::send_flags::none);
        for (zmq::message_t task; dealer.recv(task) && task.size() != 0;) {
            zmq::message_t result{task.size()};
            std::memcpy(result.data(), task.data(), task.size());
            dealer.send(result, zmq::send_flags::none);
        }
    } catch (const zmq::error_t&) {
        _exit(1);
    }
    _exit(0);
}

/// A ROUTER and processes with a DEALER each, all connected.
class EchoCluster {
 public:
    EchoCluster(std::size_t workers, std::size_t payload_bytes)
        : payload_(std::max(payload_bytes, sizeof(std::uint64_t))) {
        std::vector<Pipe> pipes(workers);
        for (const Pipe& pipe : pipes) {  // All forks come before the first thread of libzmq.
            const pid_t child = fork();
            if (child < 0) throw std::runtime_error("raw zmq: cannot fork");
            if (child == 0) echo_until_told(pipe.ends[0]);
            children_.push_back(child);
        }
        context_.emplace(1);
        router_ = zmq::socket_t{*context_, zmq::socket_type::router};
        router_.set(zmq::sockopt::linger, 1000);
        router_.bind("tcp://127.0.0.1:*");
        const std::string endpoint = router_.get(zmq::sockopt::last_endpoint);
        for (const Pipe& pipe : pipes) {
            if (write(pipe.ends[1], endpoint.data(), endpoint.size()) < 0) {
                throw std::runtime_error("raw zmq: a worker process is gone");
            }
            close(pipe.ends[0]);
            close(pipe.ends[1]);
        }
        router_.set(zmq::sockopt::rcvtimeo,
                    static_cast<int>(std::chrono::milliseconds{answer_timeout}.count()));
        for (std::size_t i = 0; i < workers; ++i) ids_.push_back(receive().first);
    }
    EchoCluster(const EchoCluster&) = delete;
    EchoCluster& operator=(const EchoCluster&) = delete;
    ~EchoCluster() {
        for (const std::string& id : ids_) {
            router_.send(zmq::buffer(id), zmq::send_flags::sndmore);
            router_.send(zmq::message_t{}, zmq::send_flags::none);
        }
        for (const pid_t child : children_) waitpid(child, nullptr, 0);
    }

    [[nodiscard]] const std::vector<std::string>& ids() const { return ids_; }

    void send(const std::string& id) {
        ++sent_;
        std::memcpy(payload_.data(), &sent_, sizeof sent_);
        check_sum_ += sent_;
        router_.send(zmq::buffer(id), zmq::send_flags::sndmore);
        router_.send(zmq::buffer(payload_), zmq::send_flags::none);
    }
    /// Takes one result and says whose it is.
    std::string take() {
        auto [id, result] = receive();
        if (result.size() != payload_.size()) throw std::runtime_error("raw zmq: a wrong result");
        std::uint64_t number = 0;
        std::memcpy(&number, result.data(), sizeof number);
        check_sum_ -= number;
        return std::move(id);
    }
    /// After the last take(): checks that every task came back exactly once.
    void check_all_came_back() const {
        if (check_sum_ != 0) throw std::runtime_error("raw zmq: results are lost or doubled");
    }

 private:
    std::pair<std::string, zmq::message_t> receive() {
        zmq::message_t id;
        zmq::message_t body;
        if (!router_.recv(id) || !router_.recv(body)) {
            throw std::runtime_error("raw zmq: no answer from a worker process");
        }
        return {id.to_string(), std::move(body)};
    }

    std::vector<std::byte> payload_;
    std::vector<pid_t> children_;
    std::optional<zmq::context_t> context_;
    zmq::socket_t router_;
    std::vector<std::string> ids_;
    std::uint64_t sent_ = 0;
    std::uint64_t check_sum_ = 0;
};

}  // namespace

double raw_zmq_tasks_per_second(std::size_t payload_bytes, std::size_t workers, std::size_t window,
                                double seconds) {
    EchoCluster cluster{workers, payload_bytes};
    constexpr double warm_seconds = 0.3;
    for (std::size_t i = 0; i < window; ++i) {
        for (const std::string& id : cluster.ids()) cluster.send(id);
    }
    for (const auto start = Clock::now(); seconds_since(start) < warm_seconds;) {
        cluster.send(cluster.take());
    }
    std::size_t done = 0;
    const auto start = Clock::now();
    double elapsed = 0;
    while (elapsed < seconds) {
        cluster.send(cluster.take());
        ++done;
        elapsed = seconds_since(start);
    }
    for (std::size_t i = 0; i < window * workers; ++i) cluster.take();
    cluster.check_all_came_back();
    return static_cast<double>(done) / elapsed;
}

double raw_zmq_round_trip_us(std::size_t payload_bytes, std::size_t round_trips,
                             std::int64_t pause_us) {
    EchoCluster cluster{1, payload_bytes};
    constexpr std::size_t warm_round_trips = 200;
    std::vector<double> seconds;
    seconds.reserve(round_trips);
    for (std::size_t i = 0; i < warm_round_trips + round_trips; ++i) {
        if (pause_us > 0) std::this_thread::sleep_for(std::chrono::microseconds{pause_us});
        const auto start = Clock::now();
        cluster.send(cluster.ids().front());
        cluster.take();
        if (i >= warm_round_trips) seconds.push_back(seconds_since(start));
    }
    cluster.check_all_came_back();
    const auto middle = seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 2);
    std::nth_element(seconds.begin(), middle, seconds.end());
    return 1e6 * *middle;
}

}  // namespace netcompute::bench
