#include "net/http/http_server.hpp"

#include "net/http/http_connection.hpp"
#include "net/http/use_result.hpp"
#include "net/port_owner.hpp"
#include <netcompute/logging.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <stdexcept>

namespace netcompute::net {
namespace asio = boost::asio;
using asio::ip::tcp;
namespace {

/// Without descriptors or memory, nothing can be accepted until some are freed.
constexpr std::chrono::milliseconds accept_retry_pause{200};
constexpr std::chrono::minutes accept_complaint_interval{1};

}  // namespace

struct HttpServer::State {
    State(asio::io_context& context, ConnectionBudget& the_budget)
        : acceptor{context}, budget{the_budget} {}

    static asio::awaitable<void> accept(std::shared_ptr<State> state);
    void complain(const boost::system::error_code& error);

    tcp::acceptor acceptor;
    ConnectionBudget& budget;
    std::shared_ptr<HttpShared> shared;
    std::optional<std::chrono::steady_clock::time_point> complained;
};

/// Once a minute: the log has to last, and the reason is the same each time.
void HttpServer::State::complain(const boost::system::error_code& error) {
    const auto now = std::chrono::steady_clock::now();
    if (complained && now < *complained + accept_complaint_interval) return;
    complained = now;
    spdlog::warn("cannot accept connections to the web port: {}; trying again all the time",
                 error.message());
}

asio::awaitable<void> HttpServer::State::accept(std::shared_ptr<State> state) {
    for (;;) {
        auto [error, socket] = co_await state->acceptor.async_accept(use_result);
        if (error == asio::error::operation_aborted || !state->acceptor.is_open()) co_return;
        if (error) {
            state->complain(error);
            asio::steady_timer pause{state->acceptor.get_executor(), accept_retry_pause};
            co_await pause.async_wait(use_result);
            continue;
        }
        auto connection = std::make_shared<HttpConnection>(state->shared, std::move(socket));
        connection->enter(state->budget);
        auto running = HttpConnection::run(std::move(connection));
        asio::co_spawn(state->acceptor.get_executor(), std::move(running), asio::detached);
    }
}

HttpServer::HttpServer(asio::io_context& context, HttpServerOptions options,
                       ConnectionBudget& budget, Handlers handlers)
    : state_{std::make_shared<State>(context, budget)} {
    const std::string host = options.host;
    const std::uint16_t port = options.port;
    state_->shared = std::make_shared<HttpShared>(HttpShared{
        std::move(options),
        std::move(handlers),
        std::make_shared<ByteBudget>(incoming_bodies_bytes_max),
        std::make_shared<ByteBudget>(answers_bytes_max),
        {std::make_shared<ByteBudget>(incoming_messages_bytes_max),
         std::make_shared<ByteBudget>(unsent_bytes_max)},
    });
    try {
        const tcp::endpoint endpoint{asio::ip::make_address(host), port};
        state_->acceptor.open(endpoint.protocol());
        state_->acceptor.set_option(tcp::acceptor::reuse_address{true});
        state_->acceptor.bind(endpoint);
        state_->acceptor.listen(1024);
    } catch (const boost::system::system_error& error) {
        const bool taken = error.code() == asio::error::address_in_use;
        throw std::runtime_error("cannot listen on " + host + ":" + std::to_string(port) +
                                 " (dashboard.port): " + error.code().message() +
                                 (taken ? describe_port_owner(port) : "") +
                                 "; choose another port or address in config.json");
    }
    asio::co_spawn(context, State::accept(state_), asio::detached);
}

HttpServer::~HttpServer() {
    stop();
}

std::uint16_t HttpServer::port() const {
    return state_->acceptor.local_endpoint().port();
}

void HttpServer::set_names(OwnNames names, TrustedProxies trusted_proxies) {
    state_->shared->options.names = std::move(names);
    state_->shared->options.trusted_proxies = std::move(trusted_proxies);
}

void HttpServer::stop() {
    boost::system::error_code ignored;
    state_->acceptor.close(ignored);
}

}  // namespace netcompute::net
