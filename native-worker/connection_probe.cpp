#include "connection_probe.hpp"

#include "master_address.hpp"
#include "use_result.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/tcp_stream.hpp>

#include <array>
#include <cstddef>
#include <mutex>
#include <thread>
#include <utility>

namespace netcompute::worker {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using boost::system::error_code;

/// How each peer of ZeroMQ begins (ZMTP 3.1, "signature").
constexpr std::array<unsigned char, 10> signature{0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F};

asio::awaitable<std::string> find_reason(std::string host, std::uint16_t port,
                                         std::chrono::milliseconds patience) {
    const auto executor = co_await asio::this_coro::executor;
    tcp::resolver resolver{executor};
    const auto [resolve_error, addresses] =
        co_await resolver.async_resolve(host, std::to_string(port), use_result);
    if (resolve_error) co_return why_unreachable(host, port, resolve_error);
    beast::tcp_stream stream{executor};
    stream.expires_after(patience);
    const auto [connect_error, address] = co_await stream.async_connect(addresses, use_result);
    if (connect_error) co_return why_unreachable(host, port, connect_error);
    stream.expires_after(patience);
    std::ignore = co_await stream.async_write_some(asio::buffer(signature), use_result);
    unsigned char first = 0;
    const auto [read_error, count] =
        co_await stream.async_read_some(asio::buffer(&first, 1), use_result);
    if (count == 1 && first == signature.front()) co_return "";
    const std::string there = host_and_port(host, port);
    constexpr const char* next = "; is this the master's port for tasks?";
    if (read_error == beast::error::timeout) {
        co_return there + " takes the connection and then says nothing" + next;
    }
    co_return "what answers at " + there + " does not speak ZeroMQ" + next;
}

}  // namespace

std::string why_unreachable(std::string_view host, std::uint16_t port, const error_code& error) {
    const std::string there = host_and_port(host, port);
    if (error.category() == asio::error::get_netdb_category() ||
        error.category() == asio::error::get_addrinfo_category()) {
        return "the name \"" + std::string{host} + "\" does not resolve (" + error.message() +
               "): check its spelling, or give the master's address";
    }
    if (error == asio::error::connection_refused) {
        return there +
               " refuses the connection: no master listens there; is it running, and is "
               "this its port?";
    }
    if (error == beast::error::timeout || error == asio::error::timed_out) {
        return there + " does not answer: that PC is off, or a firewall is in the way";
    }
    if (error == asio::error::host_unreachable || error == asio::error::network_unreachable) {
        return "there is no way from this PC to " + there + " (" + error.message() +
               "): check the address and the network";
    }
    return there + ": " + error.message();
}

class ConnectionProbe::Thread {
 public:
    Thread(const Wakeup& done, std::chrono::milliseconds patience)
        : done_{done}, patience_{patience}, thread_{[this] { context_.run(); }} {}
    ~Thread() {
        context_.stop();
        thread_.join();
    }
    Thread(const Thread&) = delete;
    Thread& operator=(const Thread&) = delete;

    void start(std::string host, std::uint16_t port) {
        {
            const std::lock_guard lock{mutex_};
            if (std::exchange(is_busy_, true)) return;
        }
        asio::co_spawn(context_, look(std::move(host), port), asio::detached);
    }

    std::optional<std::string> take() {
        const std::lock_guard lock{mutex_};
        return std::exchange(reason_, std::nullopt);
    }

 private:
    asio::awaitable<void> look(std::string host, std::uint16_t port) {
        std::string reason = co_await find_reason(std::move(host), port, patience_);
        {
            const std::lock_guard lock{mutex_};
            reason_ = std::move(reason);
            is_busy_ = false;
        }
        done_.notify();
    }

    const Wakeup& done_;
    const std::chrono::milliseconds patience_;
    std::mutex mutex_;
    bool is_busy_ = false;
    std::optional<std::string> reason_;
    asio::io_context context_{1};
    asio::executor_work_guard<asio::io_context::executor_type> stays_{context_.get_executor()};
    std::thread thread_;
};

ConnectionProbe::ConnectionProbe(std::chrono::milliseconds patience)
    : thread_{std::make_unique<Thread>(done_, patience)} {}
ConnectionProbe::~ConnectionProbe() = default;

void ConnectionProbe::start(std::string host, std::uint16_t port) {
    thread_->start(std::move(host), port);
}

std::optional<std::string> ConnectionProbe::take() {
    done_.clear();
    return thread_->take();
}

}  // namespace netcompute::worker
