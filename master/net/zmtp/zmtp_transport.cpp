#include "net/zmtp/zmtp_transport.hpp"

#include "net/listen.hpp"
#include "net/zmtp/connection.hpp"

#include <boost/asio/socket_base.hpp>
#include <boost/asio/steady_timer.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace netcompute::net {
namespace asio = boost::asio;
using asio::ip::tcp;
using namespace std::chrono_literals;
using zmtp::Clock;
using zmtp::Connection;
using zmtp::Port;
namespace {

constexpr auto accept_pause = 100ms;  ///< Where no descriptor is left.
constexpr auto accept_log_interval = 60s;

}  // namespace

class ZmtpTransport::Impl : public std::enable_shared_from_this<ZmtpTransport::Impl> {
 public:
    Impl(asio::io_context& context, const ZmtpEndpoints& endpoints, ConnectionBudget& budget,
         SessionListener& listener, const ZmtpTimes& times)
        : doors_{Door{context, endpoints.host, endpoints.task_port, "master.task_port", Port::Task},
                 Door{context, endpoints.host, endpoints.result_port, "master.result_port",
                      Port::Result},
                 Door{context, endpoints.host, endpoints.heartbeat_port, "master.heartbeat_port",
                      Port::Heartbeat}},
          endpoints_{endpoints.host, doors_[0].port_number(), doors_[1].port_number(),
                     doors_[2].port_number()},
          timer_{context},
          peers_{std::make_shared<zmtp::Peers>(listener, budget, times)} {}

    void start() {
        for (Door& door : doors_) accept(door);
        check_times();
    }
    void close(std::chrono::milliseconds time);
    [[nodiscard]] const ZmtpEndpoints& endpoints() const { return endpoints_; }

 private:
    struct Door {
        Door(asio::io_context& context, const std::string& host, std::uint16_t number,
             std::string_view key, Port the_port)
            : acceptor{listen_on(context, host, number, key)}, pause{context}, port{the_port} {}
        [[nodiscard]] std::uint16_t port_number() const { return acceptor.local_endpoint().port(); }

        tcp::acceptor acceptor;
        asio::steady_timer pause;
        Port port;
        Clock::time_point quiet_until{};
    };

    void accept(Door& door);
    void pause(Door& door, const boost::system::error_code& error);
    void take(Port port, tcp::socket socket);
    void check_times();

    std::array<Door, 3> doors_;
    ZmtpEndpoints endpoints_;
    asio::steady_timer timer_;
    std::shared_ptr<zmtp::Peers> peers_;
};

void ZmtpTransport::Impl::accept(Door& door) {
    door.acceptor.async_accept([self = shared_from_this(), &door](
                                   const boost::system::error_code& error, tcp::socket socket) {
        if (!door.acceptor.is_open()) return;
        if (error && error != asio::error::connection_aborted) return self->pause(door, error);
        if (!error) self->take(door.port, std::move(socket));
        self->accept(door);
    });
}

/// Mostly for lack of descriptors: some are freed in time.
void ZmtpTransport::Impl::pause(Door& door, const boost::system::error_code& error) {
    const auto now = Clock::now();
    if (now >= door.quiet_until) {
        door.quiet_until = now + accept_log_interval;
        spdlog::warn("the {} port cannot take a connection: {}; trying again", port_name(door.port),
                     error.message());
    }
    door.pause.expires_after(accept_pause);
    door.pause.async_wait(
        [self = shared_from_this(), &door](const boost::system::error_code& cancelled) {
            if (!cancelled && door.acceptor.is_open()) self->accept(door);
        });
}

void ZmtpTransport::Impl::take(Port port, tcp::socket socket) {
    boost::system::error_code error;
    const tcp::endpoint peer = socket.remote_endpoint(error);
    if (!error) socket.non_blocking(true, error);
    if (!error) socket.set_option(tcp::no_delay{true}, error);
    if (!error) socket.set_option(asio::socket_base::keep_alive{true}, error);
    if (error) return;  // It is gone again.
    auto connection =
        std::make_shared<Connection>(peers_, port, std::move(socket), address_text(peer.address()));
    peers_->connections.insert(connection);
    connection->start(peers_->budget.take(peer.address(), [weak = std::weak_ptr{connection}] {
        if (const auto evicted = weak.lock()) evicted->evict();
    }));
}

void ZmtpTransport::Impl::check_times() {
    timer_.expires_after(peers_->times.check_interval);
    timer_.async_wait([self = shared_from_this()](const boost::system::error_code& cancelled) {
        if (cancelled) return;
        const auto now = Clock::now();
        const std::vector<std::shared_ptr<Connection>> connections{
            self->peers_->connections.begin(), self->peers_->connections.end()};
        for (const auto& connection : connections) connection->check_time(now);
        self->check_times();
    });
}

void ZmtpTransport::Impl::close(std::chrono::milliseconds time) {
    if (std::exchange(peers_->listener, nullptr) == nullptr) return;
    boost::system::error_code ignored;
    for (Door& door : doors_) {
        door.acceptor.close(ignored);
        door.pause.cancel();
    }
    timer_.cancel();
    const auto until = Clock::now() + time;
    const std::vector<std::shared_ptr<Connection>> connections{peers_->connections.begin(),
                                                               peers_->connections.end()};
    for (const auto& connection : connections) connection->finish_writing(until);
}

ZmtpTransport::ZmtpTransport(asio::io_context& context, const ZmtpEndpoints& endpoints,
                             ConnectionBudget& budget, SessionListener& listener, ZmtpTimes times)
    : impl_{std::make_shared<Impl>(context, endpoints, budget, listener, times)} {
    impl_->start();
}
ZmtpTransport::~ZmtpTransport() {
    impl_->close({});
}
const ZmtpEndpoints& ZmtpTransport::endpoints() const {
    return impl_->endpoints();
}
void ZmtpTransport::close(std::chrono::milliseconds time) {
    impl_->close(time);
}

}  // namespace netcompute::net
